"""What both implementations of the camera model must have in common, as plain numbers and arrays.

JPEG's tables are those of ITU-T T.81, annex K.1, scaled with the quality as libjpeg does.
"""

from __future__ import annotations

import math

import numpy as np

SHARPENING_RADIUS = 1.0
"""Standard deviation of the unsharp mask's blur, px."""

LUMINANCE_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float64,
)
CHROMINANCE_TABLE = np.array(
    [
        [17, 18, 24, 47, 99, 99, 99, 99],
        [18, 21, 26, 66, 99, 99, 99, 99],
        [24, 26, 56, 99, 99, 99, 99, 99],
        [47, 66, 99, 99, 99, 99, 99, 99],
        *([99] * 8 for _ in range(4)),
    ],
    np.float64,
)
BLOCK = 8
CHROMA_BLOCK = 16  # pixels that a block of halved chroma covers

TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
)
FROM_YCC = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136286, -0.714136286], [1.0, 1.772, 0.0]])

FAINTEST = 1e-10
"""Variance of noise below which there is none: the slope of its root would not be finite."""

FREQUENCIES = 64  # of the sum that gives the blur's kernel; exact to 1e-12 up to 4 px


def chroma_bias(width: int) -> np.ndarray:
    """[width] float64: what libjpeg adds to the mean of four chroma values before it drops the
    rest; in turns, so that ties are not all rounded one way."""
    return np.where(np.arange(width) % 2 == 0, 0.25, 0.5)


def dct_matrix() -> np.ndarray:
    """8 x 8 float64: the orthonormal DCT-II; rows are frequencies."""
    k, n = np.mgrid[:BLOCK, :BLOCK]
    matrix = np.cos((2 * n + 1) * k * np.pi / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    matrix[0] /= np.sqrt(2)
    return matrix


def kernel_radius(deviation: float) -> int:
    """Pixels to each side that a blur of this standard deviation (px) reaches."""
    return math.ceil(4 * deviation)


def kernel_cosines(radius: int) -> tuple[np.ndarray, np.ndarray]:
    """What the discrete Gaussian's kernel is made of: exp(t * decay) @ cosines, t the variance.

    The kernel is Lindeberg's (IEEE PAMI 12(3), 1990), whose variance is t exactly and which is
    smooth in t down to 0, as the inverse Fourier transform of exp(t (cos w - 1)).

    Returns:
        decay [FREQUENCIES] and cosines [FREQUENCIES, 2 radius + 1], float64.
    """
    angles = 2 * np.pi * np.arange(FREQUENCIES) / FREQUENCIES
    places = np.arange(-radius, radius + 1)
    return np.cos(angles) - 1, np.cos(np.outer(angles, places)) / FREQUENCIES


def squared_radius(height: int, width: int) -> np.ndarray:
    """[height, width] float64: squared distance from the centre, 1 in the corners of the frame."""
    y = (np.arange(height) + 0.5 - height / 2)[:, None]
    x = (np.arange(width) + 0.5 - width / 2)[None, :]
    return (x * x + y * y) / ((width / 2) ** 2 + (height / 2) ** 2)


def sensor_noise(seed: int, height: int, width: int) -> np.ndarray:
    """[height, width, 3] float32: the standard normal numbers of a frame's noise seed."""
    source = np.random.Generator(np.random.Philox(key=[seed, 0x5E4502]))
    return source.standard_normal((height, width, 3), dtype=np.float32)
