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
        pixels[_thick(_line(_scaled(x), SIDE - 1 - _scaled(y)))] = colour
    return pixels


def fitted(picture: np.ndarray) -> np.ndarray:
    """A picture at most SIDE wide and high, every n-th pixel of it; H x W x 3 float32 in [0, 1]."""
    step = -(-max(picture.shape[:2]) // SIDE)
    return picture[::step, ::step].astype(np.float32) / 255.0


def _scaled(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    return _MARGIN + share * (SIDE - 1 - 2 * _MARGIN)


def _line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """SIDE x SIDE bool: the pixels (row y, column x) along a broken line.

    Without a loop over pixels, since Blender waits while a chart is drawn.
    """
    across, down = np.diff(x), np.diff(y)
    steps = np.maximum(np.maximum(np.abs(across), np.abs(down)), 1.0).astype(int) + 1
    part = np.repeat(np.arange(len(steps)), steps)
    within = np.arange(len(part)) - (np.cumsum(steps) - steps)[part]
    share = within / (steps[part] - 1)
    found = np.zeros((SIDE, SIDE), bool)
    rows = np.rint(y[part] + share * down[part]).astype(int)
    found[rows, np.rint(x[part] + share * across[part]).astype(int)] = True
    return found


def _thick(line: np.ndarray) -> np.ndarray:
    """A line three pixels wide; it keeps clear of the edges."""
    up_and_down = line | np.roll(line, 1, 0) | np.roll(line, -1, 0)
    return up_and_down | np.roll(up_and_down, 1, 1) | np.roll(up_and_down, -1, 1)
