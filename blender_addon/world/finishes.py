"""How surfaces look: a colour, a gloss, a pattern. No bpy.

Plain diffuse colours wherever possible: they keep one-sample pictures quiet. Colours are linear
RGB. Nothing emits light, since every emitting face would be one more noisy lamp. A room that
makes shapes has the surfaces that only it uses in a table ``SURFACES`` of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]

PATTERNS = ("mottled", "brick", "tiles", "planks", "cobbles", "asphalt", "lawn")


@dataclass(frozen=True)
class Finish:
    """A surface's looks.

    Attributes:
        colour: linear RGB.
        roughness: of its mirror-like part; None for a purely diffuse surface.
        grain: strength of the pattern, 0 for an even colour.
        grain_size: metres: size of blots, patches or tufts, length of a brick, height of a row of
            tiles, width of a plank or a stone.
        pattern: one of ``PATTERNS``.
    """

    colour: Colour
    roughness: float | None = None
    grain: float = 0.0
    grain_size: float = 1.0
    pattern: str = "mottled"

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS:
            raise ValueError(f"The pattern {self.pattern!r} is unknown; use {', '.join(PATTERNS)}.")


FINISHES: dict[str, Finish] = {
    "glass": Finish((0.012, 0.016, 0.02), 0.08),
    "tyre": Finish((0.008, 0.008, 0.008)),
    "rim": Finish((0.30, 0.31, 0.33), 0.35),
    "plastic": Finish((0.018, 0.018, 0.02)),
    "grille": Finish((0.01, 0.01, 0.012)),
    "headlight": Finish((0.72, 0.75, 0.80), 0.2),
    "taillight": Finish((0.62, 0.03, 0.012), 0.2),
    "plate": Finish((0.75, 0.75, 0.72)),
    "cargo": Finish((0.58, 0.59, 0.60)),
    "skin": Finish((0.52, 0.29, 0.19)),
    "hair": Finish((0.04, 0.022, 0.012)),
    "trousers": Finish((0.03, 0.04, 0.075)),
    "shoes": Finish((0.02, 0.016, 0.014)),
    "bark": Finish((0.085, 0.06, 0.042)),
    "leaf_dark": Finish((0.018, 0.04, 0.009)),
    "leaf": Finish((0.045, 0.09, 0.016)),
    "leaf_light": Finish((0.095, 0.16, 0.03)),
    "needle_dark": Finish((0.009, 0.024, 0.012)),
    "needle": Finish((0.02, 0.048, 0.022)),
    "needle_light": Finish((0.04, 0.08, 0.03)),
    "window": Finish((0.03, 0.04, 0.05), 0.1),
    "frame": Finish((0.62, 0.62, 0.60)),
    "door": Finish((0.10, 0.05, 0.025)),
    "plinth": Finish((0.22, 0.21, 0.20)),
    "tiles": Finish((0.20, 0.062, 0.038), None, 0.3, 0.3, "tiles"),
    "metal": Finish((0.20, 0.21, 0.22)),
    "sign_red": Finish((0.50, 0.015, 0.015)),
    "sign_white": Finish((0.75, 0.75, 0.75)),
    "asphalt": Finish((0.105, 0.105, 0.108), None, 0.22, 2.5, "asphalt"),
    "parking": Finish((0.135, 0.13, 0.125), None, 0.22, 0.2, "cobbles"),
    "kerb": Finish((0.34, 0.33, 0.31)),
    "sidewalk": Finish((0.27, 0.255, 0.24), None, 0.15, 0.5, "cobbles"),
    "paving": Finish((0.24, 0.225, 0.20), None, 0.2, 0.3, "cobbles"),
    "grass": Finish((0.075, 0.115, 0.026), None, 0.45, 0.5, "lawn"),
    "far": Finish((0.085, 0.115, 0.038)),
    "marking": Finish((0.62, 0.62, 0.60)),
    "forest": Finish((0.020, 0.034, 0.014), None, 0.6, 5.0),
    "forest_far": Finish((0.035, 0.055, 0.034), None, 0.4, 8.0),
    "hills": Finish((0.13, 0.185, 0.20)),
}

# The categories of attribute "colour", by what wears them.
PAINTS: dict[str, Colour] = {
    "white": (0.66, 0.67, 0.67),
    "silver": (0.31, 0.32, 0.335),
    "grey": (0.075, 0.08, 0.088),
    "black": (0.008, 0.008, 0.010),
    "blue": (0.012, 0.032, 0.115),
    "red": (0.21, 0.014, 0.014),
    "green": (0.016, 0.062, 0.036),
    "beige": (0.34, 0.285, 0.20),
}
PAINT_ROUGHNESS = 0.2
WALLS: dict[str, Finish] = {
    "plaster": Finish((0.60, 0.57, 0.49), None, 0.06, 2.5),
    "cream": Finish((0.66, 0.57, 0.38), None, 0.05, 2.5),
    "white": Finish((0.70, 0.70, 0.68), None, 0.05, 3.0),
    "pink_plaster": Finish((0.56, 0.32, 0.25), None, 0.06, 2.5),
    "yellow": Finish((0.56, 0.42, 0.18), None, 0.05, 2.5),
    "sand": Finish((0.46, 0.35, 0.22), None, 0.07, 2.0),
    "grey": Finish((0.34, 0.34, 0.35), None, 0.06, 2.5),
    "dark": Finish((0.105, 0.10, 0.10), None, 0.10, 2.0),
    "brick": Finish((0.23, 0.115, 0.082), None, 0.25, 0.25, "brick"),
    "red_brick": Finish((0.21, 0.078, 0.057), None, 0.22, 0.25, "brick"),
    "stone": Finish((0.37, 0.32, 0.255), None, 0.16, 0.6, "brick"),
}
