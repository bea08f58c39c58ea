"""Training of a reader on renders whose scenes are known: of whole pictures, then of objects."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss

from metasim_backend.features.reader.reader import Reader, SeenPictures
from metasim_backend.features.reader.readings import proposals
from metasim_backend.features.reader.region_network import (
    corrected,
    corrections_to,
    places,
    squares,
)
from metasim_backend.features.reader.targets import ReaderTargets
from metasim_backend.networks.schedules import adamw

NONE_WEIGHT = 0.3
"""Of cells without an object, which are nine of ten."""
NUMBERS_WEIGHT = 4.0
"""Of an object's numbers beside its class."""
LEAST_DEVIATION = 1e-6
MOVED, RESIZED = 2.0, 1.5
"""How far boxes are disturbed at the most: deviations, in corrections of 1."""
BOXES_WEIGHT = 2.0
CORRECTIONS_WEIGHT = 1.0
CONTRAST = 0.1
SCENE_NOISE = 0.25
"""Of what objects are told of their picture: it is read better in these pictures than in others."""
MOST_BALANCED = 4.0
LOOKED = 128

Retaken = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class ReaderTraining:
    """How a reader is trained.

    Attributes:
        epochs: passes over the pictures, as wholes and object by object.
        batch: pictures a step.
        region_batch: pictures of whose objects a step is made.
        learning_rate: of AdamW at its peak; rises for a tenth of the steps, then falls to 0.
        weight_decay: of AdamW.
    """

    epochs: int = 8
    batch: int = 16
    region_batch: int = 12
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2


def fit_scales(reader: Reader, targets: ReaderTargets) -> None:
    """Standardise what is read by the mean and deviation that it has in these targets."""
    of_objects = targets.numbers[targets.kinds > 0]
    for scale, values in ((reader.scene_scale, targets.scene), (reader.object_scale, of_objects)):
        counted = ~values.isnan()
        count = counted.sum(0).clamp_min(1)
        mean = torch.where(counted, values, 0.0).sum(0) / count
        apart = torch.where(counted, values - mean, 0.0)
        deviation = (apart.square().sum(0) / count).sqrt()
        varies = deviation > LEAST_DEVIATION
        scale.copy_(torch.stack([mean, torch.where(varies, deviation, 1.0)]))


def train_reader(
    reader: Reader,
    seen: SeenPictures,
    targets: ReaderTargets,
    seed: int,
    settings: ReaderTraining | None = None,
    weights: Tensor | None = None,
    progress: Callable[[int, float], object] | None = None,
    retaken: Retaken | None = None,
) -> None:
    """Train what is learned of a reader, from where it is.

    Args:
        seen: N pictures.
        targets: what is to be read in them.
        seed: of order, dropout and disturbances.
        settings: None: the defaults.
        weights: [N], how much a picture counts; None: all alike.
        progress: called with the step (from 1) and its loss.
        retaken: pictures [B, 3, H, W] uint8 as another camera takes them, anew in each step; None:
            as they are.
    """
    settings = settings or ReaderTraining()
    weights = torch.ones(len(seen)) if weights is None else weights
    done = 0

    def step(loss: float) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, loss)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # dropout draws from the global generator

        def of_pictures(rows: Tensor, source: torch.Generator) -> Tensor:
            shown = seen.rows(rows)
            if retaken is not None:
                shown = reader.see(retaken(shown.images, source))
            return dense_loss(reader, shown, targets.rows(rows), weights[rows])

        shown = (targets.kinds > 0).any(1).nonzero()[:, 0]
        everything = torch.arange(len(seen))
        _train(reader.dense, everything, settings.batch, of_pictures, settings, seed, step)
        mistaken, read = _first_look(reader, seen, targets)
        balance = class_balance(targets, len(reader.names.classes))

        def of_objects(rows: Tensor, source: torch.Generator) -> Tensor:
            nothing = [mistaken[row] for row in rows.tolist()]
            images = seen.images[rows]
            return region_loss(
                reader,
                images if retaken is None else retaken(images, source),
                targets.rows(rows),
                nothing,
                read[rows],
                weights[rows],
                balance,
                source,
            )

        _train(reader.regions, shown, settings.region_batch, of_objects, settings, seed, step)


def training_steps(targets: ReaderTargets, settings: ReaderTraining) -> int:
    """How many steps :func:`train_reader` takes."""
    shown = int((targets.kinds > 0).any(1).sum())
    return settings.epochs * (
        math.ceil(len(targets) / settings.batch) + math.ceil(shown / settings.region_batch)
    )


def _train(
    network: nn.Module,
    pictures: Tensor,
    batch: int,
    loss_of: Callable[[Tensor, torch.Generator], Tensor],
    settings: ReaderTraining,
    seed: int,
    done: Callable[[float], object],
) -> None:
    if not len(pictures):
        return
    source = torch.Generator().manual_seed(seed)
    steps = settings.epochs * math.ceil(len(pictures) / batch)
    optimiser, schedule = adamw(
        network.parameters(), settings.learning_rate, settings.weight_decay, steps
    )
    network.train()
    for _ in range(settings.epochs):
        for rows in pictures[torch.randperm(len(pictures), generator=source)].split(batch):
            loss = loss_of(rows, source)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            done(float(loss.detach()))
    network.eval()


