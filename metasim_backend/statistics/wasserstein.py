"""Wasserstein-1 distances between two samples: on a line, on a circle, between categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metasim_backend.statistics.arrays import Array, Numbers
from metasim_backend.statistics.histograms import shares, total_variation


def wasserstein_on_line(first: Numbers, second: Numbers) -> float:
    r"""The area :math:`\int |F - G|` between the distribution functions, in the values' unit."""
    widths, gap = _steps(np.asarray(first, float), np.asarray(second, float))
    return float((np.abs(gap) * widths).sum())


def wasserstein_on_circle(first: Numbers, second: Numbers, period: float) -> float:
    r"""The least :math:`\int |F - G - c|` over constants c, in the values' unit.

    The least is at a median of F - G (Rabin, Delon and Gousseau, Transportation Distances on the
    Circle, Journal of Mathematical Imaging and Vision 41, 2011). Experiments up to version 0.1.0
    took the distance on a line that was cut opposite to the target's mean, which is never less.
    """
    a, b = np.asarray(first, float) % period, np.asarray(second, float) % period
    widths, gap = _steps(a, b)
    # From the last point across the wrap to the first both distributions stand at 1.
    widths = np.append(widths, period - widths.sum())
    gap = np.append(gap, 0.0)
    return float((np.abs(gap - _weighted_median(gap, widths)) * widths).sum())


def wasserstein(
    kind: str, first: Sequence[Any], second: Sequence[Any], period: float | None = None
) -> float | None:
    """By the kind of values; None when a sample is empty.

    Args:
        kind: ``"continuous"``, ``"circular"``, or ``"categorical"``, where any two categories are
            1 apart: then it is the total variation of the shares.
        period: needed by circular ones.
    """
    if len(first) == 0 or len(second) == 0:
        return None
    if kind == "categorical":
        return total_variation(shares(first), shares(second))
    if kind == "circular":
        if period is None:
            raise ValueError("A circular attribute needs its period; give one.")
        return wasserstein_on_circle(first, second, period)
    return wasserstein_on_line(first, second)


def _steps(a: Array, b: Array) -> tuple[Array, Array]:
    """[N + M - 1] widths between neighbouring points of both samples, and F - G there."""
    points = np.sort(np.concatenate([a, b]))
    share_a, share_b = (
        np.searchsorted(np.sort(sample), points[:-1], "right") / sample.size for sample in (a, b)
    )
    return np.diff(points), share_a - share_b


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
