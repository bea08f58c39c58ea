"""Distributions of one attribute: mean, spread and distance, circular and categorical ones too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

KINDS = ("continuous", "circular", "categorical")


@dataclass(frozen=True)
class Moments:
    """Where a sample lies and how wide it is.

    Attributes:
        mean: the mean; the circular mean, in (-period/2, period/2]; the most frequent category.
        spread: the standard deviation; the circular one, sqrt(-2 ln R), in the period's unit;
            for categories the chance that two draws differ, 1 - sum p².
        count: how many values.
    """

    mean: float | str
    spread: float
    count: int


def circular_mean(values: Sequence[float] | np.ndarray, period: float) -> float:
    """Direction of the mean vector, in (-period/2, period/2]."""
    angle = _angles(values, period)
    return float(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()) / (2 * np.pi) * period)


def circular_spread(values: Sequence[float] | np.ndarray, period: float) -> float:
    """Circular standard deviation sqrt(-2 ln R), R the mean vector's length; in values' unit.

    Equals the ordinary one for narrow samples and goes to infinity for uniform ones, where it is
    cut at the value for R = 1 / sqrt(n), what n uniform draws have by chance.
    """
    angle = _angles(values, period)
    length = float(np.hypot(np.sin(angle).mean(), np.cos(angle).mean()))
    length = min(max(length, angle.size**-0.5 if angle.size > 1 else 1.0), 1.0)
    return float(np.sqrt(max(-2 * np.log(length), 0.0)) / (2 * np.pi) * period)


def moments(kind: str, values: Sequence, period: float | None = None) -> Moments | None:
    """Mean and spread of a sample, or None when it is empty.

    Args:
        kind: ``"continuous"``, ``"circular"`` or ``"categorical"``.
        period: needed by circular ones.
    """
    if len(values) == 0:
        return None
    if kind == "categorical":
        counts = Counter(str(value) for value in values)
        shares = np.array(list(counts.values())) / len(values)
        return Moments(counts.most_common(1)[0][0], float(1 - (shares**2).sum()), len(values))
    array = np.asarray(values, float)
    if kind == "circular":
        if period is None:
            raise ValueError("A circular attribute needs its period; give one.")
        return Moments(circular_mean(array, period), circular_spread(array, period), array.size)
    return Moments(float(array.mean()), float(array.std()), array.size)


def wasserstein(
    kind: str, first: Sequence, second: Sequence, period: float | None = None
) -> float | None:
    r"""Wasserstein-1 distance between two samples, or None when one is empty.

    On the line :math:`\int |F - G|`. On a circle the same with the constant that makes it least,
    a median of F - G (Rabin, Delon and Gousseau, 2011). Between categories, any two 1 apart, it
    is the total variation distance, half the sum of the differences of the shares.
    """
    if len(first) == 0 or len(second) == 0:
        return None
    if kind == "categorical":
        one, two = Counter(map(str, first)), Counter(map(str, second))
        names = sorted(set(one) | set(two))
        return float(
            sum(abs(one[name] / len(first) - two[name] / len(second)) for name in names) / 2
        )
    a, b = np.asarray(first, float), np.asarray(second, float)
    if kind == "circular":
        if period is None:
            raise ValueError("A circular attribute needs its period; give one.")
        a, b = a % period, b % period
    points = np.concatenate([a, b])
    points.sort()
    widths = np.diff(points)
    gap = (
        np.searchsorted(np.sort(a), points[:-1], "right") / a.size
        - np.searchsorted(np.sort(b), points[:-1], "right") / b.size
    )
    if kind == "circular":
        # From the last point across the wrap to the first both distributions stand at 1.
        widths = np.append(widths, period - points[-1] + points[0])
        gap = np.append(gap, 0.0)
        gap = gap - _weighted_median(gap, widths)
    return float((np.abs(gap) * widths).sum())


def mean_distance(kind: str, first: Moments, second: Moments, period: float | None) -> float | None:
    """How far apart two means are, the short way round a circle; None for categories."""
    if isinstance(first.mean, str) or isinstance(second.mean, str):
        return None
    distance = abs(first.mean - second.mean)
    if kind == "circular" and period is not None:
        distance = min(distance % period, period - distance % period)
    return distance


def _angles(values: Sequence[float] | np.ndarray, period: float) -> np.ndarray:
    return np.asarray(values, float) * (2 * np.pi / period)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
