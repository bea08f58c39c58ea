"""Small charts as pixels: a curve in a square, for the sidebar. Needs no Blender."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SIDE = 256
BACKGROUND = (0.11, 0.11, 0.12)
GRID = (0.22, 0.22, 0.24)
CURVE = {"mmd2": (0.36, 0.70, 1.0), "score": (1.0, 0.67, 0.25)}
_MARGIN = 10


def chart(points: Sequence[tuple[float, float]], colour: Sequence[float]) -> np.ndarray:
    """A curve over its whole range, the least value at the bottom and the first step at the left.

    Args:
        points: (step, value), steps ascending; one point is drawn as a line across.
        colour: sRGB.

    Returns:
        SIDE x SIDE x 3 float32 in [0, 1], the top row first.
    """
    pixels = np.empty((SIDE, SIDE, 3), np.float32)
    pixels[:] = BACKGROUND
    for part in range(5):
        at = _MARGIN + round((SIDE - 1 - 2 * _MARGIN) * part / 4)
        pixels[at, _MARGIN:-_MARGIN] = GRID
        pixels[_MARGIN:-_MARGIN, at] = GRID
    if points:
        x, y = np.asarray(points[:: -(-len(points) // SIDE)], np.float64).T
        if len(x) == 1:
            x, y = np.array([0.0, 1.0]), np.repeat(y, 2)
        for row, column in _line(_scaled(x), SIDE - 1 - _scaled(y)):
            pixels[row - 1 : row + 2, column - 1 : column + 2] = colour
    return pixels


def fitted(picture: np.ndarray) -> np.ndarray:
    """A picture at most SIDE wide and high, every n-th pixel of it; H x W x 3 float32 in [0, 1]."""
    step = -(-max(picture.shape[:2]) // SIDE)
    return picture[::step, ::step].astype(np.float32) / 255.0


def _scaled(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    return _MARGIN + share * (SIDE - 1 - 2 * _MARGIN)


def _line(x: np.ndarray, y: np.ndarray) -> list[tuple[int, int]]:
    """Pixels (row, column) along a broken line."""
    found: dict[tuple[int, int], None] = {}
    for x0, y0, x1, y1 in zip(x, y, x[1:], y[1:], strict=False):
        steps = int(max(abs(x1 - x0), abs(y1 - y0), 1)) + 1
        for share in np.linspace(0.0, 1.0, steps):
            found[round(y0 + share * (y1 - y0)), round(x0 + share * (x1 - x0))] = None
    return list(found)
