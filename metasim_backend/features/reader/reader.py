"""The reader: one network for whole pictures, one for the objects that it finds in them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from metasim_backend.features.prior_network import draw_weights
from metasim_backend.features.reader.dense_network import DenseNetwork
from metasim_backend.features.reader.look import CELL, look_size, shrunk
from metasim_backend.features.reader.region_network import RegionNetwork
from metasim_backend.features.reader.targets import ReaderNames
from metasim_backend.networks.device import device_of
from metasim_backend.networks.stages import StageNetwork

TOGETHER = 32
LEAST_REACH, MOST_REACH = -2.0, 5.0
"""Logarithms of how far a box's side is from a cell, in cells."""


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """N pictures with what the frozen network sees in them.

    Attributes:
        images: [N, 3, H, W] uint8.
        maps: of strides 4, 8, 16 and 32 of the first look, [N, C, h, w] float16.
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
    """Reads numbers of a whole picture, finds objects in it and reads numbers of each.

    Numbers are standardised by ``scene_scale`` and ``object_scale``, [2, T] and [2, C]: mean and
    standard deviation.

    Args:
        backbone: the ImageNet network; it stays as it is.
        names: what is read.
        size: (height, width) of the pictures, pixels.
        seed: of the first weights.

    Attributes:
        dense: looks at whole pictures.
        regions: looks at objects.
    """

    scene_scale: Tensor
    object_scale: Tensor

    def __init__(
        self, backbone: StageNetwork, names: ReaderNames, size: tuple[int, int], seed: int = 0
    ) -> None:
        super().__init__()
        self.names, self.size = names, size
        self.backbone = [backbone.requires_grad_(False).eval()]  # not among the parameters
        with torch.no_grad():
            seen = backbone.pyramid(torch.zeros(1, 3, *look_size(*size)))
        grids = [(m.shape[-2], m.shape[-1]) for m in seen]
        with torch.device("meta"):  # drawn below, from a generator of their own
            self.dense = DenseNetwork(
                len(names.scene), len(names.classes), [m.shape[1] for m in seen], grids
            )
            self.regions = RegionNetwork(len(names.classes), len(names.objects), len(names.scene))
        draw_weights(self.dense, seed)
        draw_weights(self.regions, seed)
        for name, count in (
            ("scene_scale", len(names.scene)),
            ("object_scale", len(names.objects)),
        ):
            self.register_buffer(name, torch.tensor([[0.0], [1.0]]).repeat(1, count))

    def to_device(self, device: torch.device) -> Reader:
        """Have the networks run there; the scales, which readings are made with, stay."""
        for network in (self.backbone[0], self.dense, self.regions):
            network.to(device)
        return self

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w), how many cells there are."""
        height, width = look_size(*self.size)
        return height // CELL, width // CELL

    @torch.no_grad()
    def see(self, images: Tensor) -> SeenPictures:
        """What the frozen network sees in pictures [N, 3, H, W] uint8; nothing of it is learned."""
        device = device_of(self.backbone[0])
        parts = [
            [
                m.half().to(images.device)
                for m in self.backbone[0].pyramid(shrunk(some.to(device).float() / 255))
            ]
            for some in images.split(TOGETHER)
        ]
        return SeenPictures(images, tuple(torch.cat(m) for m in zip(*parts, strict=True)))

    def look(self, seen: SeenPictures) -> tuple[Tensor, Tensor, Tensor]:
        """[B, T] numbers of the scene; in each cell [B, 1 + K, h, w] logits of no object and of
        each class, and [B, 4, h, w] its object's box, x0, y0, x1, y1 as shares of the sides."""
        maps = [m.float() for m in seen.maps]
        scene, classes, sides = self.dense(shrunk(seen.images.float() / 255), maps)
        height, width = self.grid
        return scene, classes[..., :height, :width], self._boxes(sides[..., :height, :width])

    def _boxes(self, sides: Tensor) -> Tensor:
        height, width = self.grid
        rows = (torch.arange(height, device=sides.device) + 0.5)[:, None]
        columns = torch.arange(width, device=sides.device) + 0.5
        left, up, right, down = sides.clamp(LEAST_REACH, MOST_REACH).exp().unbind(1)
        return torch.stack(
            [
                (columns - left) / width,
                (rows - up) / height,
                (columns + right) / width,
                (rows + down) / height,
            ],
            1,
        )
