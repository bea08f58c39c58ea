"""What the training loop asks of a task network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from blender_addon.contract.frames import Frame

Losses = dict[str, float]
Progress = Callable[[int, int, Mapping[str, float]], object]
"""Called after each step with (steps done in this call, steps of this call, the step's losses)."""


class TaskScore(Protocol):
    """How well a task network does on labelled images."""

    @property
    def value(self) -> float:
        """The one number that is optimised, in [0, 1]; higher is better."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Everything that was measured, ready for JSON."""
        ...


class TaskNetwork(Protocol):
    """A network that goes on training from the state it is in.

    A run trains it on each epoch's frames and scores it on the validation set V; it is never
    started afresh between epochs (Meta-Sim, algorithm 1).
    """

    def train(
        self,
        frames: Sequence[Frame],
        steps: int,
        generator: torch.Generator,
        progress: Progress | None = None,
    ) -> Losses:
        """Take ``steps`` optimiser steps; return each loss's mean over them."""
        ...

    def score(self, labelled: Sequence[Any]) -> TaskScore:
        """Score on labelled images; changes nothing in the network."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything that later training depends on."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Inverse of :meth:`state_dict`."""
        ...


@runtime_checkable
class InfluenceNetwork(TaskNetwork, Protocol):
    """A task network that can say what each frame by itself is worth."""

    def influence(self, frames: Sequence[Frame], labelled: Sequence[Any]) -> Tensor:
        """[B]: how much a small gradient step on each frame would lower the loss on the labelled
        images, to first order; changes nothing in the network."""
        ...
