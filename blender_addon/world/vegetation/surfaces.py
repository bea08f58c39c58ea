"""Finishes that only plants have, and the tones that a plant's leaves take."""

from __future__ import annotations

from ..finishes import Finish

# What is deep inside a crown is darker than its shadow in a picture of few bounces would be.
SURFACES: dict[str, Finish] = {
    "leaf_deep": Finish((0.006, 0.013, 0.004)),
    "leaf_sun": Finish((0.165, 0.225, 0.038)),
    "lime_dark": Finish((0.024, 0.045, 0.008)),
    "lime": Finish((0.068, 0.115, 0.018)),
    "lime_light": Finish((0.135, 0.195, 0.034)),
    "lime_sun": Finish((0.235, 0.285, 0.055)),
    "autumn_deep": Finish((0.014, 0.009, 0.004)),
    "autumn_dark": Finish((0.042, 0.026, 0.009)),
    "autumn": Finish((0.105, 0.058, 0.016)),
    "autumn_light": Finish((0.20, 0.112, 0.026)),
    "autumn_green": Finish((0.086, 0.088, 0.020)),
    "needle_deep": Finish((0.004, 0.010, 0.006)),
    "needle_blue": Finish((0.052, 0.086, 0.062)),
    "petal_pink": Finish((0.44, 0.075, 0.19)),
    "petal_white": Finish((0.62, 0.60, 0.53)),
    "bark_grey": Finish((0.105, 0.092, 0.074)),
    "bark_plane": Finish((0.165, 0.145, 0.105), None, 0.35, 0.5),
    "bark_pine": Finish((0.135, 0.068, 0.036)),
    "bark_birch": Finish((0.50, 0.48, 0.44)),
    "bark_scar": Finish((0.035, 0.030, 0.027)),
}

# From deep inside a crown to what the sun reaches.
GREEN = ("leaf_deep", "leaf_dark", "leaf", "leaf_light", "leaf_sun")
LIME = ("leaf_dark", "lime_dark", "lime", "lime_light", "lime_sun")
AUTUMN = ("autumn_deep", "autumn_dark", "autumn", "autumn_green", "autumn_light")
NEEDLES = ("needle_deep", "needle_dark", "needle", "needle_light", "needle_blue")

LEAVES = frozenset((*GREEN, *LIME, *AUTUMN, *NEEDLES, "petal_pink", "petal_white"))
