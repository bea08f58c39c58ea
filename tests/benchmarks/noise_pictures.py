"""How far a picture is from the one with many samples, where, and a picture of that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

WINDOW = 5  # pixels
FLAT = 12.0  # of 255


def smooth(reference: np.ndarray) -> np.ndarray:
    """H x W bool: where the colours within a window of 5 x 5 pixels are nearly alike.

    Args:
        reference: H x W x 3, 0 to 255, with many samples.
    """
    window = (WINDOW, WINDOW, 1)
    most = ndimage.maximum_filter(reference, window, mode="nearest")
    least = ndimage.minimum_filter(reference, window, mode="nearest")
    return (most - least <= FLAT).all(axis=2)


def rmse(picture: np.ndarray, reference: np.ndarray, where: np.ndarray | None = None) -> float:
    """Root of the mean squared difference over the pixels and channels; NaN where there are none.

    Args:
        where: H x W bool, or None for all pixels.
    """
    squared = (picture.astype(np.float64) - reference) ** 2
    chosen = squared if where is None else squared[where]
    return float(np.sqrt(chosen.mean())) if chosen.size else float("nan")


def write_map(path: Path, picture: np.ndarray, reference: np.ndarray) -> None:
    """Four pictures in a column: one sample, many samples, the error, and that on smooth surfaces.

    The error is the largest channel's: black 0, red 8, yellow 16, white 32 or more of 255.
    """
    error = np.abs(picture.astype(np.float64) - reference).max(axis=2)
    rows = [picture, reference, _heat(error), _heat(np.where(smooth(reference), error, 0))]
    column = np.concatenate([np.rint(row).astype(np.uint8) for row in rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(column).resize((2 * column.shape[1], 2 * column.shape[0]), 0).save(path)


def _heat(error: np.ndarray) -> np.ndarray:
    marks = [0, 8, 16, 32]
    channels = [np.interp(error, marks, ends) for ends in
                ([0, 220, 255, 255], [0, 0, 220, 255], [0, 0, 0, 255])]  # fmt: skip
    return np.stack(channels, axis=-1)
