"""The reader's network: a frozen ImageNet network, and learned convolutions over what it sees.

A network of this size learns nearly nothing from a few thousand renders when it starts from
nothing, and to train an ImageNet network to its first layer takes too long on a processor. So its
maps are computed once for each picture and kept; what is learned looks at them, and at the picture
itself, for edges and tones that a classifier has no use for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.features.prior_network import draw_weights
from metasim_backend.features.reader.targets import CELL, ReaderNames
from metasim_backend.networks.stages import StageNetwork

WIDTHS = (40, 64, 96, 96)
"""Channels at strides 4, 8, 16 and 32."""
HIDDEN = 256
DROPPED = 0.1
TOGETHER = 32
_SCALE = 0.3  # brings the classifier's maps to about unit size


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """N pictures with what the frozen network sees in them.

    Attributes:
        images: [N, 3, H, W] uint8.
        maps: of strides 4, 8, 16 and 32, [N, C, H/s, W/s] float16.
    """

    images: Tensor
    maps: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, chosen: Tensor) -> SeenPictures:
        """Some of the pictures."""
        return SeenPictures(self.images[chosen], tuple(m[chosen] for m in self.maps))

    def split(self, size: int) -> list[SeenPictures]:
        """All of them, `size` at a time."""
        return [self.rows(part) for part in torch.arange(len(self)).split(size)]

    @staticmethod
    def joined(parts: list[SeenPictures]) -> SeenPictures:
        """All pictures of several parts."""
        maps = zip(*(part.maps for part in parts), strict=True)
        return SeenPictures(
            torch.cat([part.images for part in parts]), tuple(torch.cat(m) for m in maps)
        )


class Reader(nn.Module):
    """Reads numbers of the whole scene, and in each cell a class and an object's numbers.

    Shapes, for pictures of H x W pixels and h x w cells of 4 x 4: :meth:`forward` gives [B, T]
    numbers of the scene, [B, 1 + K, h, w] logits of no object and of each class, and [B, C, h, w]
    numbers of the object. Numbers are standardised by ``scene_scale`` and ``cell_scale``, [2, T]
    and [2, C]: mean and standard deviation.

    Args:
        backbone: the ImageNet network; it stays as it is.
        names: what is read.
        size: (height, width) of the pictures, pixels.
        seed: of the first weights.
    """

    scene_scale: Tensor
    cell_scale: Tensor

    def __init__(
        self, backbone: StageNetwork, names: ReaderNames, size: tuple[int, int], seed: int = 0
    ) -> None:
        super().__init__()
        self.names, self.size = names, size
        self.backbone = [backbone.requires_grad_(False).eval()]  # not among the parameters
        with torch.no_grad():
            seen = backbone.pyramid(torch.zeros(1, 3, *size))
        grids = [(m.shape[-2], m.shape[-1]) for m in seen]
        with torch.device("meta"):  # drawn below, from a generator of their own
            self.learned = _Learned(names, [m.shape[1] for m in seen], grids)
        draw_weights(self.learned, seed)
        self.register_buffer(
            "scene_scale", torch.tensor([[0.0], [1.0]]).repeat(1, len(names.scene))
        )
        self.register_buffer("cell_scale", torch.tensor([[0.0], [1.0]]).repeat(1, len(names.cells)))

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w), how many cells there are."""
        return self.size[0] // CELL, self.size[1] // CELL

    @torch.no_grad()
    def see(self, images: Tensor) -> SeenPictures:
        """What the frozen network sees in pictures [N, 3, H, W] uint8; nothing of it is learned."""
        parts = [
            [m.half() for m in self.backbone[0].pyramid(some.float() / 255)]
            for some in images.split(TOGETHER)
        ]
        return SeenPictures(images, tuple(torch.cat(m) for m in zip(*parts, strict=True)))

    def forward(self, seen: SeenPictures) -> tuple[Tensor, Tensor, Tensor]:
        maps = [m.float() for m in seen.maps]
        scene, classes, numbers = self.learned(seen.images.float() / 255, maps)
        height, width = self.grid
        return scene, classes[..., :height, :width], numbers[..., :height, :width]


class _Learned(nn.Module):
    """The convolutions over picture and maps."""

    def __init__(
        self, names: ReaderNames, channels: list[int], grids: list[tuple[int, int]]
    ) -> None:
        super().__init__()
        fine, middle, coarse, whole = WIDTHS
        self.lateral = nn.ModuleList(
            nn.Conv2d(before, after, 1) for before, after in zip(channels, WIDTHS, strict=True)
        )
        # The picture with where in it a pixel is: how far a thing is follows from its row.
        self.picture = nn.Sequential(_convolution(5, 16, 5, 2), _convolution(16, fine, 3, 2))
        self.down = nn.ModuleList(
            _convolution(before, after, 3, 2)
            for before, after in zip(WIDTHS, WIDTHS[1:], strict=False)
        )
        self.refine = nn.ModuleList(
            [
                _convolution(middle, middle),
                nn.Sequential(_convolution(coarse, coarse), _convolution(coarse, coarse)),
                _convolution(whole, whole),
            ]
        )
        self.up16, self.up8 = nn.Conv2d(coarse, middle, 1), nn.Conv2d(middle, fine, 1)
        self.join8, self.join4 = _convolution(middle, middle), _convolution(fine, fine)
        self.cells = nn.Conv2d(fine, 1 + len(names.classes) + len(names.cells), 1)
        self.split = (1 + len(names.classes), len(names.cells))
        self.pooled = grids[2]
        narrow = (16, 32, 64)
        self.narrow = nn.ModuleList(
            _convolution(before, after, 1) for before, after in zip(WIDTHS[1:], narrow, strict=True)
        )
        areas = [grid[0] * grid[1] for grid in (grids[2], grids[2], grids[3])]
        inputs = sum(a * n for a, n in zip(areas, narrow, strict=True)) + fine + whole
        self.scene = nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.SiLU(),
            nn.Dropout(DROPPED),
            nn.Linear(HIDDEN, len(names.scene)),
        )

    def forward(self, images: Tensor, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
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
        classes, numbers = self.cells(y4).split(self.split, 1)
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
        return self.scene(scene), classes, numbers


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


def _convolution(before: int, after: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride, size // 2, bias=False),
        nn.GroupNorm(8, after),
        nn.SiLU(),
    )
