"""The task network of the digit experiments: which class a picture shows, scored by accuracy.

Meta-Sim's network for MNIST: two convolutions and three fully connected layers. It sees one grey
channel; nothing is augmented, so what it learns from is what was rendered.
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
from metasim_backend.tasks.average_precision import LabelledPicture
from metasim_backend.tasks.image_training import (
    ImageTask,
    ImageTaskError,
    ImageTaskSettings,
    byte_picture,
)

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_NATIVE_SIDE = 32  # pixels at which the first convolution has stride 1
_SMALLEST_SIDE = 16
_MEAN, _STD = 0.13, 0.31  # of MNIST's grey values in [0, 1]


class ClassifierError(ImageTaskError):
    """Settings, pictures, labels or a state that the classifier cannot use."""


@dataclass(frozen=True)
class ClassifierSettings(ImageTaskSettings):
    """What the classifier is; see :class:`ImageTaskSettings` for how it is trained.

    Attributes:
        classes: names of the classes.
        filters: of the two convolutions.
        kernels: their sides in pixels, odd.
        hidden: widths of the first two fully connected layers.
        dropout: share of the inputs that each fully connected layer drops when training.
    """

    epochs: float = 4.0
    label_smoothing: float = 0.05
    classes: tuple[str, ...] = DIGITS
    filters: tuple[int, int] = (32, 64)
    kernels: tuple[int, int] = (5, 5)
    hidden: tuple[int, int] = (256, 128)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.width, self.height) < _SMALLEST_SIDE:
            raise ClassifierError(
                f"A classifier's picture of {self.width} x {self.height} pixels is too small; give "
                f"at least {_SMALLEST_SIDE} x {_SMALLEST_SIDE}."
            )
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise ClassifierError(
                f"A classifier needs two or more different classes; it has {self.classes!r}."
            )
        if any(kernel % 2 == 0 or kernel < 1 for kernel in self.kernels):
            raise ClassifierError(f"The kernels {self.kernels!r} must be odd numbers of pixels.")
        if not 0 <= self.dropout < 1:
            raise ClassifierError(
                f"Classifier setting dropout is {self.dropout!r}; give at least 0 and below 1."
            )

    @classmethod
    def short(cls, width: int = 32, height: int = 32, **changes: Any) -> ClassifierSettings:
        """About 70 s of one core's time for 60,000 pictures of MNIST."""
        return cls(**{"width": width, "height": height, **changes})

    @classmethod
    def long(cls, width: int = 32, height: int = 32, **changes: Any) -> ClassifierSettings:
        """Twice the epochs of short, with dropout: about twice the work."""
        more = {"epochs": 8.0, "dropout": 0.2}
        return cls(**{"width": width, "height": height, **more, **changes})


@dataclass(frozen=True)
class ClassificationScore:
    """Accuracies as fractions in [0, 1].

    Attributes:
        accuracy: share of the pictures whose class is found.
        per_class: the same for each class; None where no picture shows it.
        confusion: how many pictures of a class (row) were taken for a class (column).
        images: how many were scored.
    """

    accuracy: float
    per_class: dict[str, float | None]
    confusion: tuple[tuple[int, ...], ...]
    images: int

    @property
    def value(self) -> float:
        """The reward: the accuracy."""
        return self.accuracy

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"value": self.value}


