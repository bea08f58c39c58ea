"""The network that looks at whole pictures: numbers of the scene, and where objects are.

A network of this size learns nearly nothing from a few thousand renders when it starts from
nothing, and to train an ImageNet network to its first layer takes too long on a processor. So its
maps are computed once for each picture and kept; what is learned looks at them, and at the picture
itself, for edges and tones that a classifier has no use for. Boxes are regressed in every cell of
an object, as in FCOS (Tian et al. 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.networks.device import device_of

WIDTHS = (40, 64, 96, 96)
"""Channels at strides 4, 8, 16 and 32."""
HIDDEN = 256
DROPPED = 0.1
SIDES = 4
_SCALE = 0.3  # brings the classifier's maps to about unit size


class DenseNetwork(nn.Module):
    """Convolutions over a picture and what an ImageNet network sees in it.

    Shapes: :meth:`forward` takes pictures [B, 3, H, W] in [0, 1] and maps of strides 4, 8, 16 and
    32; it gives [B, T] numbers of the scene, [B, 1 + K, H/4, W/4] logits of no object and of each
    class, and [B, 4, H/4, W/4] logarithms of how far a cell is from the left, upper, right and
    lower side of its object's box, in cells.

    Args:
        scene: T.
        classes: K.
        channels, grids: of the maps, each map's channels and (rows, columns).
    """

    def __init__(
        self, scene: int, classes: int, channels: list[int], grids: list[tuple[int, int]]
    ) -> None:
        super().__init__()
        fine, middle, coarse, whole = WIDTHS
        self.lateral = nn.ModuleList(
            nn.Conv2d(before, after, 1) for before, after in zip(channels, WIDTHS, strict=True)
        )
        # The picture with where in it a pixel is: how far a thing is follows from its row.
        self.picture = nn.Sequential(convolution(5, 16, 5, 2), convolution(16, fine, 3, 2))
        self.down = nn.ModuleList(
            convolution(before, after, 3, 2)
            for before, after in zip(WIDTHS, WIDTHS[1:], strict=False)
        )
        self.refine = nn.ModuleList(
            [
                convolution(middle, middle),
                nn.Sequential(convolution(coarse, coarse), convolution(coarse, coarse)),
                convolution(whole, whole),
            ]
        )
        self.up16, self.up8 = nn.Conv2d(coarse, middle, 1), nn.Conv2d(middle, fine, 1)
        self.join8, self.join4 = convolution(middle, middle), convolution(fine, fine)
        self.cells = nn.Conv2d(fine, 1 + classes + SIDES, 1)
        self.split = (1 + classes, SIDES)
        self.pooled = grids[2]
        narrow = (16, 32, 64)
        self.narrow = nn.ModuleList(
            convolution(before, after, 1) for before, after in zip(WIDTHS[1:], narrow, strict=True)
        )
        areas = [grid[0] * grid[1] for grid in (grids[2], grids[2], grids[3])]
        inputs = sum(a * n for a, n in zip(areas, narrow, strict=True)) + fine + whole
        self.scene = nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.SiLU(),
            nn.Dropout(DROPPED),
            nn.Linear(HIDDEN, scene),
        )

    def forward(self, images: Tensor, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        home, device = images.device, device_of(self)
        images, maps = images.to(device), [m.to(device) for m in maps]
        seen = [layer(_SCALE * m) for layer, m in zip(self.lateral, maps, strict=True)]
        x4 = seen[0] + _as(self.picture(_with_places((images - 0.5) / 0.25)), seen[0])
        levels = [x4]
        for down, refine, lateral in zip(self.down, self.refine, seen[1:], strict=True):
            x = _as(down(levels[-1]), lateral) + lateral
            levels.append(x + refine(x))
        _, x8, x16, x32 = levels
        y16 = x16 + _as(x32, x16)
        y8 = self.join8(x8 + self.up16(_as(y16, x8)))
        y4 = self.join4(x4 + self.up8(_as(y8, x4)))
        classes, sides = self.cells(y4).split(self.split, 1)
        narrow8, narrow16, narrow32 = (
            layer(x) for layer, x in zip(self.narrow, (x8, x16, x32), strict=True)
        )
        scene = torch.cat(
            [
                functional.adaptive_avg_pool2d(narrow8, self.pooled).flatten(1),
                narrow16.flatten(1),
                narrow32.flatten(1),
                y4.mean((2, 3)),
                x32.mean((2, 3)),
            ],
            1,
        )
        return self.scene(scene).to(home), classes.to(home), sides.to(home)


def _with_places(images: Tensor) -> Tensor:
    """[B, 5, H, W]: pictures with each pixel's row and column, from -1 to 1."""
    count, _, height, width = images.shape
    rows = torch.linspace(-1, 1, height)[:, None].expand(height, width)
    columns = torch.linspace(-1, 1, width).expand(height, width)
    places = torch.stack([rows, columns]).to(images).expand(count, -1, -1, -1)
    return torch.cat([images, places], 1)


def _as(x: Tensor, like: Tensor) -> Tensor:
    """Maps brought to another's rows and columns."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return functional.interpolate(x, size=like.shape[-2:], mode="nearest")


def convolution(before: int, after: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride, size // 2, bias=False),
        nn.GroupNorm(8, after),
        nn.SiLU(),
    )
