"""What an ImageNet network sees in each cell of a picture, as the ground that counts are read from.

A small network trained on renders alone learns the renderer's surfaces along with its things, and
misreads photographs. Features of a network that has seen photographs differ less between the two;
only the reading of them is learned.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.features.prior_network import CELL
from metasim_backend.networks.stages import StageNetwork

STAGES = 2  # strides 8 and 16; the last stage tells what a picture is about, not where
ENLARGED = 2  # so that the finest stage has two rows a cell, and a distant car is not one pixel
TOGETHER = 2  # pictures; tensors over 32 MB are fresh pages each time, dearer than the sums in them


class PretrainedCells(nn.Module):
    """Pictures [B, 3, H, W] in [0, 1] to [B, C, H/8, W/8], rounded up; frozen.

    Args:
        network: an ImageNet network.

    Attributes:
        channels: C.
    """

    def __init__(self, network: StageNetwork) -> None:
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        with torch.no_grad():
            self.channels = int(self(torch.zeros(1, 3, 4 * CELL, 4 * CELL)).shape[1])

    def train(self, mode: bool = True) -> PretrainedCells:
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([self._seen(part) for part in images.split(TOGETHER)])

    def _seen(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        larger = functional.interpolate(images, scale_factor=ENLARGED, mode="bilinear")
        grid = (math.ceil(height / CELL), math.ceil(width / CELL))
        stages = self.network.stages(larger, STAGES)
        return torch.cat([functional.adaptive_avg_pool2d(stage, grid) for stage in stages], 1)
