"""Mean and spread of a sample, by the kind of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metasim_backend.statistics.circular import circular_mean, circular_standard_deviation
from metasim_backend.statistics.histograms import shares

KINDS = ("continuous", "circular", "categorical")


@dataclass(frozen=True)
class Moments:
    """Where a sample lies and how wide it is.

    Attributes:
        mean: the mean; the circular mean, in (-period/2, period/2]; the most frequent category.
        spread: the standard deviation, of the sample itself (divided by n); the circular one,
            sqrt(-2 ln R), in the period's unit; for categories the chance that two draws differ,
            1 - sum p² (Gini and Simpson).
        count: how many values.
    """

    mean: float | str
    spread: float
    count: int


def moments(kind: str, values: Sequence[Any], period: float | None = None) -> Moments | None:
    """Mean and spread of a sample, or None when it is empty.

    Args:
        kind: ``"continuous"``, ``"circular"`` or ``"categorical"``.
        period: needed by circular ones.
    """
    if len(values) == 0:
        return None
    if kind == "categorical":
        share = shares(values)
        first = max(map(str, values), key=share.__getitem__)
        return Moments(first, float(1 - sum(p**2 for p in share.values())), len(values))
    array = np.asarray(values, float)
    if kind == "circular":
        if period is None:
            raise ValueError("A circular attribute needs its period; give one.")
        mean = circular_mean(array, period)
        return Moments(mean, circular_standard_deviation(array, period), array.size)
    return Moments(float(array.mean()), float(array.std()), array.size)


def mean_distance(kind: str, first: Moments, second: Moments, period: float | None) -> float | None:
    """How far apart two means are, the short way round a circle; None for categories."""
    if isinstance(first.mean, str) or isinstance(second.mean, str):
        return None
    distance = abs(first.mean - second.mean)
    if kind == "circular" and period is not None:
        distance = min(distance % period, period - distance % period)
    return distance
