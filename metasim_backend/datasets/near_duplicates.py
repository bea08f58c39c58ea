"""Pictures that are nearly the same, as neighbouring frames of a video are.

Twenty frames of one traffic jam are not twenty streets: a distribution learned from them is that
of the jam, and a frame kept for measuring is known when its neighbour was learned from.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

THUMBNAIL = 10  # rows of cells; columns so that cells are about square


def distinct(images: Tensor, most_alike: float) -> Tensor:
    """[M] indices, rising, of pictures that are not too much like an earlier one of them.

    Likeness is the correlation of the pictures' brightness averaged over a grid ten rows high: 1
    for equal ones, whatever their contrast, and about 0 for pictures that have nothing in common.

    Args:
        images: [N, 3, H, W], uint8 or float.
        most_alike: largest likeness of two that are both kept.
    """
    height, width = images.shape[-2:]
    rows = min(THUMBNAIL, height)
    columns = min(max(1, round(rows * width / height)), width)
    grey = images.float().mean(1, keepdim=True)
    small = functional.adaptive_avg_pool2d(grey, (rows, columns)).flatten(1)
    centred = functional.normalize(small - small.mean(1, keepdim=True), dim=1)
    likeness = centred @ centred.T
    kept: list[int] = []
    for i in range(len(images)):
        if not kept or float(likeness[i, kept].max()) <= most_alike:
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)
