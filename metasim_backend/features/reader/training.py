"""Training of a reader on renders whose scenes are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.features.prior_training import rise_and_fall
from metasim_backend.features.reader.network import Reader, SeenPictures
from metasim_backend.features.reader.targets import ReaderTargets

NONE_WEIGHT = 0.3
"""Of cells without an object, which are nine of ten."""
LEAST_DEVIATION = 1e-6


@dataclass(frozen=True)
class ReaderTraining:
    """How a reader is trained.

    Attributes:
        epochs: passes over the pictures.
        batch: pictures a step.
        learning_rate: of AdamW at its peak; rises for a tenth of the steps, then falls to 0.
        weight_decay: of AdamW.
    """

    epochs: int = 8
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2


def fit_scales(reader: Reader, targets: ReaderTargets) -> None:
    """Standardise what is read by the mean and deviation that it has in these targets."""
    cells = targets.cells.permute(1, 0, 2, 3)[:, targets.classes > 0].T
    for scale, values in ((reader.scene_scale, targets.scene), (reader.cell_scale, cells)):
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
) -> None:
    """Train the learned part of a reader, from where it is.

    Args:
        seen: N pictures.
        targets: what is to be read in them.
        seed: of order and dropout.
        settings: None: the defaults.
        weights: [N], how much a picture counts; None: all alike.
        progress: called with the step (from 1) and its loss.
    """
    settings = settings or ReaderTraining()
    weights = torch.ones(len(seen)) if weights is None else weights
    source = torch.Generator().manual_seed(seed)
    parameters = list(reader.learned.parameters())
    optimiser = torch.optim.AdamW(
        parameters, settings.learning_rate, weight_decay=settings.weight_decay
    )
    steps = settings.epochs * math.ceil(len(seen) / settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rise_and_fall(step, steps))
    step = 0
    reader.learned.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # dropout draws from the global generator
        for _ in range(settings.epochs):
            for rows in torch.randperm(len(seen), generator=source).split(settings.batch):
                loss = reader_loss(reader, seen.rows(rows), _rows(targets, rows), weights[rows])
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()
                schedule.step()
                step += 1
                if progress is not None:
                    progress(step, float(loss.detach()))
    reader.learned.eval()


def training_steps(pictures: int, settings: ReaderTraining) -> int:
    """How many steps :func:`train_reader` takes."""
    return settings.epochs * math.ceil(pictures / settings.batch)


def reader_loss(
    reader: Reader, seen: SeenPictures, targets: ReaderTargets, weights: Tensor
) -> Tensor:
    """Smooth L1 of the scene's and the objects' numbers and cross-entropy of the classes."""
    scene, classes, numbers = reader(seen)
    known_cells = (targets.classes > 0)[:, None] & ~targets.cells.isnan()
    balance = torch.ones(classes.shape[1])
    balance[0] = NONE_WEIGHT
    of_classes = functional.cross_entropy(
        classes, targets.classes.long(), weight=balance, reduction="none"
    )
    return (
        _smooth(scene, _standard(targets.scene, reader.scene_scale), weights[:, None])
        + (of_classes * weights[:, None, None]).mean() / balance[targets.classes.long()].mean()
        + _smooth(
            numbers,
            torch.where(
                known_cells, _standard(targets.cells, reader.cell_scale[..., None, None]), torch.nan
            ),
            weights[:, None, None, None],
        )
    )


def _smooth(reading: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Smooth L1 over what is a number."""
    counted = ~target.isnan()
    wanted = torch.where(counted, target, reading.detach())
    error = functional.smooth_l1_loss(reading, wanted, reduction="none")
    return (error * weights).sum() / (counted * weights).sum().clamp_min(1e-6)


def _standard(values: Tensor, scale: Tensor) -> Tensor:
    return (values - scale[0]) / scale[1]


def _rows(targets: ReaderTargets, rows: Tensor) -> ReaderTargets:
    return ReaderTargets(
        targets.scene[rows], targets.classes[rows], targets.cells[rows], targets.owners[rows]
    )
