"""The size in which a picture is looked at as a whole.

What concerns the whole picture, and where objects are, shows in a small picture. How an object
stands does not: it is read in the full one (:mod:`.regions`).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

CELL = 4
"""Pixels of the small picture along a cell's side."""
LEAST_WIDTH = 160
"""Pixels, below which a picture is not shrunk."""


def look_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) of the small picture: shrunk by a whole number."""
    times = max(1, width // LEAST_WIDTH)
    return max(height // times, 1), max(width // times, 1)


def shrunk(images: Tensor) -> Tensor:
    """Pictures [N, 3, H, W] in the size of the first look; a pixel is a mean over its area."""
    size = look_size(*images.shape[-2:])
    if images.shape[-2:] == size:
        return images
    return functional.interpolate(images, size=size, mode="area")
