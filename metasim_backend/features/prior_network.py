"""A small network trained on the prior's own renders, for when no ImageNet weights can be had.

It learns to read a scene graph off a picture: in every cell of a coarse grid which class covers
it, and the attributes of the object there; for the whole picture the scene's attributes. What
scenes differ in is thus what its features φ carry: those readings, averaged over each class's
objects, over a coarse layout, and the picture's own colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.networks.device import device_of
from metasim_backend.run_files.atomic_files import write_tensors

KIND = "metasim prior network 2"
PARTS = ("scene", "objects", "layout", "colours")
CELL = 8
WIDTHS = (24, 40, 64)
SCENE_WIDTH = 96
HIDDEN = 128
LAYOUT_GRID = (3, 5)
COLOUR_GRID = (3, 4)
SCENE_GRID = (2, 4)
LEAST_COVER = 0.15


@dataclass(frozen=True)
class Sizes:
    """How many things the network reads off a picture.

    Attributes:
        scene: T, numbers about the whole scene.
        classes: K, classes that may cover a cell.
        attributes: C, attributes of what covers a cell.
    """

    scene: int
    classes: int
    attributes: int


class PriorNetwork(nn.Module):
    """Convolutions to a grid of cells of 8 x 8 pixels, a reading in each, and one of the whole.

    Shapes, for pictures [B, 3, H, W] RGB in [0, 1] and a grid h x w of H/8 x W/8 cells:
    :meth:`readings` gives the scene's numbers [B, T], each cell's classes as logits [B, K, h, w]
    and attributes [B, C, h, w], both kinds of numbers standardised; :meth:`stages` gives φ, four
    parts of it: [B, T], [B, 2·K·C + K], [B, (K + C)·15] and [B, 2·36].

    Args:
        sizes: T, K and C.
        seed: of the first weights.
        parts: those of :data:`PARTS` that φ has: the scene's numbers, each class's over its
            objects, classes and attributes over a coarse layout, and the picture's own colours.

    Attributes:
        explained: [T + C] share of each number's variance that is explained on held-out pictures;
            not a number where it does not vary. It says what φ can see.
    """

    explained: Tensor

    def __init__(self, sizes: Sizes, seed: int = 0, parts: Sequence[str] = PARTS) -> None:
        super().__init__()
        self.sizes, self.parts = sizes, tuple(parts)
        with torch.device("meta"):  # drawn below, from a generator of its own
            self.trunk = trunk()
            self.cells = nn.Conv2d(WIDTHS[-1], sizes.classes + sizes.attributes, 1)
            self.scene = scene_head(sizes.scene)
        draw_weights(self, seed)
        self.register_buffer("explained", torch.full((sizes.scene + sizes.attributes,), torch.nan))

    def readings(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        own = images.to(device_of(self))
        maps = self.trunk((own - 0.5) / 0.25)
        classes, attributes = self.cells(maps).split(
            (self.sizes.classes, self.sizes.attributes), dim=1
        )
        home = images.device
        return self.scene(maps).to(home), classes.to(home), attributes.to(home)

    def stages(self, images: Tensor) -> list[Tensor]:
        scene, logits, attributes = self.readings(images)
        cover = logits.sigmoid()
        layout = functional.adaptive_avg_pool2d(torch.cat([cover, attributes], 1), LAYOUT_GRID)
        found = {
            "scene": scene,
            "objects": _object_statistics(cover, attributes),
            "layout": layout.flatten(1),
            "colours": _colours(images),
        }
        return [found[part] for part in PARTS if part in self.parts]

    def save(self, path: Path) -> None:
        """Write the network to a new file, whole or not at all."""
        sizes = [self.sizes.scene, self.sizes.classes, self.sizes.attributes]
        content = {"kind": KIND, "sizes": sizes, "parts": list(self.parts)}
        state = {name: value.cpu() for name, value in self.state_dict().items()}
        write_tensors(path, {**content, "state": state})

    @staticmethod
    def from_saved(content: dict[str, Any]) -> PriorNetwork:
        """The network of a file's content as :meth:`save` wrote it."""
        network = PriorNetwork(Sizes(*content["sizes"]), parts=content.get("parts", PARTS))
        network.load_state_dict(content["state"])
        return network.eval()


def trunk() -> nn.Sequential:
    """Pictures [B, 3, H, W] to maps [B, WIDTHS[-1], H/8, W/8]."""
    layers: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        layers += block(channels, width, stride=2, size=3 if layers else 5)
        channels = width
    return nn.Sequential(
        *layers, *block(channels, channels), *block(channels, channels, dilation=2)
    )


def scene_head(numbers: int) -> nn.Sequential:
    """Maps of :func:`trunk` to [B, numbers] about the whole picture."""
    return nn.Sequential(
        *block(WIDTHS[-1], SCENE_WIDTH, stride=2),
        nn.AdaptiveAvgPool2d(SCENE_GRID),
        nn.Flatten(),
        nn.Linear(SCENE_WIDTH * SCENE_GRID[0] * SCENE_GRID[1], HIDDEN),
        nn.SiLU(),
        nn.Linear(HIDDEN, numbers),
    )


def draw_weights(network: nn.Module, seed: int) -> None:
    """Give a network that was made on the meta device its first weights, by a seed alone."""
    network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.GroupNorm):
            module.reset_parameters()


def block(
    before: int, after: int, *, stride: int = 1, size: int = 3, dilation: int = 1
) -> list[nn.Module]:
    padding = dilation * (size // 2)
    return [
        nn.Conv2d(before, after, size, stride, padding, dilation, bias=False),
        nn.GroupNorm(8, after),
        nn.SiLU(),
    ]


def _colours(images: Tensor) -> Tensor:
    """[B, 2·36]: mean and spread of each channel over a coarse grid."""
    mean = functional.adaptive_avg_pool2d(images, COLOUR_GRID)
    square = functional.adaptive_avg_pool2d(images.square(), COLOUR_GRID)
    spread = (square - mean.square()).clamp_min(1e-6).sqrt()
    return torch.cat([mean, spread], 1).flatten(1)


def _object_statistics(cover: Tensor, attributes: Tensor) -> Tensor:
    """[B, 2·K·C + K]: for each class the mean and spread of each attribute over the cells that it
    covers, both shrunk to 0 where little of it is seen, and the share of cells covered."""
    weight = cover.flatten(2)  # [B, K, cells]
    values = attributes.flatten(2)  # [B, C, cells]
    total = weight.sum(2, keepdim=True)
    least = LEAST_COVER * weight.shape[2] / 10
    mean = weight @ values.transpose(1, 2) / (total + least)
    square = weight @ values.square().transpose(1, 2) / (total + least)
    spread = (square - mean.square()).clamp_min(1e-4).sqrt()
    return torch.cat([mean.flatten(1), spread.flatten(1), weight.mean(2)], 1)
