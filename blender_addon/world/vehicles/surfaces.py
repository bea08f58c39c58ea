"""Finishes that only vehicles have, and the colours of their paint. No bpy."""

from __future__ import annotations

from ..finishes import Finish

CAR_COLOURS = ("white", "silver", "grey", "black", "blue", "red", "green", "beige")

SURFACES: dict[str, Finish] = {
    "lens": Finish((0.26, 0.28, 0.30), 0.2),
    "indicator": Finish((0.50, 0.17, 0.02)),
    "taillight_dark": Finish((0.20, 0.012, 0.008), 0.25),
    "chrome": Finish((0.45, 0.46, 0.48), 0.3),
    "underbody": Finish((0.006, 0.006, 0.006)),
    "seat": Finish((0.007, 0.007, 0.008)),
    "plate_band": Finish((0.015, 0.06, 0.34)),
    "plate_mark": Finish((0.03, 0.03, 0.035)),
    "tarpaulin": Finish((0.16, 0.24, 0.36)),
    "trailer_rear": Finish((0.50, 0.51, 0.52)),
    "caravan_wall": Finish((0.66, 0.66, 0.63)),
    "display": Finish((0.012, 0.010, 0.006)),
    "display_text": Finish((0.55, 0.33, 0.03)),
}
