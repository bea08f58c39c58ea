"""The task network of the aerial experiment: a class for each pixel, scored by mean IoU.

Meta-Sim's network for Aerial2D is a small U-Net of 7 convolutions with 16 to 64 filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from blender_addon.contract.frames import Frame
from metasim_backend.tasks.image_training import (
    ImageTask,
    ImageTaskError,
    ImageTaskSettings,
    byte_picture,
)

AERIAL_CLASSES = ("road", "car", "tree", "house")
BACKGROUND = 0


class SegmenterError(ImageTaskError):
    """Settings, pictures, class maps or a state that the segmenter cannot use."""


@dataclass(frozen=True)
class SegmenterSettings(ImageTaskSettings):
    """What the segmenter is; see :class:`ImageTaskSettings` for how it is trained.

    Attributes:
        classes: names of the classes; a class map has 0 for background and i + 1 for class i.
        filters: at the full, the half and the quarter resolution.
    """

    width: int = 64
    height: int = 64
    batch_size: int = 16
    epochs: float = 10.0
    classes: tuple[str, ...] = AERIAL_CLASSES
    filters: tuple[int, int, int] = (16, 32, 64)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.classes)) != len(self.classes) or not self.classes:
            raise SegmenterError(
                f"A segmenter needs one or more different classes; it has {self.classes!r}."
            )

    @classmethod
    def short(cls, width: int = 64, height: int = 64, **changes: Any) -> SegmenterSettings:
        """For two cores and a few thousand pictures."""
        return cls(**{"width": width, "height": height, **changes})


@dataclass(frozen=True)
class SegmentationScore:
    """Intersections over unions as fractions in [0, 1].

    Attributes:
        mean_iou: mean over the classes that occur; the background is not counted.
        iou: of each class, and of "background"; None where neither truth nor answer has it.
        images: how many were scored; their pixels are pooled.
    """

    mean_iou: float
    iou: dict[str, float | None]
    images: int

    @property
    def value(self) -> float:
        """The reward: the mean IoU of the classes."""
        return self.mean_iou

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"value": self.value}


class SmallUNet(nn.Module):
    """[N, 3, H, W] -> logits [N, classes, H, W] by seven convolutions; H and W multiples of 4.

    Two convolutions go down, two work at a quarter of the resolution, two come back up and one
    names the classes.
    """

    def __init__(self, classes: int, filters: tuple[int, int, int]) -> None:
        super().__init__()
        full, half, quarter = filters
        self.at_full = _convolution(3, full)
        self.at_half = _convolution(full, half)
        self.at_quarter = _convolution(half, quarter)
        self.middle = _convolution(quarter, quarter)
        self.back_at_half = _convolution(quarter + half, full)
        self.back_at_full = _convolution(full + full, full)
        self.classes = nn.Conv2d(full, classes, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        full = self.at_full(pictures)
        half = self.at_half(functional.max_pool2d(full, 2))
        quarter = self.middle(self.at_quarter(functional.max_pool2d(half, 2)))
        half = self.back_at_half(torch.cat([_doubled(quarter), half], 1))
        full = self.back_at_full(torch.cat([_doubled(half), full], 1))
        return self.classes(full)


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2, mode="nearest")


class Segmenter(ImageTask):
    """The network with its optimiser; see :class:`ImageTask` for training and influence.

    Arrays are uint8 pictures [N, 3, H, W] and class maps [N, H, W]: 0 background, i + 1 for
    class i of ``settings.classes``.
    """

    settings: SegmenterSettings
    error = SegmenterError

    def __init__(self, settings: SegmenterSettings, generator: torch.Generator) -> None:
        super().__init__(settings, generator)

    def __repr__(self) -> str:
        s = self.settings
        return f"Segmenter({', '.join(s.classes)}, {s.width} x {s.height}, {s.filters} filters)"

    def build(self) -> nn.Module:
        return SmallUNet(1 + len(self.settings.classes), self.settings.filters)

    def arrays(self, frames: Sequence[Frame]) -> tuple[Tensor, Tensor]:
        """Pictures and class maps of frames; what is of no known class is background.

        Raises:
            SegmenterError: a picture of another size.
        """
        s = self.settings
        images = np.zeros((len(frames), 3, s.height, s.width), np.uint8)
        maps = np.zeros((len(frames), s.height, s.width), np.int64)
        for i, frame in enumerate(frames):
            if frame.image.shape[:2] != (s.height, s.width):
                raise SegmenterError(
                    f"Picture {i} has {frame.image.shape[1]} x {frame.image.shape[0]} pixels and "
                    f"the segmenter reads {s.width} x {s.height}; make both alike."
                )
            images[i] = byte_picture(frame.image).transpose(2, 0, 1)
            maps[i] = class_map(frame, s.classes)
        return torch.from_numpy(images), torch.from_numpy(maps)

    def checked(self, images: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        s = self.settings
        wanted = (3, s.height, s.width)
        if images.dtype != torch.uint8 or images.shape[1:] != wanted:
            raise SegmenterError(
                f"Pictures are {images.dtype} {tuple(images.shape)}; give uint8 "
                f"[N, 3, {s.height}, {s.width}]."
            )
        if answers.shape != (len(images), s.height, s.width):
            raise SegmenterError(
                f"There are {len(images)} pictures and class maps of shape "
                f"{tuple(answers.shape)}; give [{len(images)}, {s.height}, {s.width}]."
            )
        answers = answers.long()
        if len(answers) and not 0 <= int(answers.min()) <= int(answers.max()) <= len(s.classes):
            raise SegmenterError(
                f"Class maps hold {int(answers.min())}..{int(answers.max())}; they must hold "
                f"0..{len(s.classes)}."
            )
        return images, answers

    def pictures(self, images: Tensor) -> Tensor:
        colours = images.to(self.device, torch.float32).sub_(127.5).div_(63.75)
        return colours.contiguous(memory_format=torch.channels_last)

    def losses(self, output: Tensor, answers: Tensor, smoothing: float = 0.0) -> Tensor:
        pixels = functional.cross_entropy(
            output, answers, reduction="none", label_smoothing=smoothing
        )
        return pixels.mean((1, 2))

    def score(self, labelled: Sequence[Frame]) -> SegmentationScore:
        return self.score_arrays(*self.arrays(labelled))

    def score_arrays(self, images: Tensor, answers: Tensor) -> SegmentationScore:
        """IoU on pictures and class maps; changes nothing in the network.

        Raises:
            SegmenterError: when there are none, they do not fit, or no pixel is of a class.
        """
        images, answers = self.checked(images, answers)
        count = 1 + len(self.settings.classes)
        table = torch.zeros(count * count, dtype=torch.int64)
        for part, output in self.outputs(images):
            pairs = answers[part].cpu() * count + output.argmax(1).cpu()
            table += torch.bincount(pairs.flatten(), minlength=count * count)
        return segmentation_score(table.view(count, count), self.settings.classes, len(images))

    def predict(self, images: Tensor) -> Tensor:
        """Class maps [N, H, W] uint8 of uint8 pictures [N, 3, H, W]."""
        empty = torch.zeros(len(images), *images.shape[2:], dtype=torch.int64)
        images, _ = self.checked(images, empty)
        found = torch.zeros(empty.shape, dtype=torch.uint8)
        for part, output in self.outputs(images):
            found[part] = output.argmax(1).to("cpu", torch.uint8)
        return found


def class_map(frame: Frame, classes: Sequence[str]) -> np.ndarray:
    """H x W int64: 0 for background, i + 1 for class i; other classes are background."""
    number = {name: i + 1 for i, name in enumerate(classes)}
    table = np.zeros(int(frame.index.max(initial=0)) + 1, np.int64)
    for label in frame.labels:
        if label.index < len(table):
            table[label.index] = number.get(label.class_name, BACKGROUND)
    return table[frame.index]


def segmentation_score(
    confusion: Tensor, classes: Sequence[str], images: int = 1
) -> SegmentationScore:
    """IoU from a table of pixels.

    Args:
        confusion: [1 + n, 1 + n]: pixels of a class (row) that were taken for a class (column);
            the background is 0.
        classes: n names.
        images: how many the table is of.

    Raises:
        SegmenterError: when no pixel is of a class.
    """
    shared = confusion.diagonal()
    united = confusion.sum(0) + confusion.sum(1) - shared
    if int(confusion[1:].sum()) == 0:
        raise SegmenterError(
            f"The {images} pictures to score have no pixel of class {', '.join(classes)}; give "
            "pictures that show some."
        )
    iou = {
        name: int(shared[i]) / int(united[i]) if united[i] else None
        for i, name in enumerate(("background", *classes))
    }
    counted = [iou[name] for name in classes]
    present = [value for value in counted if value is not None]
    return SegmentationScore(mean_iou=sum(present) / len(present), iou=iou, images=images)
