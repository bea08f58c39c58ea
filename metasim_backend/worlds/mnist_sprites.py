"""The world of handwritten digits on black: rotated, shifted and scaled MNIST."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from blender_addon.contract.scene_graph import Node
from metasim_backend.datasets.readers.mnist import LABELS, SIDE, Digits
from metasim_backend.rendering.renderer import RenderingInputError
from metasim_backend.rendering.sprites.layers import Layer
from metasim_backend.rendering.sprites.scene_table import SceneTable


class MnistWorld:
    """Draws nodes of the class ``digit``.

    A digit's attributes: ``label`` (zero ... nine); ``image``, a whole number that says which
    handwritten sample, modulo their number; ``yaw`` in degrees, anticlockwise; ``x`` and ``y``,
    its centre in pixels right and up of the picture's centre; ``size``, 1 for MNIST's own 28
    pixels. What a grammar leaves out is 0, and size 1. ``across`` and ``along`` are added to ``x``
    and ``y``; the names are those that a grammar's ``no_overlap`` knows.

    Args:
        digits: the handwritten samples to draw from.
    """

    domain = "mnist"
    channels = 1

    def __init__(self, digits: Digits) -> None:
        self._of_label = [
            torch.nonzero(digits.labels == label)[:, 0] for label in range(len(LABELS))
        ]
        # White, so that brightness is opacity.
        self._textures = functional.pad(digits.images[:, None].float() / 255, (1, 1, 1, 1))

    def layers(self, table: SceneTable, width: int, height: int) -> list[Layer]:
        digits = table.classes.get("digit")
        if digits is None:
            return []
        numbers = digits.numbers
        zero = torch.zeros(len(digits), device=digits.scene.device)
        side = (SIDE + 2) * numbers.get("size", zero + 1)
        return [
            Layer(
                self._textures,
                digits.scene,
                digits.node,
                self._samples(digits.names["label"], numbers.get("image", zero)),
                width / 2 + numbers.get("x", zero) + numbers.get("across", zero),
                height / 2 - numbers.get("y", zero) - numbers.get("along", zero),
                numbers.get("yaw", zero) * (math.pi / 180),
                side,
                side,
            )
        ]

    def label_class(self, node: Node) -> str:
        return str(node.attributes["label"])

    def _samples(self, labels: list[str], images: Tensor) -> Tensor:
        """[n] long: which of all digits each one is."""
        chosen = []
        for label, image in zip(labels, images.long().tolist(), strict=True):
            own = self._of_label[LABELS.index(label)]
            if len(own) == 0:
                raise RenderingInputError(f"There is no handwritten sample of {label!r}.")
            chosen.append(int(own[image % len(own)]))
        return torch.tensor(chosen, dtype=torch.long)
