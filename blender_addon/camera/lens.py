"""What the lens does to linear light, H x W x 3 float32: blur, chromatic aberration, vignette."""

from __future__ import annotations

import numpy as np

from ..contract.camera_constants import kernel_cosines, kernel_radius, squared_radius


def blur(image: np.ndarray, deviation: float) -> np.ndarray:
    """Convolve with the discrete Gaussian of this standard deviation (px); the edge goes on."""
    radius = kernel_radius(deviation)
    decay, cosines = kernel_cosines(radius)
    kernel = np.exp(deviation**2 * decay) @ cosines
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        size = image.shape[axis]
        sides = [(radius, radius) if a == axis else (0, 0) for a in range(3)]
        wide = np.pad(image, sides, mode="edge")
        parts = (wide.take(range(i, i + size), axis) * w for i, w in enumerate(kernel))
        image = sum(parts, np.zeros_like(image))
    return image


def aberration(image: np.ndarray, red: float, blue: float) -> np.ndarray:
    """Image red and blue larger by these shares than green, about the centre; linear between
    pixels."""
    out = image.copy()
    for channel, share in ((0, red), (2, blue)):
        plane = image[..., channel]
        for axis in (0, 1):
            plane = _magnified(plane, 1 + share, axis)
        out[..., channel] = plane
    return out


def _magnified(plane: np.ndarray, scale: float, axis: int) -> np.ndarray:
    size = plane.shape[axis]
    centre = (size - 1) / 2
    at = np.clip(centre + (np.arange(size) - centre) / scale, 0, size - 1)
    low = np.minimum(at.astype(np.int64), max(size - 2, 0))
    high = np.minimum(low + 1, size - 1)
    part = (at - low).astype(np.float32)
    if axis == 0:
        part = part[:, None]
    return (1 - part) * plane.take(low, axis) + part * plane.take(high, axis)


def vignette(image: np.ndarray, loss: float, power: float) -> np.ndarray:
    """Darken by ``1 - loss * r**power``, r = 1 in the corners."""
    kept = 1 - loss * squared_radius(*image.shape[:2]) ** (power / 2)
    return image * kept[..., None].astype(np.float32)
