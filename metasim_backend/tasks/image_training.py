"""What task networks on small pictures share: batches, schedules, averaged weights.

Pictures are held as one uint8 tensor, so that 60,000 of them are trained on as cheaply as a few.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from blender_addon.contract.frames import Frame
from metasim_backend.tasks.detection_training import NonFiniteLossError, seeded
from metasim_backend.tasks.influence import TOGETHER, loss_gains, slices
from metasim_backend.tasks.task import Losses, Progress, TaskScore

Draw = Callable[[int], tuple[Tensor, Tensor]]
"""Gives the pictures and answers of an epoch, counted from 0; as many every time."""

_FIT_BETAS = (0.9, 0.99)


class ImageTaskError(ValueError):
    """Settings, pictures, answers or a state that a task network on pictures cannot use."""


@dataclass(frozen=True)
class ImageTaskSettings:
    """How a task network on pictures is trained.

    Attributes:
        width, height: of the pictures in pixels; multiples of 4.
        learning_rate: of every step of ``train``.
        average_steps: ``train``'s steps over which the scored weights are averaged; 1: none.
        peak_rate: highest learning rate of ``fit``, reached after ``warm_up`` of its steps; from
            there it falls linearly to 0.
        warm_up: share of ``fit``'s steps.
        average_share: share of ``fit``'s steps over which its weights are averaged at the end.
        epochs: of one call of ``fit``, for the caller's use.
        weight_decay: AdamW's, of convolutions and matrices.
        label_smoothing: share of the answer that is spread over all classes.
        batch_size: pictures a step.
        device: "cpu", "cuda", ...
    """

    width: int = 32
    height: int = 32
    learning_rate: float = 1e-3
    average_steps: int = 10
    peak_rate: float = 3e-3
    warm_up: float = 0.2
    average_share: float = 0.05
    epochs: float = 5.0
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    batch_size: int = 128
    device: str = "cpu"

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 4 or self.width % 4 or self.height % 4:
            raise ImageTaskError(
                f"A task network's pictures have {self.width} x {self.height} pixels; give "
                "multiples of 4."
            )
        for name in ("learning_rate", "peak_rate", "epochs", "average_steps"):
            if not getattr(self, name) > 0:
                raise ImageTaskError(
                    f"Task network setting {name} is {getattr(self, name)!r}; it must be above 0."
                )
        for name in ("warm_up", "average_share", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ImageTaskError(
                    f"Task network setting {name} is {getattr(self, name)!r}; give a share of at "
                    "least 0 and below 1."
                )
        if self.batch_size < 2:
            raise ImageTaskError(
                f"Task network setting batch_size is {self.batch_size!r}; BatchNorm needs 2."
            )


def one_cycle(done: float, warm_up: float) -> float:
    """Share of the peak rate when ``done`` of all steps (in [0, 1]) are behind."""
    if done < warm_up:
        return done / warm_up
    return (1 - done) / (1 - warm_up)


@torch.no_grad()
def average_into(average: nn.Module, module: nn.Module, weight: float) -> None:
    """Move ``average`` by ``weight`` of the way to ``module``, BatchNorm's statistics too."""
    pairs = zip(average.parameters(), module.parameters(), strict=True)
    for kept, new in chain(pairs, zip(average.buffers(), module.buffers(), strict=True)):
        if kept.is_floating_point():
            kept.lerp_(new, weight)
        else:
            kept.copy_(new)


