"""What lies beyond the street: a plain, a rim of woods and hills behind it. No bpy."""

from __future__ import annotations

import numpy as np

from .shapes import Shape, grid, polygons


def plain() -> Shape:
    """Flat land to the horizon, at height 0."""
    angle = np.linspace(0, 2 * np.pi, 97)
    corners = np.stack([420 * np.cos(angle[:-1:4]), 420 * np.sin(angle[:-1:4])], axis=-1)
    points = np.column_stack([corners, np.zeros(len(corners))])
    return polygons(points, [tuple(range(len(points)))], "far")


_RIMS = {  # seed, distance and heights in metres, posts round the circle
    "forest": (11, 190.0, 6.0, 12.0, 900),
    "forest_far": (12, 235.0, 10.0, 18.0, 700),
    "hills": (13, 400.0, 14.0, 32.0, 60),
}


def rim(name: str) -> Shape:
    """A wall of woods round the street, a higher one behind it, or the hills behind both."""
    seed, distance, low, high, count = _RIMS[name]
    rng = np.random.default_rng(seed)
    around = np.linspace(0, 2 * np.pi, count + 1)
    coarse = np.interp(around, np.linspace(0, 2 * np.pi, 60), rng.uniform(low, high, 60))
    tops = 0.6 * coarse + 0.4 * rng.uniform(low, high, count + 1)
    tops[-1] = tops[0]
    flat = np.stack([distance * np.cos(around), distance * np.sin(around)], axis=-1)
    foot = np.column_stack([flat, np.full(count + 1, -12.0)])
    top = np.column_stack([flat, tops])
    return grid(np.stack([foot, top]), name)
