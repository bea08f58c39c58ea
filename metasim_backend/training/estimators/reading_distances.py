"""What a target's readings are compared with, and how much of it is believed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from metasim_backend.distances.mixture_likelihood import MixtureLikelihood, mixture_likelihood
from metasim_backend.distances.sliced_energy import SlicedEnergy, sliced_energy
from metasim_backend.distances.sliced_likelihood import SlicedLikelihood, sliced_likelihood
from metasim_backend.features.reader.readings import PLACES, Readings

SCENE_SLICES = 24
OBJECT_SLICES = 12
LEAST_OBJECTS = 8.0
"""Of a class in all of the target's pictures, below which it is not compared."""
MOST_MISTAKEN = 0.5
LEAST_TRUST = 0.2
TRUSTED_ERROR = 25.0
"""Of a surrogate that is trusted fully, in units of the logarithm of a likelihood."""
LIKELIHOOD = math.sqrt(math.pi) / 2
"""Of N δ² / 2, where the energy distance is δ² / √π."""


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
            (trust.scene if k is None else trust.objects) * LIKELIHOOD * self.counts[k] * one
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
