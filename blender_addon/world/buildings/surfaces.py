"""Surfaces that only buildings show, and the colours of their walls."""

from __future__ import annotations

from ..finishes import WALLS, Finish

BUILDING_COLOURS = tuple(WALLS)

SURFACES: dict[str, Finish] = {
    "window_sky": Finish((0.13, 0.17, 0.21), 0.1),  # a pane that mirrors the bright sky
    "window_dim": Finish((0.012, 0.013, 0.014), 0.1),
    "curtain": Finish((0.44, 0.43, 0.40)),
    "blind": Finish((0.30, 0.29, 0.27)),
    "sill": Finish((0.42, 0.41, 0.39)),
    "shutter_green": Finish((0.035, 0.085, 0.05)),
    "shutter_brown": Finish((0.115, 0.06, 0.035)),
    "shutter_blue": Finish((0.10, 0.15, 0.21)),
    "dark_beam": Finish((0.055, 0.033, 0.022)),
    "frame_dark": Finish((0.04, 0.042, 0.045)),
    "door_light": Finish((0.34, 0.33, 0.31)),
    "step": Finish((0.30, 0.29, 0.275)),
    "gutter": Finish((0.16, 0.165, 0.165)),
    "ridge": Finish((0.13, 0.045, 0.03)),
    "slate": Finish((0.058, 0.06, 0.066), None, 0.3, 0.25, "tiles"),
    "brown_tiles": Finish((0.115, 0.062, 0.044), None, 0.3, 0.3, "tiles"),
    "gravel_roof": Finish((0.20, 0.195, 0.185)),
    "trim": Finish((0.56, 0.54, 0.49)),
    "facade_concrete": Finish((0.33, 0.325, 0.31)),
    "balcony": Finish((0.47, 0.47, 0.46)),
    "garage_door": Finish((0.40, 0.40, 0.39)),
    "barn_wood": Finish((0.105, 0.062, 0.036), None, 0.3, 0.2, "planks"),
    "chimney": Finish((0.20, 0.085, 0.06)),
    "awning_red": Finish((0.36, 0.03, 0.025)),
    "awning_white": Finish((0.62, 0.60, 0.56)),
    "shop_sign": Finish((0.035, 0.075, 0.14)),
    "shop_goods": Finish((0.24, 0.20, 0.15)),
    "spandrel": Finish((0.07, 0.085, 0.10), 0.2),
}
