"""Wheels: a round tyre and a rim with spokes. No bpy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..shapes import Shape, grid, join, polygons, tube

SIDES = 20


def wheels(axles: Sequence[float], radius: float, half: float, width: float = 0.2) -> list[Shape]:
    """A pair on each axle.

    Args:
        axles: s of each, metres.
        radius: of the tyre.
        half: y of a wheel's outer face.
        width: of the tyre.
    """
    parts = []
    for axle in axles:
        wheel = _wheel(radius, width).moved((-axle, half, radius))
        parts += [wheel, wheel.mirrored()]
    return parts


def _wheel(radius: float, width: float) -> Shape:
    """A left wheel, its outer face at y = 0, its axle at the origin."""
    tyre = tube(
        [(0, y, 0) for y in (-0.04, -0.004, -0.004, -0.03, -width + 0.025, -width)],
        [radius * 0.66, radius * 0.71, radius * 0.84, radius, radius, radius * 0.9],
        "tyre", sides=SIDES, axis="y",
    )  # fmt: skip
    # From the rim's edge inward: a lip, spokes with dark between them, a hub.
    angle = -np.arange(SIDES + 1) * (2 * math.pi / SIDES)
    rings = ((0.72, -0.002), (0.65, -0.022), (0.26, -0.016), (0.02, -0.008))
    points = np.stack([
        np.stack([r * radius * np.cos(angle), np.full(SIDES + 1, y), r * radius * np.sin(angle)],
                 -1) for r, y in rings
    ])  # fmt: skip
    spokes = ["underbody" if i % 4 == 1 else "rim" for i in range(SIDES)]
    face = grid(points, [["rim"] * SIDES, spokes, ["rim"] * SIDES])
    return join(tyre, face)


def disc(centre: Sequence[float], radius: float, axis: str, surface: str, sides: int = 12) -> Shape:
    """A flat round, facing along +axis (``"x"``) or against it (``"-x"``)."""
    angle = np.arange(sides) * (2 * math.pi / sides)
    turn = -1 if axis.startswith("-") else 1
    points = np.stack([np.zeros(sides), np.cos(angle) * turn, np.sin(angle)], -1) * radius
    return polygons(points + np.asarray(centre), [tuple(range(sides))], surface)
