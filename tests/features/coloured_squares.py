"""Pictures in which squares are to be counted, and the answers."""

import numpy as np
import torch

from metasim_backend.features.count_network import CountAnswers, densities

SIZE = 32


def squares(count, seed=0):
    """Red and green squares of 5 pixels on black, with a grey stripe or without."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 3, SIZE, SIZE), np.float32)
    index = np.zeros((count, SIZE, SIZE), np.int64)
    units = np.full((count, 9), -1)
    grounds = rng.integers(0, 2, count)
    for n in range(count):
        images[n, :, :, 12:18] += 0.4 * grounds[n]
        for number in range(1, 1 + rng.integers(0, 5)):
            kind = rng.integers(0, 2)
            y, x = rng.integers(0, SIZE - 5, 2)
            images[n, :, y : y + 5, x : x + 5] = 0
            images[n, kind, y : y + 5, x : x + 5] = 1
            index[n, y : y + 5, x : x + 5] = number
            units[n, number] = kind
    return torch.from_numpy(images), torch.from_numpy(index), torch.from_numpy(units), grounds


def answers(index, units, grounds):
    return CountAnswers(
        ("red", "green"),
        densities(index, units),
        ("stripe",),
        torch.tensor(grounds)[:, None].float(),
    )
