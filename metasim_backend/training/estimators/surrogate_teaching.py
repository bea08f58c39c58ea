"""Teaching a surrogate what a reader reads in the renders of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.features.reader.readings import Readings
from metasim_backend.models.surrogate import PredictedReadings, Surrogate
from metasim_backend.networks.schedules import adamw
from metasim_backend.training.estimators.render_archive import NodeReadings, RenderArchive

BATCH = 128
WEIGHT_DECAY = 1e-3
HELD_OUT = 0.15
LEAST_MEASURED = 25
"""Of the renders near the generator that are held out."""
LEAST_OBJECTS = 3.0
"""For each reading, from which a class has a covariance of its own."""
SPREAD_WEIGHT = 0.2


def teach_surrogate(
    surrogate: Surrogate,
    archive: RenderArchive,
    readings: Readings,
    nodes: NodeReadings,
    rows: Tensor,
    seed: int,
    *,
    epochs: int,
    learning_rate: float,
    folds: int = 1,
    measured_from: int | None = None,
    progress: Callable[[int, float], object] | None = None,
) -> None:
    """Teach it, from where it is, and measure what it cannot predict on renders that it was not
    taught.

    With several folds it is first taught so often, each time without another part, so that all
    renders near the generator measure its noise (cross-fitting, Chernozhukov et al. 2018). How wide
    an attribute is that is read badly is its readings' variance less this noise, so a tenth more of
    it matters.

    Args:
        readings, nodes: of the archive's pictures.
        rows: [n] long, the renders that it is taught.
        seed: of order and of what is held out.
        learning_rate: of AdamW at its peak.
        folds: 1 to hold a part out for good.
        measured_from: the round from which renders measure its noise; None: the newest alone.
        progress: called with the step (from 1) and its loss.
    """
    source = torch.Generator().manual_seed(seed)
    order = rows[torch.randperm(len(rows), generator=source)]
    done = 0

    def taught(some: Tensor) -> None:
        nonlocal done
        for loss in _taught(
            surrogate, archive, readings, nodes, some, epochs, learning_rate, source
        ):
            done += 1
            if progress is not None:
                progress(done, loss)

    if folds == 1:
        held_out, others = order.tensor_split([max(1, round(HELD_OUT * len(order)))])
        taught(others)
        predicted = _predicted(surrogate, archive, nodes, held_out)
    else:
        begun = {name: value.clone() for name, value in surrogate.state_dict().items()}
        parts = order.tensor_split(folds)
        each = []
        for place, part in enumerate(parts):
            surrogate.load_state_dict(begun)
            taught(torch.cat([other for n, other in enumerate(parts) if n != place]))
            each.append(_predicted(surrogate, archive, nodes, part))
        surrogate.load_state_dict(begun)
        taught(order)
        predicted = _Predicted.joined(each)
    first = int(archive.rounds.max()) if measured_from is None else measured_from
    _measure(surrogate, archive, readings, nodes, predicted, archive.rounds >= first)


def teaching_steps(renders: int, epochs: int, folds: int = 1) -> int:
    """How many steps :func:`teach_surrogate` takes."""
    if folds == 1:
        sizes = [renders - max(1, round(HELD_OUT * renders))]
    else:
        parts = torch.arange(renders).tensor_split(folds)
        sizes = [*(renders - len(part) for part in parts), renders]
    return sum(epochs * math.ceil(size / BATCH) for size in sizes)


def _taught(
    surrogate: Surrogate,
    archive: RenderArchive,
    readings: Readings,
    nodes: NodeReadings,
    rows: Tensor,
    epochs: int,
    learning_rate: float,
    source: torch.Generator,
) -> Iterator[float]:
    """Teach it these renders; the loss of each step."""
    weights = archive.weights
    parameters = list(surrogate.parameters())
    optimiser, schedule = adamw(
        parameters, learning_rate, WEIGHT_DECAY, epochs * math.ceil(len(rows) / BATCH)
    )
    surrogate.train()
    for _ in range(epochs):
        for some in rows[torch.randperm(len(rows), generator=source)].split(BATCH):
            batch = archive.scenes.batch(some)
            predicted = surrogate(batch, batch.values)
            at = batch.nodes[surrogate.of_labelled(batch)]
            of_node = weights[some][batch.batch[surrogate.of_labelled(batch)]]
            loss = _of_scenes(predicted, readings.scene[some], weights[some]) + _of_nodes(
                predicted, nodes, at, of_node
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            yield float(loss.detach())
    surrogate.eval()


@dataclass(frozen=True, eq=False)
class _Predicted:
    """What was predicted of renders that were not taught.

    Attributes:
        rows: [n] long, these renders.
        scenes, scene_spreads: [n, S].
        nodes: [m] long, their labelled nodes.
        objects, object_spreads: [m, R].
    """

    rows: Tensor
    scenes: Tensor
    scene_spreads: Tensor
    nodes: Tensor
    objects: Tensor
    object_spreads: Tensor

    @staticmethod
    def joined(parts: Sequence[_Predicted]) -> _Predicted:
        columns = (
            torch.cat([getattr(part, field.name) for part in parts]) for field in fields(_Predicted)
        )
        return _Predicted(*columns)


@torch.no_grad()
def _predicted(
    surrogate: Surrogate, archive: RenderArchive, nodes: NodeReadings, rows: Tensor
) -> _Predicted:
    parts = []
    for some in rows.split(BATCH):
        batch = archive.scenes.batch(some)
        one = surrogate(batch, batch.values)
        at = batch.nodes[surrogate.of_labelled(batch)]
        parts.append(
            _Predicted(some, one.scene, one.scene_spreads, at, one.objects, one.object_spreads)
        )
    return _Predicted.joined(parts)


def _of_scenes(predicted: PredictedReadings, scene: Tensor, weights: Tensor) -> Tensor:
    error = predicted.scene - scene
    of_spread = _of_spread(error, predicted.scene_spreads).mean(1)
    return ((error.square().mean(1) + SPREAD_WEIGHT * of_spread) * weights).mean()


def _of_nodes(
    predicted: PredictedReadings, nodes: NodeReadings, at: Tensor, weights: Tensor
) -> Tensor:
    """Of whether a node is found and taken for what, and of what is read of it."""
    amounts = nodes.amounts[at]
    amounts = amounts / amounts.sum(1, keepdim=True).clamp_min(1)  # some are found twice
    wanted = torch.cat([1 - amounts.sum(1, keepdim=True), amounts], 1)
    outcome = functional.cross_entropy(predicted.outcomes, wanted, reduction="none")
    error = predicted.objects - nodes.objects[at]
    of_spread = _of_spread(error, predicted.object_spreads).mean(1)
    read = nodes.counts[at] * weights
    return (outcome * weights).sum() / max(len(at), 1) + (
        (error.square().mean(1) + SPREAD_WEIGHT * of_spread) * read
    ).sum() / read.sum().clamp_min(1)


def _of_spread(error: Tensor, spreads: Tensor) -> Tensor:
    """Minus the logarithm of a normal density; it teaches the spread alone."""
    return 0.5 * (error.detach() / spreads).square() + spreads.log()


@torch.no_grad()
def _measure(
    surrogate: Surrogate,
    archive: RenderArchive,
    readings: Readings,
    nodes: NodeReadings,
    predicted: _Predicted,
    measuring: Tensor,
) -> None:
    """Set noise and R² from renders that were not taught.

    Args:
        measuring: [N] bool, the renders near the generator; the noise is theirs.
    """
    total, size = nodes.objects.shape
    expected = readings.objects.new_zeros(total, size)
    spreads = readings.objects.new_ones(total, size)
    measured = torch.zeros(total, dtype=torch.bool)
    at, held_out = predicted.nodes, predicted.rows
    expected[at], spreads[at], measured[at] = predicted.objects, predicted.object_spreads, True
    truth = readings.scene[held_out]
    error = truth - predicted.scenes
    counted = measuring[held_out].to(error)
    if counted.sum() < LEAST_MEASURED:
        counted = torch.ones_like(counted)
    relative = error / predicted.scene_spreads
    surrogate.scene_noise.copy_(
        _rescaled(_covariance(relative, torch.ones_like(counted)), relative, counted)
    )
    surrogate.scene_r2.copy_(_r2(error, truth, torch.ones_like(counted)))
    chosen = (nodes.object_nodes >= 0) & measured[nodes.object_nodes.clamp_min(0)]
    near = torch.zeros(len(archive)).index_add(0, held_out, counted)
    at, shares = nodes.object_nodes[chosen], readings.shares[chosen]
    shares = shares * near[readings.pictures[chosen]][:, None]
    apart = (readings.objects[chosen] - expected[at]) / spreads[at]
    everywhere = _covariance(apart, shares.sum(1))
    for place in range(shares.shape[1]):
        counts = shares[:, place]
        few = float(counts.sum()) < LEAST_OBJECTS * size
        surrogate.object_noise[place] = everywhere if few else _covariance(apart, counts)
    seen = measured & (nodes.counts > 0)
    surrogate.object_r2.copy_(
        _r2((nodes.objects - expected)[seen], nodes.objects[seen], nodes.counts[seen])
    )


def _covariance(rows: Tensor, counts: Tensor) -> Tensor:
    shares = counts / counts.sum().clamp_min(1e-9)
    apart = rows - (rows * shares[:, None]).sum(0)
    return (apart * shares[:, None]).T @ apart


def _rescaled(covariance: Tensor, error: Tensor, counts: Tensor) -> Tensor:
    """A covariance with the variances that some of the errors have: there are too few of them for
    a covariance of their own."""
    own = _covariance(error, counts).diagonal()
    factor = (own / covariance.diagonal().clamp_min(1e-9)).sqrt()
    return covariance * factor[:, None] * factor


def _r2(error: Tensor, truth: Tensor, counts: Tensor) -> Tensor:
    shares = (counts / counts.sum().clamp_min(1e-9))[:, None]
    apart = truth - (truth * shares).sum(0)
    return 1 - (error.square() * shares).sum(0) / (apart.square() * shares).sum(0).clamp_min(1e-9)