class ImageTask(ABC):
    """A network on pictures of one size with its optimiser; goes on from the state it is in.

    Two sets of weights are held: ``model`` is what is trained; ``average`` follows it and is what
    is scored, because its score varies less from step to step and from seed to seed.

    Args:
        settings: what it is.
        generator: draws its first weights; on the CPU.

    Attributes:
        steps: optimiser steps taken so far.
    """

    settings: ImageTaskSettings
    error: type[ImageTaskError] = ImageTaskError

    def __init__(self, settings: ImageTaskSettings, generator: torch.Generator) -> None:
        self.settings = settings
        self.device = torch.device(settings.device)
        with seeded(generator):
            model = self.build()
        # oneDNN's convolutions of few channels are up to twice as fast with channels last.
        self.model = model.to(memory_format=torch.channels_last).to(self.device)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.steps = 0
        self._optimizer = self._new_optimizer(settings.learning_rate, (0.9, 0.999))

    @abstractmethod
    def build(self) -> nn.Module:
        """The network; draws its first weights from torch's global generator."""

    @abstractmethod
    def arrays(self, frames: Sequence[Any]) -> tuple[Tensor, Tensor]:
        """Pictures uint8 [N, C, H, W] and answers int64 of frames or labelled pictures."""

    @abstractmethod
    def checked(self, images: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures as uint8 [N, C, H, W] with their answers as int64; a copy only where needed."""

    @abstractmethod
    def pictures(self, images: Tensor) -> Tensor:
        """The network's input, float32 [N, C, H, W], of uint8 pictures."""

    @abstractmethod
    def losses(self, output: Tensor, answers: Tensor, smoothing: float = 0.0) -> Tensor:
        """[N]: the loss of each picture."""

    @abstractmethod
    def score_arrays(self, images: Tensor, answers: Tensor) -> TaskScore:
        """Score on pictures and answers; changes nothing in the network."""

    def train(
        self,
        frames: Sequence[Frame],
        steps: int,
        generator: torch.Generator,
        progress: Progress | None = None,
    ) -> Losses:
        """Go on training at a constant rate for ``steps`` batches of frames drawn without order.

        On a CPU, n steps and n more with the same generator are bit for bit 2 n steps.

        Args:
            frames: what to learn from; at least two.
            steps: optimiser steps.
            generator: on the CPU; draws batches and dropout.
            progress: told about each step.

        Returns:
            the mean loss over the steps as ``"total"``.

        Raises:
            ImageTaskError: frames that cannot be learnt from.
            NonFiniteLossError: the weights are those before that step.
        """
        return self.train_arrays(*self.arrays(frames), steps, generator, progress)

    def train_arrays(
        self,
        images: Tensor,
        answers: Tensor,
        steps: int,
        generator: torch.Generator,
        progress: Progress | None = None,
    ) -> Losses:
        """:meth:`train` on pictures (uint8) and answers."""
        s = self.settings
        images, answers = self._set(images, answers)
        total = 0.0
        for step in range(steps):
            order = torch.randperm(len(images), generator=generator)[: s.batch_size]
            loss = self._step(self._optimizer, images[order], answers[order], generator)
            average_into(self.average, self.model, max(1 / s.average_steps, 1 / max(self.steps, 1)))
            total += loss
            if progress is not None:
                progress(step + 1, steps, {"total": loss})
        return {"total": total / max(steps, 1)}

    def fit(
        self,
        images: Tensor,
        answers: Tensor,
        epochs: float,
        generator: torch.Generator,
        progress: Progress | None = None,
    ) -> Losses:
        """One whole training: the rate rises and falls to 0, and the weights are averaged.

        It starts from the present weights with a fresh optimiser; the averaged weights become the
        network's, and a later :meth:`train` starts from them with a fresh optimiser too.

        Args:
            images: uint8 pictures, at least two.
            answers: one an image.
            epochs: passes over all images; need not be whole.
            generator: on the CPU; draws the order and dropout.
            progress: told about each step.

        Returns:
            the mean loss over the last tenth of the steps as ``"total"``.

        Raises:
            ImageTaskError: pictures or answers that do not fit.
            NonFiniteLossError: the loss is infinite or not a number.
        """
        return self.fit_drawn(lambda _: (images, answers), epochs, generator, progress)

    def fit_drawn(
        self,
        draw: Draw,
        epochs: float,
        generator: torch.Generator,
        progress: Progress | None = None,
    ) -> Losses:
        """:meth:`fit` on pictures that are drawn anew for each epoch.

        Args:
            draw: gives pictures and answers of epoch 0, 1, ...
            epochs, generator, progress: as for :meth:`fit`.

        Raises:
            ImageTaskError: also when an epoch has another number of pictures than the first.
        """
        s = self.settings
        images, answers = self._set(*draw(0))
        count, batch = len(images), min(s.batch_size, len(images))
        per_epoch = count // batch
        total = max(1, round(epochs * per_epoch))
        horizon = max(1.0, s.average_share * total)
        optimizer = self._new_optimizer(s.peak_rate, _FIT_BETAS)
        losses: list[float] = []
        for step in range(total):
            epoch, place = divmod(step, per_epoch)
            if place == 0:
                if epoch:
                    images, answers = self._set(*draw(epoch))
                    if len(images) != count:
                        raise self.error(
                            f"Epoch {epoch} has {len(images)} pictures and the first has {count}; "
                            "draw as many for each."
                        )
                order = torch.randperm(count, generator=generator)
            for group in optimizer.param_groups:
                group["lr"] = s.peak_rate * one_cycle((step + 0.5) / total, s.warm_up)
            part = order[place * batch : (place + 1) * batch]
            losses.append(self._step(optimizer, images[part], answers[part], generator))
            average_into(self.average, self.model, 1 / min(horizon, step + 1))
            if progress is not None:
                progress(step + 1, total, {"total": losses[-1]})
        self.model.load_state_dict(self.average.state_dict())
        self._optimizer = self._new_optimizer(s.learning_rate, (0.9, 0.999))
        return {"total": float(np.mean(losses[-max(1, total // 10) :]))}

    def score(self, labelled: Sequence[Any]) -> TaskScore:
        """Score on frames or labelled pictures; changes nothing in the network.

        Raises:
            ImageTaskError: when there are none, or they do not fit.
        """
        return self.score_arrays(*self.arrays(labelled))

    def influence(self, frames: Sequence[Frame], labelled: Sequence[Any]) -> Tensor:
        """First-order gain in validation loss by training on each frame; changes nothing.

        It is :func:`loss_gains` at the scored weights, without dropout and label smoothing.

        Args:
            frames: B of them.
            labelled: the validation set, as for :meth:`score`.

        Returns:
            [B] float32 on the CPU, above 0 where a step on the frame lowers the validation loss.
        """
        return self.influence_arrays(*self.arrays(frames), *self.arrays(labelled))

    def influence_arrays(
        self, images: Tensor, answers: Tensor, validation: Tensor, validation_answers: Tensor
    ) -> Tensor:
        """:meth:`influence` of pictures (uint8) and answers."""
        images, answers = self.checked(images, answers)
        validation, validation_answers = self.checked(validation, validation_answers)
        return loss_gains(
            copy.deepcopy(self.average).requires_grad_(True),
            self.losses,
            self.pictures(images),
            answers.to(self.device),
            self.pictures(validation),
            validation_answers.to(self.device),
        ).cpu()

    def state_dict(self) -> dict[str, Any]:
        """A copy of weights, optimiser and steps; ``torch.load(weights_only=True)`` reads it."""
        return copy.deepcopy(
            {
                "network": type(self).__name__,
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "steps": self.steps,
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of :meth:`state_dict`.

        Raises:
            ImageTaskError: when it is of another network.
        """
        state = copy.deepcopy(dict(state))  # the optimiser would keep and change its tensors
        try:
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.steps = int(state["steps"])
        except (KeyError, RuntimeError, ValueError, AttributeError) as error:
            raise self.error(
                f"The saved task network ({state.get('network', 'unknown')}) does not fit this "
                f"{type(self).__name__}; load it with the settings it was saved with."
            ) from error

    def outputs(self, images: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """The scored network's outputs of checked pictures, a batch at a time."""
        for part in slices(len(images), TOGETHER):
            with torch.no_grad():
                yield part, self.average(self.pictures(images[part]))

    def _set(self, images: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        """A training set, checked; on the device, since every step takes a batch of it."""
        images, answers = self.checked(images, answers)
        if len(images) < 2:
            raise self.error(
                f"There are {len(images)} pictures to train on; BatchNorm needs at least 2."
            )
        return images.to(self.device), answers.to(self.device)

    def _new_optimizer(self, rate: float, betas: tuple[float, float]) -> torch.optim.Optimizer:
        weights = list(self.model.parameters())
        decay = self.settings.weight_decay
        groups = [
            {"params": [p for p in weights if p.ndim > 1], "weight_decay": decay},
            {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=rate, betas=betas, fused=True)

    def _step(
        self,
        optimizer: torch.optim.Optimizer,
        images: Tensor,
        answers: Tensor,
        generator: torch.Generator,
    ) -> float:
        self.model.train()
        with seeded(generator, self.device):
            output = self.model(self.pictures(images))
        loss = self.losses(output, answers, self.settings.label_smoothing).mean()
        value = loss.item()
        if not math.isfinite(value):
            raise NonFiniteLossError(
                f"The {type(self).__name__}'s loss is {value}; lower its learning rate."
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        self.steps += 1
        return value


def byte_picture(image: np.ndarray) -> np.ndarray:
    """A frame's image as uint8; floats are in [0, 1]."""
    if image.dtype == np.uint8:
        return image
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
