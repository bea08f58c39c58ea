"""Teaching a surrogate what a reader reads in the renders of a run."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from metasim_backend.features.prior_training import rise_and_fall
from metasim_backend.features.reader.readings import Readings
from metasim_backend.models.surrogate import Surrogate
from metasim_backend.training.estimators.render_archive import NodeReadings, RenderArchive

BATCH = 128
WEIGHT_DECAY = 1e-3
HELD_OUT = 0.1
LEAST_MEASURED = 25
"""Of the newest renders that are held out."""
LEAST_CELLS = 10.0
_ROOT = 0.05  # amounts are compared by roots, whose noise is alike for few and many cells


def teach_surrogate(
    surrogate: Surrogate,
    archive: RenderArchive,
    readings: Readings,
    nodes: NodeReadings,
    seed: int,
    *,
    epochs: int,
    learning_rate: float,
    progress: Callable[[int, float], object] | None = None,
) -> None:
    """Teach it, from where it is, and measure what it cannot predict on a tenth of the renders.

    Args:
        readings, nodes: of the archive's pictures.
        seed: of order and of what is held out.
        learning_rate: of AdamW at its peak.
        progress: called with the step (from 1) and its loss.
    """
    source = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(archive), generator=source)
    held_out, taught = order.tensor_split([max(1, round(HELD_OUT * len(order)))])
    weights = archive.weights
    parameters = list(surrogate.parameters())
    optimiser = torch.optim.AdamW(parameters, learning_rate, weight_decay=WEIGHT_DECAY)
    steps = teaching_steps(len(archive), epochs)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rise_and_fall(step, steps))
    step = 0
    surrogate.train()
    for _ in range(epochs):
        for rows in taught[torch.randperm(len(taught), generator=source)].split(BATCH):
            batch = archive.scenes.batch(rows)
            scene, amounts, cells = surrogate(batch, batch.values)
            chosen, weight = surrogate.of_labelled(batch), weights[rows]
            at, of_node = batch.nodes[chosen], weight[batch.batch[chosen]]
            apart = (scene - readings.scene[rows]).square().mean(1)
            roots = (amounts + _ROOT).sqrt() - (nodes.amounts[at] + _ROOT).sqrt()
            of_nodes = roots.square().sum(1) * of_node
            counts = nodes.counts[at] * of_node
            of_cells = (cells - nodes.cells[at]).square().mean(1) * counts
            loss = (
                (apart * weight).mean()
                + of_nodes.sum() / max(len(of_nodes), 1)
                + of_cells.sum() / counts.sum().clamp_min(1)
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            if progress is not None:
                progress(step, float(loss.detach()))
    surrogate.eval()
    _measure(surrogate, archive, readings, nodes, held_out)


def teaching_steps(renders: int, epochs: int) -> int:
    """How many steps :func:`teach_surrogate` takes."""
    taught = renders - max(1, round(HELD_OUT * renders))
    return epochs * math.ceil(taught / BATCH)


@torch.no_grad()
def _measure(
    surrogate: Surrogate,
    archive: RenderArchive,
    readings: Readings,
    nodes: NodeReadings,
    held_out: Tensor,
) -> None:
    """Set noise and R² from renders that were not taught."""
    scenes, predicted = [], readings.cells.new_zeros(len(nodes.counts), nodes.cells.shape[1])
    measured = torch.zeros(len(nodes.counts), dtype=torch.bool)
    for rows in held_out.split(BATCH):
        batch = archive.scenes.batch(rows)
        scene, _, cells = surrogate(batch, batch.values)
        scenes.append(scene)
        at = batch.nodes[surrogate.of_labelled(batch)]
        predicted[at], measured[at] = cells, True
    truth, error = readings.scene[held_out], readings.scene[held_out] - torch.cat(scenes)
    # Noise is that of the newest renders, among which the generator is.
    newest = (archive.rounds == archive.rounds.max())[held_out].to(error)
    if newest.sum() < LEAST_MEASURED:
        newest = torch.ones_like(newest)
    surrogate.scene_noise.copy_(
        _rescaled(_covariance(error, torch.ones_like(newest)), error, newest)
    )
    surrogate.scene_r2.copy_(_r2(error, truth, torch.ones_like(newest)))
    chosen = (nodes.cell_nodes >= 0) & measured[nodes.cell_nodes.clamp_min(0)]
    near = torch.zeros(len(archive)).index_add(0, held_out, newest)
    at, shares = nodes.cell_nodes[chosen], readings.shares[chosen]
    shares = shares * near[readings.pictures[chosen]][:, None]
    apart = readings.cells[chosen] - predicted[at]
    everywhere = _covariance(apart, shares.sum(1))
    for place in range(shares.shape[1]):
        counts = shares[:, place]
        few = float(counts.sum()) < LEAST_CELLS * apart.shape[1]
        surrogate.cell_noise[place] = everywhere if few else _covariance(apart, counts)
    own = measured & (nodes.counts > 0)
    surrogate.cell_r2.copy_(
        _r2((nodes.cells - predicted)[own], nodes.cells[own], nodes.counts[own])
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
