"""Trunks and boughs. No bpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..shapes import Shape
from ..sweeps import sweep


def trunk(
    path: Sequence[Sequence[float]], radii: Sequence[float], bark: str, *, sides: int = 7
) -> Shape:
    """A trunk along a path from the ground, with a spread foot."""
    (x, y, _), foot = path[0], radii[0]
    points = [(x, y, 0.0), (x, y, 1.2 * foot), *path[1:]]
    return _standing(sweep(points, [1.4 * foot, foot, *radii[1:]], bark, sides=sides))


def boughs(
    forks: np.ndarray,
    ends: np.ndarray,
    thick: float,
    bark: str,
    rng: np.random.Generator,
    *,
    rise: float = 0.35,
) -> tuple[Shape, ...]:
    """Limbs from the trunk to the lobes of a crown, each of one bend.

    Args:
        forks: N x 3, where they leave the trunk.
        ends: N x 3.
        thick: radius where they begin.
        bark: their surface.
        rng: bends them.
        rise: how much they rise before they reach out, in parts of their height.
    """
    parts = []
    for fork, end in zip(forks, ends, strict=True):
        middle = fork + 0.5 * (end - fork)
        middle[2] += rise * abs(end[2] - fork[2]) * rng.uniform(0.1, 1.0)
        middle[:2] += rng.normal(0, 0.06, 2) * np.linalg.norm(end - fork)
        width = thick * rng.uniform(0.8, 1.1)
        parts.append(sweep([fork, middle, end], [width, 0.7 * width, 0.3 * width], bark, sides=5))
    return tuple(parts)


def _standing(shape: Shape) -> Shape:
    """With its lowest ring flat on the ground."""
    low = shape.vertices[:, 2].min()
    flat = shape.vertices.copy()
    flat[flat[:, 2] < low + 1e-3, 2] = low
    return Shape(flat - (0, 0, low), shape.faces, shape.surfaces, shape.smooth)
