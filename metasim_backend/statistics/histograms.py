"""Histograms as shares by value, and how far two of them lie apart.

The distance is total variation, half the sum of the differences of the shares: 0 for equal
histograms, 1 for ones without a common value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from metasim_backend.statistics.arrays import Array, Numbers

Histogram = dict[str, float]


class StatisticsError(ValueError):
    """A sample that has no such statistic; one sentence."""


def value_order(value: str) -> tuple[int, int, str]:
    """A key to sort by: whole numbers first and by size, other values by name."""
    return (0, int(value), value) if value.isdigit() else (1, 0, value)


def shares(values: Iterable[object]) -> Histogram:
    """Each value's share, as text and in order; empty when there is no value."""
    counts = Counter(map(str, values))
    total = counts.total()
    return {value: counts[value] / total for value in sorted(counts, key=value_order)}


def count_shares(counts: Array, most: int | None = None) -> Array:
    """[K]: the shares of 0, 1, 2, ... in [N] whole numbers, N >= 1.

    Args:
        most: the largest number that has a place at least; None: the largest that there is.
    """
    shares: Array = np.bincount(counts, minlength=0 if most is None else most + 1) / len(counts)
    return shares


def mean_shares(histograms: Sequence[Mapping[str, float]]) -> Histogram:
    """The mean of histograms, each of which counts alike; a value that one lacks is 0 in it."""
    values = sorted({value for one in histograms for value in one}, key=value_order)
    return {v: sum(one.get(v, 0.0) for one in histograms) / len(histograms) for v in values}


def total_variation(
    first: Mapping[str, float] | Numbers, second: Mapping[str, float] | Numbers
) -> float:
    """½ Σ |p - q| of shares by value, or of the shares of 0, 1, 2, ... .

    Raises:
        StatisticsError: when one of them is empty.
    """
    p, q = _by_value(first), _by_value(second)
    if not p or not q:
        raise StatisticsError("An empty histogram has no distance; no scene had such a value.")
    return float(sum(abs(p.get(name, 0.0) - q.get(name, 0.0)) for name in {**p, **q}) / 2)


def _by_value(histogram: Mapping[str, float] | Numbers) -> Mapping[str, float]:
    if isinstance(histogram, Mapping):
        return histogram
    return {str(count): float(share) for count, share in enumerate(histogram)}
