"""Linear light that is like a street's, drawn in numpy: sky, road, boxes, posts. No Blender."""

import numpy as np
import torch
from torch import Tensor

from metasim_backend.camera import lens


def street_light(count: int, seed: int, height: int = 96, width: int = 224) -> Tensor:
    """[count, 3, height, width] float32 scene-linear light, at most about 3."""
    source = np.random.default_rng(seed)
    pictures = np.stack([_street(source, height, width) for _ in range(count)])
    light = torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2).contiguous()
    # A renderer's pixel filter: no edge is harder than that.
    return lens.blur(light, torch.tensor(0.5))


def _street(source: np.random.Generator, height: int, width: int) -> np.ndarray:
    image = np.empty((height, width, 3))
    horizon = int(height * source.uniform(0.35, 0.5))
    down = np.linspace(0, 1, height)[:, None, None]
    image[:] = source.uniform(0.5, 1.2) * np.array([0.6, 0.8, 1.2]) * (1.2 - down)
    image[horizon:] = source.uniform(0.08, 0.2) * np.array([1.0, 0.98, 0.95])
    for _ in range(40):
        w, h = source.integers(4, 40), source.integers(4, 30)
        x = source.integers(-10, width)
        y = source.integers(horizon - 25, height - 5)
        colour = source.uniform(0.3, 1, 3) * 10 ** source.uniform(-1.7, 0.1)
        slope = np.linspace(1, source.uniform(0.5, 1), h)[:, None, None]
        part = image[max(y, 0) : y + h, max(x, 0) : x + w]
        part[:] = (colour * slope)[: part.shape[0]]
    return image
