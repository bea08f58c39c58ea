"""Descent of the distance to a target's readings on a surrogate, at no render."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from metasim_backend.distances.sliced_energy import SlicedEnergy, sliced_energy
from metasim_backend.features.reader.readings import Readings
from metasim_backend.grammar.encoded_scenes import EncodedScenes, SceneBatch
from metasim_backend.models.attribute_distribution import AttributeDistribution
from metasim_backend.models.distribution_transformer import DistributionTransformer
from metasim_backend.models.surrogate import Surrogate
from metasim_backend.training.estimators.pull import PullSettings, pull
from metasim_backend.training.seeds import generator

SCENE_SLICES = 24
CELL_SLICES = 12
LEAST_OBJECTS = 8.0
"""Of a class in all of the target's pictures, below which it is not compared."""
LEAST_AMOUNT = 1e-3
"""Of a class's cells at a node, as a share of the largest, below which it is left out."""
_LEAK = 0.02  # of a value beyond its range: rendering clamps it, and it must find back
_LIKELIHOOD = math.sqrt(math.pi) / 2  # of N δ² / 2, where the energy distance is δ² / √π


@dataclass(frozen=True, eq=False)
class ReadingDistances:
    """What readings are compared with.

    Attributes:
        scene: distance of the scenes' readings.
        cells: by a class's place, distance of its objects' readings.
        counts: how many independent samples the target has: pictures (None), and by class
            objects, of which one with many cells counts like several with few.
    """

    scene: SlicedEnergy
    cells: Mapping[int, SlicedEnergy]
    counts: Mapping[int | None, float]

    def of(self, readings: Readings) -> dict[int | None, float]:
        """The true distances of readings of renders: of scenes (None), and by class."""
        out: dict[int | None, float] = {None: float(self.scene(readings.scene))}
        return out | {k: float(one(*readings.of_class(k))) for k, one in self.cells.items()}

    @property
    def by_chance(self) -> float:
        """What :meth:`likelihood` is expected to be for samples of the target's own distribution:
        about 1 for each dimension."""
        return sum(float(one.weights.sum()) for one in (self.scene, *self.cells.values()))

    def likelihood(self, distances: Mapping[int | None, Tensor | float]) -> Tensor | float:
        """Distances in units of the logarithm of a likelihood, added up."""
        return sum(_LIKELIHOOD * self.counts[k] * one for k, one in distances.items())


def reading_distances(
    target: Readings, reference: Readings, cells_an_object: Tensor, source: torch.Generator
) -> ReadingDistances:
    """The distances to a target.

    Args:
        reference: of renders, which help to scale the distances.
        cells_an_object: [K], how many cells an object of a class has, in the mean over cells.
    """
    cells: dict[int, SlicedEnergy] = {}
    counts: dict[int | None, float] = {None: float(len(target))}
    for place in range(target.shares.shape[1]):
        own, weights = target.of_class(place)
        others, other_weights = reference.of_class(place)
        objects = float(weights.sum() / cells_an_object[place].clamp_min(1))
        if objects >= LEAST_OBJECTS and len(others):
            cells[place] = sliced_energy(own, others, CELL_SLICES, source, weights, other_weights)
            counts[place] = objects
    return ReadingDistances(
        sliced_energy(target.scene, reference.scene, SCENE_SLICES, source), cells, counts
    )


@dataclass(frozen=True)
class DescentSettings:
    """How matching descends on the surrogate.

    Attributes:
        steps: of Adam.
        batch: scenes a step.
        learning_rate: falls to a twentieth along a half cosine.
        trust: what a likelihood counts, as the surrogate is not exact: its error must not look like
            something that an attribute nobody can read might explain.
    """

    steps: int = 300
    batch: int = 160
    learning_rate: float = 1.5e-2
    trust: float = 1.0


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
    readable: Tensor | None = None,
) -> None:
    """Change the transformer so that what the surrogate predicts of its scenes is like the target.

    Args:
        scenes: proposals of the prior, drawn from again and again.
        turn: of the round, for the draws.
        progress: called with the step (from 1) and the loss.
        readable: [numeric slots] bool, as for :func:`pull`.
    """
    parameters = [p for p in transformer.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, settings.learning_rate)
    source = generator(seed, "surrogate-descent", turn)
    surrogate.requires_grad_(False)
    for step in range(settings.steps):
        rate = 0.05 + 0.475 * (1 + math.cos(math.pi * step / settings.steps))
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * rate
        rows = torch.randint(len(scenes), (settings.batch,), generator=source)
        batch = scenes.batch(rows)
        changes = transformer.changes(batch)
        distribution = transformer.changed(batch, changes)
        values = within_range(distribution, distribution.rsample(source))
        predicted = predicted_distances(surrogate, batch, values, distances)
        likelihood = settings.trust * distances.likelihood(predicted)
        loss = likelihood + pull(transformer, batch, changes, held, readable)
        optimiser.zero_grad()
        loss.backward()
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
    scene, amounts, cells = surrogate(batch, values)
    even = torch.ones(len(scene))
    out: dict[int | None, Tensor] = {
        None: distances.scene.smoothed(scene, even, surrogate.scene_noise)
    }
    for place, one in distances.cells.items():
        of_class = amounts[:, place]
        kept = of_class > LEAST_AMOUNT * of_class.max()
        out[place] = one.smoothed(cells[kept], of_class[kept], surrogate.cell_noise[place])
    return out


def within_range(distribution: AttributeDistribution, values: Tensor) -> Tensor:
    """Values as they are rendered, but for a little of what lies beyond the range."""
    clamped = values.clamp(0, 1)
    return torch.where(distribution.continuous, clamped + _LEAK * (values - clamped), values)
