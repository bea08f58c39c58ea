"""What a reader reads in pictures, as samples of distributions that can be compared.

A picture gives one sample of numbers of the whole scene, with how many things of each class it
shows. Every object that is found is a sample of how things of its class stand, pooled over all
pictures; it counts by the class's probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import batched_nms, box_iou, nms

from metasim_backend.features.reader.reader import Reader, SeenPictures
from metasim_backend.features.reader.region_network import (
    PLACE_SCALE,
    corrected,
    places,
    squares,
)
from metasim_backend.features.reader.targets import ReaderTargets

LEAST_PROBABILITY = 0.4
"""Of any object in a cell from which one is proposed."""
MOST_PROPOSED = 60
"""In a picture."""
LEAST_OBJECT = 0.2
"""Probability that what is proposed is an object at all."""
SAME = 0.4
"""Intersection over union from which two proposals are of one object."""
OWNED = 0.3
"""Intersection over union with a label from which a box is of its object."""
APART = 3.0
"""Between the places of boxes of different pictures, which then do not overlap."""
LEAST_SHARE = 0.05
"""Of a class that counts for an object."""
PLACES = len(PLACE_SCALE)
BATCH = 64
REGIONS = 256


@dataclass(frozen=True, eq=False)
class Readings:
    """What was read in N pictures; M objects in all, of K classes.

    Attributes:
        scene: [N, T + K] standardised numbers of the scene, and of each class the logarithm of
            1 + the number of its objects.
        objects: [M, C + 4] standardised numbers of an object, and its box's place.
        shares: [M, K] the probability of each class.
        pictures: [M] long, the picture that an object is in.
        boxes: [M, 4] x0, y0, x1, y1 as shares of the picture's sides.
        owners: [M] long, the place of the object among the frame's labels, -1 for none; None for
            pictures without labels.
    """

    scene: Tensor
    objects: Tensor
    shares: Tensor
    pictures: Tensor
    boxes: Tensor
    owners: Tensor | None = None

    def __len__(self) -> int:
        return len(self.scene)

    def of_class(self, place: int) -> tuple[Tensor, Tensor]:
        """[m, C + 4] objects and [m] counts of one class, without those that do not count."""
        counts = self.shares[:, place]
        chosen = counts > 0
        return self.objects[chosen], counts[chosen]

    def rows(self, chosen: Tensor) -> Readings:
        """Those of some pictures, [n] long."""
        number = torch.full((len(self),), -1)
        number[chosen] = torch.arange(len(chosen))
        kept = number[self.pictures] >= 0
        return Readings(
            self.scene[chosen],
            self.objects[kept],
            self.shares[kept],
            number[self.pictures[kept]],
            self.boxes[kept],
            None if self.owners is None else self.owners[kept],
        )

    @property
    def unowned(self) -> Readings:
        """The same pictures with those objects alone that are of no label."""
        if self.owners is None:
            kept = torch.zeros(len(self.objects), dtype=torch.bool)
        else:
            kept = self.owners < 0
        return Readings(
            self.scene,
            self.objects[kept],
            self.shares[kept],
            self.pictures[kept],
            self.boxes[kept],
            None if self.owners is None else self.owners[kept],
        )

    @staticmethod
    def joined(parts: Sequence[Readings]) -> Readings:
        """All pictures of several parts."""
        starts = torch.tensor([0, *(len(part) for part in parts)]).cumsum(0)
        owners = [part.owners for part in parts]
        given = [o for o in owners if o is not None]
        return Readings(
            torch.cat([part.scene for part in parts]),
            torch.cat([part.objects for part in parts]),
            torch.cat([part.shares for part in parts]),
            torch.cat([part.pictures + start for part, start in zip(parts, starts, strict=False)]),
            torch.cat([part.boxes for part in parts]),
            torch.cat(given) if len(given) == len(parts) else None,
        )


@torch.no_grad()
def read_pictures(
    reader: Reader, seen: SeenPictures, targets: ReaderTargets | None = None
) -> Readings:
    """The readings of pictures; with their targets each object is told its label."""
    reader.dense.eval()
    reader.regions.eval()
    return Readings.joined(
        [
            _read(
                reader, part, None if targets is None else targets.rows(slice(start, start + BATCH))
            )
            for start, part in zip(range(0, len(seen), BATCH), seen.split(BATCH), strict=True)
        ]
    )


def _read(reader: Reader, seen: SeenPictures, targets: ReaderTargets | None) -> Readings:
    scene, logits, boxes = reader.look(seen)
    pictures, _, found = proposals(1 - logits.softmax(1)[:, 0], boxes)
    _, _, corrections = _regions(reader, seen, scene, pictures, found)
    found = corrected(found, corrections)
    classes, numbers, _ = _regions(reader, seen, scene, pictures, found)
    shares = classes.softmax(1)[:, 1:]
    likely = (shares.sum(1) > LEAST_OBJECT).nonzero()[:, 0]
    kept = likely[batched_nms(found[likely], shares[likely].sum(1), pictures[likely], SAME)]
    kept = kept.sort().values
    pictures, found, shares, numbers = pictures[kept], found[kept], shares[kept], numbers[kept]
    amount = shares.new_zeros(len(seen), shares.shape[1]).index_add(0, pictures, shares)
    return Readings(
        torch.cat([scene, amount.log1p()], 1),
        torch.cat([numbers, places(found)], 1),
        torch.where(shares > LEAST_SHARE, shares, 0.0),
        pictures,
        found,
        None if targets is None else _owners(pictures, found, targets),
    )


def _owners(pictures: Tensor, boxes: Tensor, targets: ReaderTargets) -> Tensor:
    """[M]: the place of the label whose box overlaps each box the most, -1 for none."""
    picture, place = (targets.kinds > 0).nonzero(as_tuple=True)
    if not len(picture) or not len(boxes):
        return torch.full_like(pictures, -1)
    apart = boxes + APART * pictures[:, None]
    overlap, at = box_iou(apart, targets.boxes[picture, place] + APART * picture[:, None]).max(1)
    return torch.where(overlap > OWNED, place[at], -1)


def _regions(
    reader: Reader, seen: SeenPictures, scene: Tensor, pictures: Tensor, boxes: Tensor
) -> tuple[Tensor, ...]:
    parts = [
        reader.regions(squares(seen.images, some, part), places(part), scene[some])
        for some, part in zip(pictures.split(REGIONS), boxes.split(REGIONS), strict=True)
    ]
    return tuple(torch.cat(outputs) for outputs in zip(*parts, strict=True))


def proposals(probability: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes of objects, from what their cells say of them.

    Of overlapping boxes the most probable stays, as the mean of all that overlap it.

    Args:
        probability: [B, h, w] that there is an object in a cell.
        boxes: [B, 4, h, w].

    Returns:
        [M] the pictures, [M] the cells of the most probable (row * w + column), [M, 4] the boxes.
    """
    count = len(boxes)
    score = probability.reshape(count, -1)
    picture, cell = (score > LEAST_PROBABILITY).nonzero(as_tuple=True)
    box, weight = boxes.flatten(2)[picture, :, cell], score[picture, cell]
    pictures, cells, out = [], [], [box.new_zeros(0, 4)]
    for number, rows in enumerate(torch.arange(len(cell)).split(picture.bincount().tolist())):
        if not len(rows):
            continue
        # One picture at a time: an untrained reader proposes nearly every cell.
        kept = nms(box[rows], weight[rows], SAME)[:MOST_PROPOSED].sort().values
        overlap, leader = box_iou(box[rows], box[rows][kept]).max(1)
        shares = weight[rows] * (overlap > SAME)
        sums = box.new_zeros(len(kept), 4).index_add(0, leader, box[rows] * shares[:, None])
        total = shares.new_zeros(len(kept)).index_add(0, leader, shares)
        pictures.append(kept.new_full((len(kept),), number))
        cells.append(cell[rows][kept])
        out.append(sums / total.clamp_min(1e-9)[:, None])
    return (
        torch.cat([picture[:0], *pictures]),
        torch.cat([cell[:0], *cells]),
        torch.cat(out),
    )
