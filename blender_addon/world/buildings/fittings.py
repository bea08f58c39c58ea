"""What is fixed to a façade: steps, canopies, balconies, awnings, bays; metres.

Each is made at x = 0, the wall's surface, and stands out along +x, with its centre at y = 0.
"""

from __future__ import annotations

import numpy as np

from ..shapes import COLOUR, Shape, box, join, polygons
from .walls import Opening, WindowStyle, turned, wall


def steps(width: float, height: float, *, count: int = 2, tread: float = 0.3) -> Shape:
    """Steps up to a door sill of that height."""
    parts = []
    for i in range(count):
        reach = (count - i) * tread
        top = height * (i + 1) / count
        half = width / 2 - 0.003 * i
        parts.append(box((-0.1, -half, 0.0 if i == 0 else height * i / count - 0.01),
                         (reach, half, top), "step"))  # fmt: skip
    return join(*parts)


def canopy(width: float, z: float, *, reach: float = 0.9, surface: str = "trim") -> Shape:
    """A small roof over a door."""
    half = width / 2
    points = np.array([(0, -half, z), (reach, -half, z - 0.05), (reach, half, z - 0.05),
                       (0, half, z), (0, -half, z + 0.25), (reach, -half, z + 0.05),
                       (reach, half, z + 0.05), (0, half, z + 0.25)])  # fmt: skip
    faces = [(3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    return polygons(points, faces, surface)


def balcony(width: float, z: float, *, reach: float = 1.2, panel: str = "balcony") -> Shape:
    """A slab with a parapet of panels."""
    half = width / 2
    parts = [box((-0.05, -half, z - 0.16), (reach, half, z), "facade_concrete")]
    for a, b in (((reach - 0.06, -half), (reach, half)), ((0.0, -half), (reach, -half + 0.06)),
                 ((0.0, half - 0.06), (reach, half))):  # fmt: skip
        parts.append(box((*a, z - 0.02), (*b, z + 0.95), panel))
    return join(*parts)


def awning(width: float, z: float, *, reach: float = 1.2) -> Shape:
    """A sloping cloth of red and white stripes."""
    count = max(int(width / 0.45) | 1, 3)
    edges = np.linspace(-width / 2, width / 2, count + 1)
    parts = []
    for i in range(count):
        a, b = edges[i], edges[i + 1]
        points = np.array([(0, a, z), (reach, a, z - 0.6), (reach, b, z - 0.6), (0, b, z),
                           (reach, a, z - 0.85), (reach, b, z - 0.85)])  # fmt: skip
        name = "awning_red" if i % 2 == 0 else "awning_white"
        # Cloth has two sides; the lower one lies a little below.
        parts.append(polygons(points, [(0, 1, 2, 3), (1, 4, 5, 2)], name))
        under = points - (0.012, 0, 0.012)
        parts.append(polygons(under, [(3, 2, 1, 0), (2, 5, 4, 1)], name))
    for y in (-width / 2, width / 2):
        side = np.array([(0, y, z), (reach, y, z - 0.6), (0, y, z - 0.6)])
        inner = side - (0, np.sign(y) * 0.012, 0)
        outward = (0, 1, 2) if y > 0 else (2, 1, 0)
        parts.append(polygons(side, [outward], "awning_red"))
        parts.append(polygons(inner, [outward[::-1]], "awning_red"))
    return join(*parts)


def bay_window(width: float, height: float, style: WindowStyle, *, reach: float = 0.8) -> Shape:
    """A box-shaped bay from the ground up, with windows to three sides; open above."""
    bottom = style.sill + 0.4
    wide = width / 2 - 0.2
    front = [Opening(-wide, -0.06, bottom, bottom + style.height, style=style),
             Opening(0.06, wide, bottom, bottom + style.height, glass="window_sky",
                     style=style)]  # fmt: skip
    flank = [Opening(-reach / 2 + 0.18, reach / 2 - 0.18, bottom, bottom + style.height,
                     style=style)]  # fmt: skip
    return join(
        turned(wall(width, height, front), 0, reach, 0),
        turned(wall(reach, height, flank), 1, reach / 2, width / 2),
        turned(wall(reach, height, flank), 3, reach / 2, -width / 2),
    )


def downpipe(y: float, top: float) -> Shape:
    """A drain pipe from the gutter to the ground."""
    return box((0.0, y - 0.05, 0.0), (0.1, y + 0.05, top), "gutter")


def pilaster(y: float, bottom: float, top: float, width: float, surface: str = COLOUR) -> Shape:
    """A flat pillar on the wall."""
    half = width / 2
    return box((-0.05, y - half, bottom), (0.14, y + half, top), surface)


def cornice(width: float, z: float, *, height: float = 0.22, out: float = 0.18) -> Shape:
    """A moulding along a wall."""
    half = width / 2
    lower = box((-0.05, -half, z), (out / 2, half, z + height / 2), "trim")
    return join(lower, box((-0.05, -half, z + height / 2), (out, half, z + height), "trim"))
