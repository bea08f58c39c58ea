"""One colour a labelled object, the same in the viewport, the image editor and the files."""

from __future__ import annotations

import colorsys

import numpy as np

GOLDEN = 0.61803398875
MOST = 4096


def colour(index: int) -> tuple[float, float, float]:
    """sRGB of a labelled object; neighbours in number are far apart in hue."""
    if index == 0:
        return 0.0, 0.0, 0.0
    return colorsys.hsv_to_rgb((index * GOLDEN) % 1.0, 0.75, 1.0 - 0.25 * (index % 3) / 2)


def table(largest: int) -> np.ndarray:
    """(largest + 1) x 3 float32 sRGB; black for 0."""
    return np.array([colour(i) for i in range(largest + 1)], np.float32)
