"""A small canvas for drawing textures: shapes by signed distances, at several times the size."""

from __future__ import annotations

import numpy as np

SUPERSAMPLE = 4
LEVELS = 4  # colours are multiples of it: a third of the file's size, and nobody sees it

Colour = np.ndarray


class Canvas:
    """A texture at several times its size; ``x`` and ``y`` are texels from its middle, y up."""

    def __init__(self, width: int, height: int, body: tuple[int, int]) -> None:
        n = SUPERSAMPLE
        columns = (np.arange(width * n) + 0.5) / n - width / 2
        rows = height / 2 - (np.arange(height * n) + 0.5) / n
        self.x, self.y = np.meshgrid(columns, rows)
        self.body = body
        self.colour = np.zeros((height * n, width * n, 3))  # premultiplied
        self.alpha = np.zeros((height * n, width * n))

    def paint(self, where: np.ndarray, colour: Colour, opacity: float | np.ndarray = 1.0) -> None:
        """Lay a colour ([3], or one a pixel) over what is there, where the mask says."""
        alpha = where * opacity
        self.colour = self.colour * (1 - alpha[..., None]) + alpha[..., None] * colour
        self.alpha = self.alpha * (1 - alpha) + alpha

    def shade(self, factor: np.ndarray) -> None:
        """Make what is there lighter or darker, by a factor a pixel."""
        self.colour = np.clip(self.colour * factor[..., None], 0, self.alpha[..., None])

    def pixels(self) -> np.ndarray:
        """height x width x 4 uint8, straight alpha; colourless where it is transparent."""
        n = SUPERSAMPLE
        rows, columns = self.alpha.shape[0] // n, self.alpha.shape[1] // n
        colour = self.colour.reshape(rows, n, columns, n, 3).mean((1, 3))
        alpha = self.alpha.reshape(rows, n, columns, n).mean((1, 3))[..., None]
        straight = np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 1 / 512)
        both = np.concatenate([straight, np.where(alpha > 1 / 512, alpha, 0)], axis=2)
        return np.clip(np.round(both * 255 / LEVELS) * LEVELS, 0, 255).astype(np.uint8)


# Shapes: signed distances in texels, negative inside


def rounded_box(x, y, length, width, radius) -> np.ndarray:
    right = np.abs(x) - length / 2 + radius
    up = np.abs(y) - width / 2 + radius
    outside = np.hypot(np.maximum(right, 0), np.maximum(up, 0))
    return outside + np.minimum(np.maximum(right, up), 0) - radius


def between(x: np.ndarray, low: float, high: float) -> np.ndarray:
    return (x > low) & (x < high)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], cells: int) -> np.ndarray:
    """Noise of about ``cells`` bumps along the longer side, mean 0, most of it in [-1, 1]."""
    rows, columns = (max(2, round(cells * s / max(shape)) + 1) for s in shape)
    grid = rng.normal(0, 0.6, (rows, columns))
    y = np.linspace(0, rows - 1.001, shape[0])
    x = np.linspace(0, columns - 1.001, shape[1])
    i, j = y.astype(int), x.astype(int)
    v, u = (y - i)[:, None], (x - j)[None, :]
    v, u = v * v * (3 - 2 * v), u * u * (3 - 2 * u)
    low = grid[i][:, j] * (1 - u) + grid[i][:, j + 1] * u
    high = grid[i + 1][:, j] * (1 - u) + grid[i + 1][:, j + 1] * u
    return low * (1 - v) + high * v


def grain(rng: np.random.Generator, canvas: Canvas, strength: float) -> np.ndarray:
    """A factor about 1 that varies from texel to texel."""
    n = SUPERSAMPLE
    rows, columns = canvas.alpha.shape[0] // n, canvas.alpha.shape[1] // n
    noise = 1 + strength * rng.standard_normal((rows, columns))
    return noise.repeat(n, 0).repeat(n, 1)
