"""Streets with other looks: several of each, made when a detector asks for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

import torch
from torch import Tensor

from metasim_backend.tasks.detector import Example
from metasim_backend.tasks.fourier_looks import with_amplitudes_of
from metasim_backend.training.seeds import generator

LOOKS = 4
"""Of each street."""

Look = Callable[[Tensor, torch.Generator], Tensor]
"""A picture [3, H, W] uint8 with another look."""


def like_photographs(photographs: Tensor) -> Look:
    """FDA: with the low frequencies' amplitudes of one of the photographs [N, 3, H, W] uint8."""

    def look(picture: Tensor, source: torch.Generator) -> Tensor:
        chosen = int(torch.randint(len(photographs), (), generator=source))
        return with_amplitudes_of(picture, photographs[chosen])

    return look


class OtherLooks(Sequence[Example]):
    """Each street in :data:`LOOKS` looks; one is a function of the seed and its place.

    Args:
        streets: as they were rendered.
        look: changes a picture.
        seed: of the draws.
    """

    def __init__(self, streets: Sequence[Example], look: Look, seed: int) -> None:
        self._streets, self._look, self._seed = streets, look, seed

    def __len__(self) -> int:
        return LOOKS * len(self._streets)

    @overload
    def __getitem__(self, place: int) -> Example: ...
    @overload
    def __getitem__(self, place: slice) -> list[Example]: ...
    def __getitem__(self, place: int | slice) -> Example | list[Example]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        picture, target = self._streets[place % len(self._streets)]
        return self._look(picture, generator(self._seed, "look", place)), target
