"""What a reader reads in pictures, as samples of distributions that can be compared.

A picture gives one sample of numbers of the whole scene, with how much of each class there is.
Objects are pooled over many pictures: every cell in which an object is seen is a sample of how
things of its class stand, and counts by the class's probability. A near object has many cells and
a far one few; so that both count about alike, a cell counts by the square of the distance that is
read in it, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from metasim_backend.features.reader.network import Reader, SeenPictures
from metasim_backend.features.reader.targets import CELL_NUMBERS, ReaderTargets

LEAST_PROBABILITY = 0.2
"""Of a labelled class in a cell that is counted."""
BATCH = 128
LEAST_SHARE = 0.05
"""Of a class in a cell that counts for it."""
DISTANCE = CELL_NUMBERS.index("log distance")
LOG_DISTANCES = (math.log(3), math.log(45))
"""Between which what is read counts; metres."""
UNIT_DISTANCE = 10.0
"""Metres at which a cell counts as one."""
PLACE_SCALE = (3.4, 6.0)
HORIZON = 0.6


@dataclass(frozen=True, eq=False)
class Readings:
    """What was read in N pictures; M cells in all show an object of one of K classes.

    Attributes:
        scene: [N, T + K] standardised numbers of the scene, and of each class the logarithm of
            1 + the number of its cells.
        cells: [M, C + 2] standardised numbers of an object, and the cell's place in the picture.
        shares: [M, K] the probability of each class, times the area that a cell stands for.
        pictures: [M] long, the picture that a cell is of.
        owners: [M] long, the place of its object among the frame's labels, -1 for none; None for
            pictures without labels.
    """

    scene: Tensor
    cells: Tensor
    shares: Tensor
    pictures: Tensor
    owners: Tensor | None = None

    def __len__(self) -> int:
        return len(self.scene)

    def of_class(self, place: int) -> tuple[Tensor, Tensor]:
        """[m, C + 2] cells and [m] counts of one class, without those that do not count."""
        counts = self.shares[:, place]
        chosen = counts > 0
        return self.cells[chosen], counts[chosen]

    @staticmethod
    def joined(parts: Sequence[Readings]) -> Readings:
        """All pictures of several parts."""
        starts = torch.tensor([0, *(len(part) for part in parts)]).cumsum(0)
        owners = [part.owners for part in parts]
        known = [o for o in owners if o is not None]
        return Readings(
            torch.cat([part.scene for part in parts]),
            torch.cat([part.cells for part in parts]),
            torch.cat([part.shares for part in parts]),
            torch.cat([part.pictures + start for part, start in zip(parts, starts, strict=False)]),
            torch.cat(known) if len(known) == len(parts) else None,
        )


@torch.no_grad()
def read_pictures(
    reader: Reader, seen: SeenPictures, targets: ReaderTargets | None = None
) -> Readings:
    """The readings of pictures; with their targets each cell is told its object."""
    reader.learned.eval()
    return Readings.joined(
        [
            _read(reader, part, None if targets is None else targets.owners[start:])
            for start, part in zip(range(0, len(seen), BATCH), seen.split(BATCH), strict=True)
        ]
    )


def _read(reader: Reader, seen: SeenPictures, owners: Tensor | None) -> Readings:
    scene, logits, numbers = reader(seen)
    probabilities = logits.softmax(1)
    chosen = 1 - probabilities[:, 0] > LEAST_PROBABILITY
    picture, row, column = chosen.nonzero(as_tuple=True)
    amount = (probabilities[:, 1:] * chosen[:, None]).sum((2, 3))
    shares = probabilities[picture, 1:, row, column]
    read = numbers[picture, DISTANCE, row, column]
    log_distance = read * reader.cell_scale[1, DISTANCE] + reader.cell_scale[0, DISTANCE]
    area = (log_distance.clamp(*LOG_DISTANCES) - math.log(UNIT_DISTANCE)).mul(2).exp()
    height, width = reader.grid
    across = (column / width - 0.5) * PLACE_SCALE[0]
    down = (row / height - HORIZON) * PLACE_SCALE[1]
    return Readings(
        torch.cat([scene, amount.log1p()], 1),
        torch.cat([numbers[picture, :, row, column], torch.stack([across, down], 1)], 1),
        torch.where(shares > LEAST_SHARE, shares, 0.0) * area[:, None],
        picture,
        None if owners is None else owners[picture, row, column].long(),
    )
