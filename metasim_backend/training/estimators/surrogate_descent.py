"""Descent of the distance to a target's readings on a surrogate, at no render."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from metasim_backend.distances.mixture_likelihood import MixtureLikelihood, mixture_likelihood
from metasim_backend.distances.running_mixture import RunningMixture
from metasim_backend.distances.sliced_energy import SlicedEnergy, sliced_energy
from metasim_backend.distances.sliced_likelihood import SlicedLikelihood, sliced_likelihood
from metasim_backend.features.reader.readings import PLACES, Readings
from metasim_backend.grammar.encoded_scenes import EncodedScenes, SceneBatch
from metasim_backend.models.attribute_distribution import AttributeDistribution
from metasim_backend.models.distribution_transformer import DistributionTransformer
from metasim_backend.models.surrogate import PredictedReadings, Surrogate
from metasim_backend.training.estimators.pull import PullSettings, prior_deviations, pull
from metasim_backend.training.seeds import generator

SCENE_SLICES = 24
OBJECT_SLICES = 12
LEAST_OBJECTS = 8.0
"""Of a class in all of the target's pictures, below which it is not compared."""
LEAST_AMOUNT = 1e-3
"""Of a class at a node, as a share of the largest, below which it is left out."""
MISTAKEN_SPREAD = 0.1
MOST_MISTAKEN = 0.5
COUNT_ERROR = 0.1
"""By what share a grammar, or a surrogate, may be wrong about how many objects there are."""
LEAST_TRUST = 0.2
TRUSTED_ERROR = 25.0
"""Of a surrogate that is trusted fully, in units of the logarithm of a likelihood."""
MEMORY = 4.0
"""Batches that a mixture of objects is made of."""
_LEAK = 0.02  # of a value beyond its range: rendering clamps it, and it must find back
_LIKELIHOOD = math.sqrt(math.pi) / 2  # of N δ² / 2, where the energy distance is δ² / √π


@dataclass(frozen=True)
class Trust:
    """What a likelihood counts where a surrogate is not exact: its error must not look like
    something that an attribute nobody can read might explain.

    Attributes:
        scene: of readings of the scene.
        objects: of readings of objects.
    """

    scene: float = 1.0
    objects: float = 1.0


def trusted(error: float) -> float:
    """What a likelihood counts where a surrogate is wrong by so much, in the same units."""
    return min(max(TRUSTED_ERROR / max(error, 1e-9), LEAST_TRUST), 1.0)


SCENE, OBJECTS = Trust(1.0, 0.0), Trust(0.0, 1.0)
"""One of both alone."""


@dataclass(frozen=True, eq=False)
class ReadingDistances:
    """What readings are compared with.

    Attributes:
        scene: distance of the scenes' readings.
        scene_likelihood: their likelihood, for a generator that is near.
        objects: by a class's place, distance of its objects' readings.
        compared: the places of an object's numbers that a likelihood is of; others would only
            thin the mixture.
        likelihoods: by a class's place, the likelihood of its objects.
        counts: how many samples the target has: pictures (None), and by class objects.
        mistaken: what is found in renders and is no labelled object; no scene graph tells of it, so
            it is taken as it was found.
        mistaken_shares: by a class's place, its share of what is found in renders.
    """

    scene: SlicedEnergy
    scene_likelihood: SlicedLikelihood
    objects: Mapping[int, SlicedEnergy]
    compared: Sequence[int]
    likelihoods: Mapping[int, MixtureLikelihood]
    counts: Mapping[int | None, float]
    mistaken: Readings
    mistaken_shares: Mapping[int, float]

    def of(self, readings: Readings) -> dict[int | None, float]:
        """The true distances of readings of renders: of scenes (None), and by class."""
        out: dict[int | None, float] = {None: float(self.scene(readings.scene))}
        return out | {k: float(one(*readings.of_class(k))) for k, one in self.objects.items()}

    def for_counts(self, counts: Mapping[int | None, float]) -> ReadingDistances:
        """The same for a target with as many pictures and objects of each class as given."""
        return replace(
            self,
            scene_likelihood=replace(
                self.scene_likelihood, count=counts.get(None, 0.0) / self.counts[None]
            ),
            counts={k: counts.get(k, 0.0) for k in self.counts},
            likelihoods={
                k: replace(one, counts=one.counts * (counts.get(k, 0.0) / self.counts[k]))
                for k, one in self.likelihoods.items()
            },
        )

    def by_chance(self, trust: Trust | None = None) -> float:
        """What :meth:`likelihood` is expected to be for samples of the target's own distribution:
        about 1 for each dimension."""
        trust = trust or Trust()
        objects = sum(float(one.weights.sum()) for one in self.objects.values())
        return trust.scene * float(self.scene.weights.sum()) + trust.objects * objects

    def likelihood(
        self, distances: Mapping[int | None, Tensor | float], trust: Trust | None = None
    ) -> Tensor | float:
        """Distances in units of the logarithm of a likelihood, added up."""
        trust = trust or Trust()
        return sum(
            (trust.scene if k is None else trust.objects) * _LIKELIHOOD * self.counts[k] * one
            for k, one in distances.items()
        )


def reading_distances(
    target: Readings,
    reference: Readings,
    source: torch.Generator,
    compared: Sequence[int] | None = None,
) -> ReadingDistances:
    """The distances to a target.

    Args:
        reference: of renders, which help to scale the distances and tell what is found where there
            is nothing.
        compared: the places of the numbers that objects' likelihoods are of; None: all but those
            of their boxes, which are read to a hundredth and fixed by the others.
    """
    objects = torch.cat([target.objects, reference.objects])
    columns = list(range(objects.shape[1] - PLACES) if compared is None else compared)
    expected = torch.cov(objects.T) if len(objects) > 1 else None
    mistaken = reference.unowned
    of_objects: dict[int, SlicedEnergy] = {}
    shares: dict[int, float] = {}
    likelihoods: dict[int, MixtureLikelihood] = {}
    counts: dict[int | None, float] = {None: float(len(target))}
    for place in range(target.shares.shape[1]):
        own, weights = target.of_class(place)
        others, other_weights = reference.of_class(place)
        count = float(weights.sum())
        if count >= LEAST_OBJECTS and len(others):
            of_objects[place] = sliced_energy(
                own, others, OBJECT_SLICES, source, weights, other_weights, expected
            )
            likelihoods[place] = mixture_likelihood(own[:, columns], weights, objects[:, columns])
            counts[place] = count
            share = mistaken.of_class(place)[1].sum() / other_weights.sum()
            shares[place] = min(float(share), MOST_MISTAKEN)
    of_scenes = sliced_energy(target.scene, reference.scene, SCENE_SLICES, source)
    return ReadingDistances(
        of_scenes,
        sliced_likelihood(of_scenes, target.scene),
        of_objects,
        columns,
        likelihoods,
        counts,
        mistaken,
        shares,
    )


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
        of_scene = trust.scene * _LIKELIHOOD * distances.counts[None] * distance
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
