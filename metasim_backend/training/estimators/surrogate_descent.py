"""Descent of the distance to a target's readings on a surrogate, at no render."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from metasim_backend.distances.running_mixture import RunningMixture
from metasim_backend.grammar.encoded_scenes import EncodedScenes, SceneBatch
from metasim_backend.models.attribute_distribution import AttributeDistribution
from metasim_backend.models.distribution_transformer import DistributionTransformer
from metasim_backend.models.surrogate import PredictedReadings, Surrogate
from metasim_backend.training.estimators.pull import PullSettings, prior_deviations, pull
from metasim_backend.training.estimators.reading_distances import (
    LIKELIHOOD,
    ReadingDistances,
    Trust,
)
from metasim_backend.training.seeds import generator

LEAST_AMOUNT = 1e-3
"""Of a class at a node, as a share of the largest, below which it is left out."""
MISTAKEN_SPREAD = 0.1
COUNT_ERROR = 0.1
"""By what share a grammar, or a surrogate, may be wrong about how many objects there are."""
MEMORY = 4.0
"""Batches that a mixture of objects is made of."""
_LEAK = 0.02  # of a value beyond its range: rendering clamps it, and it must find back


@dataclass(frozen=True)
class DescentSettings:
    """How matching descends on the surrogate.

    Attributes:
        steps: of Adam.
        batch: scenes a step.
        learning_rate: falls to a twentieth along a half cosine.
        trust: what is predicted counts.
        near: whether the generator is near the target, so that the scenes' likelihood is descended
            on, and not their distance.
        fixed: numeric slots that stay as they are in the prior.
        context: learning rate, as a share of the other, of what makes a node's change depend on
            other nodes and on its own attributes, beside what all nodes have in common. These are
            thousands of numbers, of which a batch tells little: they get far together, and walk
            about at random where there is nowhere to go.
    """

    steps: int = 300
    batch: int = 160
    learning_rate: float = 1.5e-2
    trust: Trust = Trust()
    near: bool = False
    fixed: tuple[int, ...] = ()
    context: float = 1.0


def descend(
    transformer: DistributionTransformer,
    surrogate: Surrogate,
    scenes: EncodedScenes,
    distances: ReadingDistances,
    held: PullSettings,
    settings: DescentSettings,
    seed: int,
    turn: int,
    progress: Callable[[int, float], object] | None = None,
) -> None:
    """Change the transformer so that what the surrogate predicts of its scenes is like the target.

    Args:
        scenes: proposals of the prior, drawn from again and again.
        turn: of the round, for the draws.
        progress: called with the step (from 1) and the loss.
    """
    parameters = [p for p in transformer.parameters() if p.requires_grad]
    context = [p for p in parameters if p is not transformer.head.bias]
    rates = [share * settings.learning_rate for share in (1.0, settings.context)]
    optimiser = torch.optim.Adam(
        [{"params": part} for part in ([transformer.head.bias], context)], settings.learning_rate
    )
    source = generator(seed, "surrogate-descent", turn)
    objects = {k: RunningMixture(one, MEMORY) for k, one in distances.likelihoods.items()}
    deviations = prior_deviations(transformer, scenes)
    surrogate.requires_grad_(False)
    transformer.leave(settings.fixed)
    fixed = transformer.head_rows(settings.fixed)
    for step in range(settings.steps):
        rate = 0.05 + 0.475 * (1 + math.cos(math.pi * step / settings.steps))
        for group, full in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = full * rate
        rows = torch.randint(len(scenes), (settings.batch,), generator=source)
        batch = scenes.batch(rows)
        changes = transformer.changes(batch)
        distribution = transformer.changed(batch, changes)
        values = within_range(distribution, distribution.rsample(source))
        misfit = predicted_misfit(
            surrogate, batch, values, distances, settings.trust, objects, settings.near
        )
        loss = misfit + pull(transformer, batch, changes, deviations, held)
        optimiser.zero_grad()
        loss.backward()
        for parameter in (transformer.head.weight, transformer.head.bias):
            if parameter.grad is not None:
                parameter.grad[fixed] = 0
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        if progress is not None:
            progress(step + 1, float(loss.detach()))
    surrogate.requires_grad_(True)


def predicted_distances(
    surrogate: Surrogate,
    batch: SceneBatch,
    values: Tensor,
    distances: ReadingDistances,
) -> dict[int | None, Tensor]:
    """The distances that a batch of scenes with these values is predicted to have."""
    predicted = surrogate(batch, values)
    out: dict[int | None, Tensor] = {None: _scene_distance(surrogate, predicted, distances)}
    for place, one in distances.objects.items():
        out[place] = one.smoothed(*_mixture(surrogate, predicted, distances, batch, place))
    return out


def predicted_misfit(
    surrogate: Surrogate,
    batch: SceneBatch,
    values: Tensor,
    distances: ReadingDistances,
    trust: Trust | None = None,
    objects: Mapping[int, RunningMixture] | None = None,
    near: bool = False,
) -> Tensor:
    """What is descended on, in units of the logarithm of a likelihood: how improbable the target's
    readings are of a batch of scenes with these values.

    Readings of the scene move no labelled object, and those of objects move nothing else: the
    posterior is cut (Liu, Bayarri and Berger 2009). Where the surrogate is wrong about the light,
    cars would be moved to explain it.
    """
    of_object = surrogate.labelled[batch.node_class][:, None]
    at = values.detach().requires_grad_()
    with torch.enable_grad():
        of_scene, of_objects = predicted_misfits(
            surrogate, batch, at, distances, trust, objects, near
        )
        parts = [(~of_object, of_scene), (of_object, of_objects)]
        gradient = sum(
            torch.where(moved, torch.autograd.grad(part, at, retain_graph=True)[0], 0.0)
            for moved, part in parts
            if part.requires_grad
        )
    return (of_scene + of_objects).detach() + ((values - at.detach()) * gradient).sum()


def predicted_misfits(
    surrogate: Surrogate,
    batch: SceneBatch,
    values: Tensor,
    distances: ReadingDistances,
    trust: Trust | None = None,
    objects: Mapping[int, RunningMixture] | None = None,
    near: bool = False,
) -> tuple[Tensor, Tensor]:
    """The same of the scene's readings and of the objects', each as a function of all values.

    Args:
        objects: by a class's place, the likelihood with what it remembers of earlier batches; None:
            that of this batch alone.
        near: whether scenes are compared by their likelihood.
    """
    trust = trust or Trust()
    predicted = surrogate(batch, values)
    of_scene, of_objects = values.new_zeros(()), values.new_zeros(())
    columns = distances.compared
    if trust.scene and near:
        noise, spreads = surrogate.scene_noise, predicted.scene_spreads.detach()
        of_scene = trust.scene * distances.scene_likelihood(predicted.scene, noise, spreads)
    elif trust.scene:
        distance = _scene_distance(surrogate, predicted, distances)
        of_scene = trust.scene * LIKELIHOOD * distances.counts[None] * distance
    if trust.objects:
        for place, one in (objects or distances.likelihoods).items():
            means, counts, covariance, spreads = _mixture(
                surrogate, predicted, distances, batch, place
            )
            of_objects = of_objects + trust.objects * one(
                means[:, columns],
                counts,
                covariance[columns][:, columns],
                spreads[:, columns],
            )
            of_count = _count_misfit(counts.sum(), batch.num_graphs, distances, place)
            of_objects = of_objects + trust.objects * of_count
    return of_scene, of_objects


def _scene_distance(
    surrogate: Surrogate, predicted: PredictedReadings, distances: ReadingDistances
) -> Tensor:
    return distances.scene.smoothed(
        predicted.scene,
        torch.ones(len(predicted.scene)),
        surrogate.scene_noise,
        predicted.scene_spreads.detach(),
    )


def _count_misfit(expected: Tensor, scenes: int, distances: ReadingDistances, place: int) -> Tensor:
    """How improbable the number of a class's objects in the target is, of scenes in which so many
    are expected. A mixture says only where those are that are seen, so without it objects that fit
    badly would be moved out of sight."""
    pictures, count = distances.counts[None], max(distances.counts[place], 1e-9)
    apart = (expected / scenes * pictures / count).clamp_min(1e-9).log()
    variance = (1 + pictures / scenes) / count + COUNT_ERROR**2
    return apart.square() / (2 * variance)


def _mixture(
    surrogate: Surrogate,
    predicted: PredictedReadings,
    distances: ReadingDistances,
    batch: SceneBatch,
    place: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What is expected to be found and taken for a class: means, counts, covariance, spreads."""
    amounts = predicted.amounts[:, place]
    kept = amounts > LEAST_AMOUNT * amounts.max()
    others, counts = distances.mistaken.of_class(place)
    share = distances.mistaken_shares[place]
    # A fixed share: else all objects would be moved out of sight, and what is mistaken would
    # explain the target.
    mistaken = share / (1 - share) * amounts[kept].sum() * counts / counts.sum().clamp_min(1e-9)
    return (
        torch.cat([predicted.objects[kept], others]),
        torch.cat([amounts[kept], mistaken]),
        surrogate.object_noise[place],
        torch.cat(
            [predicted.object_spreads[kept].detach(), torch.full_like(others, MISTAKEN_SPREAD)]
        ),
    )


def within_range(distribution: AttributeDistribution, values: Tensor) -> Tensor:
    """Values as they are rendered, but for a little of what lies beyond the range."""
    clamped = values.clamp(0, 1)
    return torch.where(distribution.continuous, clamped + _LEAK * (values - clamped), values)