def build_classifier(settings: ClassifierSettings) -> nn.Sequential:
    """[N, 1, H, W] -> logits [N, classes]; draws its weights from torch's global generator.

    The first convolution takes steps of about side/32 pixels, so that larger pictures cost little
    more than small ones.
    """
    s = settings
    first, second = s.filters
    stride = max(1, round(max(s.width, s.height) / _NATIVE_SIDE))
    # Padding only where it is needed: the border of MNIST's 32 x 32 pictures is empty.
    small = min(s.width, s.height) // stride < 28
    pads = (
        s.kernels[0] // 2 if small or stride > 1 else 0,
        s.kernels[1] // 2 if small else 0,
    )
    convolutions = nn.Sequential(
        nn.Conv2d(1, first, s.kernels[0], stride, pads[0], bias=False),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.BatchNorm2d(first),
        nn.ReLU(inplace=True),
        nn.Conv2d(first, second, s.kernels[1], 1, pads[1], bias=False),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.BatchNorm2d(second),
        nn.ReLU(inplace=True),
        nn.Flatten(),
    )
    with torch.no_grad():
        features = convolutions.eval()(torch.zeros(1, 1, s.height, s.width)).shape[1]
    layers: list[nn.Module] = [convolutions]
    for width in s.hidden:
        layers += [
            nn.Dropout(s.dropout),
            nn.Linear(features, width, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(inplace=True),
        ]
        features = width
    layers += [nn.Dropout(s.dropout), nn.Linear(features, len(s.classes))]
    return nn.Sequential(*layers)


class Classifier(ImageTask):
    """The network with its optimiser; see :class:`ImageTask` for training and influence.

    Arrays are uint8 pictures [N, H, W] or [N, C, H, W] (the first channel is taken) and classes
    [N], counted from 0 in the order of ``settings.classes``.
    """

    settings: ClassifierSettings
    error = ClassifierError

    def __init__(self, settings: ClassifierSettings, generator: torch.Generator) -> None:
        super().__init__(settings, generator)

    def __repr__(self) -> str:
        s = self.settings
        return f"Classifier({len(s.classes)} classes, {s.width} x {s.height}, {s.filters} filters)"

    def build(self) -> nn.Module:
        return build_classifier(self.settings)

    def arrays(self, frames: Sequence[Frame | LabelledPicture]) -> tuple[Tensor, Tensor]:
        """Grey pictures and classes of frames (by their first label) or labelled pictures.

        Raises:
            ClassifierError: a picture of another size, without a label, or of an unknown class.
        """
        s = self.settings
        images = np.zeros((len(frames), s.height, s.width), np.uint8)
        answers = np.zeros(len(frames), np.int64)
        number = {name: i for i, name in enumerate(s.classes)}
        for i, frame in enumerate(frames):
            if frame.image.shape[:2] != (s.height, s.width):
                raise ClassifierError(
                    f"Picture {i} has {frame.image.shape[1]} x {frame.image.shape[0]} pixels and "
                    f"the classifier reads {s.width} x {s.height}; make both alike."
                )
            name = _class_name(frame)
            if name not in number:
                raise ClassifierError(
                    f"Picture {i} shows {name!r}, which is none of the classes "
                    f"{', '.join(s.classes)}; label it with one of them."
                )
            images[i] = byte_picture(frame.image[..., 0])
            answers[i] = number[name]
        return torch.from_numpy(images)[:, None], torch.from_numpy(answers)

    def checked(self, images: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        s = self.settings
        if images.ndim == 3:
            images = images[:, None]
        if images.dtype != torch.uint8 or images.shape[2:] != (s.height, s.width):
            raise ClassifierError(
                f"Pictures are {images.dtype} {tuple(images.shape)}; give uint8 "
                f"[N, {s.height}, {s.width}] or [N, channels, {s.height}, {s.width}]."
            )
        answers = answers.long()
        if answers.shape != images.shape[:1]:
            raise ClassifierError(
                f"There are {len(images)} pictures and classes of shape {tuple(answers.shape)}; "
                "give one class a picture."
            )
        if len(answers) and not 0 <= int(answers.min()) <= int(answers.max()) < len(s.classes):
            raise ClassifierError(
                f"Classes lie in {int(answers.min())}..{int(answers.max())}; they must lie in "
                f"0..{len(s.classes) - 1}."
            )
        return images[:, :1], answers

    def pictures(self, images: Tensor) -> Tensor:
        grey = images.to(self.device, torch.float32).sub_(255 * _MEAN).div_(255 * _STD)
        return grey.contiguous(memory_format=torch.channels_last)

    def losses(self, output: Tensor, answers: Tensor, smoothing: float = 0.0) -> Tensor:
        return functional.cross_entropy(
            output, answers, reduction="none", label_smoothing=smoothing
        )

    def score(self, labelled: Sequence[Frame | LabelledPicture]) -> ClassificationScore:
        return self.score_arrays(*self.arrays(labelled))

    def score_arrays(self, images: Tensor, answers: Tensor) -> ClassificationScore:
        """Accuracy on pictures and classes; changes nothing in the network.

        Raises:
            ClassifierError: when there are none, or they do not fit.
        """
        images, answers = self.checked(images, answers)
        if not len(images):
            raise ClassifierError("There are 0 pictures to score the classifier on; give some.")
        count = len(self.settings.classes)
        table = torch.zeros(count * count, dtype=torch.int64)
        for part, output in self.outputs(images):
            pairs = answers[part].cpu() * count + output.argmax(1).cpu()
            table += torch.bincount(pairs, minlength=count * count)
        table = table.view(count, count)
        right, shown = table.diagonal(), table.sum(1)
        return ClassificationScore(
            accuracy=int(right.sum()) / len(images),
            per_class={
                name: int(right[i]) / int(shown[i]) if shown[i] else None
                for i, name in enumerate(self.settings.classes)
            },
            confusion=tuple(tuple(row) for row in table.tolist()),
            images=len(images),
        )


def _class_name(frame: Frame | LabelledPicture) -> str | None:
    if isinstance(frame, Frame):
        return frame.labels[0].class_name if frame.labels else None
    return frame.classes[0] if len(frame.classes) else None