def dense_loss(
    reader: Reader, seen: SeenPictures, targets: ReaderTargets, weights: Tensor
) -> Tensor:
    """Smooth L1 of the scene's numbers, cross-entropy of the cells' classes, and what boxes lack
    in overlap (generalised intersection over union, Rezatofighi et al. 2019)."""
    scene, classes, boxes = reader.look(seen)
    kinds = targets.cell_kinds
    balance = torch.ones(classes.shape[1])
    balance[0] = NONE_WEIGHT
    of_classes = functional.cross_entropy(classes, kinds, weight=balance, reduction="none")
    shown = kinds > 0
    lacking = generalized_box_iou_loss(
        boxes.permute(0, 2, 3, 1)[shown], targets.cell_boxes.permute(0, 2, 3, 1)[shown]
    )
    of_cell = weights[shown.nonzero()[:, 0]]
    return (
        _smooth(scene, _standard(targets.scene, reader.scene_scale), weights[:, None])
        + (of_classes * weights[:, None, None]).mean() / balance[kinds].mean()
        + BOXES_WEIGHT * (lacking * of_cell).sum() / of_cell.sum().clamp_min(1e-6)
    )


def region_loss(
    reader: Reader,
    images: Tensor,
    targets: ReaderTargets,
    mistaken: Sequence[Tensor],
    scene: Tensor,
    weights: Tensor,
    balance: Tensor,
    source: torch.Generator,
) -> Tensor:
    """Cross-entropy of the classes, and smooth L1 of numbers and corrections, of all objects in
    some pictures about disturbed boxes.

    Args:
        mistaken: a picture's boxes that were proposed and hold no object.
        scene: [B, T] what was read of the pictures.
        balance: [1 + K], what no object and each class count.
    """
    picture, place = (targets.kinds > 0).nonzero(as_tuple=True)
    exact = targets.boxes[picture, place]
    boxes = _disturbed(exact, source)
    nothing = torch.cat(list(mistaken))
    of_nothing = torch.repeat_interleave(torch.tensor([len(one) for one in mistaken]))
    at = torch.cat([picture, of_nothing])
    contrast = 1 + CONTRAST * torch.randn(len(at), 1, 1, 1, generator=source)
    all_boxes = torch.cat([boxes, nothing])
    seen = (squares(images, at, all_boxes) * contrast).clamp(0, 1)
    told = scene + SCENE_NOISE * torch.randn(scene.shape, generator=source)
    classes, numbers, corrections = reader.regions(seen, places(all_boxes), told[at])
    kinds = torch.cat([targets.kinds[picture, place].long(), torch.zeros_like(of_nothing)])
    of_classes = functional.cross_entropy(classes, kinds, reduction="none") * balance[kinds]
    count = len(picture)
    wanted = _standard(targets.numbers[picture, place], reader.object_scale)
    of_object = weights[picture][:, None]
    return (
        (of_classes * weights[at]).sum() / weights[at].sum()
        + NUMBERS_WEIGHT * _smooth(numbers[:count], wanted, of_object)
        + CORRECTIONS_WEIGHT * _smooth(corrections[:count], corrections_to(boxes, exact), of_object)
    )


def class_balance(targets: ReaderTargets, classes: int) -> Tensor:
    """[1 + K]: what no object (1) and each class count: a rare one more, by the root of how rare it
    is, so that it is not taken for the usual one."""
    counts = torch.bincount(targets.kinds.flatten().long(), minlength=1 + classes)
    rare = (counts[1:].sum() / counts[1:].clamp_min(1)).sqrt()
    usual = (counts[1:] * rare).sum() / counts[1:].sum().clamp_min(1)
    return torch.cat([torch.ones(1), (rare / usual.clamp_min(1e-6)).clamp(max=MOST_BALANCED)])


@torch.no_grad()
def _first_look(
    reader: Reader, seen: SeenPictures, targets: ReaderTargets
) -> tuple[list[Tensor], Tensor]:
    """By picture, the boxes proposed from cells that show no object; and [N, T] what is read."""
    out: list[Tensor] = []
    scenes = [torch.zeros(0, len(reader.names.scene))]
    cells = reader.grid[0] * reader.grid[1]
    for start, part in zip(range(0, len(seen), LOOKED), seen.split(LOOKED), strict=True):
        scene, classes, boxes = reader.look(part)
        scenes.append(scene)
        picture, cell, found = proposals(1 - classes.softmax(1)[:, 0], boxes)
        owners = targets.owners[start : start + len(part)].reshape(-1)[picture * cells + cell]
        out += [found[(picture == n) & (owners < 0)] for n in range(len(part))]
    return out, torch.cat(scenes)


def _disturbed(boxes: Tensor, source: torch.Generator) -> Tensor:
    """Each by an amount of its own, from nothing to the most."""
    count = len(boxes)
    strength = torch.rand(count, 1, generator=source)
    moves = MOVED * strength * torch.randn(count, 2, generator=source)
    stretches = RESIZED * strength * torch.randn(count, 2, generator=source)
    return corrected(boxes, torch.cat([moves, stretches], 1))


def _smooth(reading: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Smooth L1 over what is a number."""
    counted = ~target.isnan()
    wanted = torch.where(counted, target, reading.detach())
    error = functional.smooth_l1_loss(reading, wanted, reduction="none")
    return (error * weights).sum() / (counted * weights).sum().clamp_min(1e-6)


def _standard(values: Tensor, scale: Tensor) -> Tensor:
    return (values - scale[0]) / scale[1]
