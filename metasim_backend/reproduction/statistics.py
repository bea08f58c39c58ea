"""Means with intervals over seeds, and how near one distribution of numbers is to another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Numbers = Sequence[float] | np.ndarray

# Student's t, two-sided 95 %, by degrees of freedom (1 to 30).
_T95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


def mean_interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and half width of its 95 % interval by Student's t; None for fewer than two values."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean, _T95[min(len(values) - 2, len(_T95) - 1)] * error


def wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    """W1 of two sets of numbers: the area between their distribution functions."""
    a, b = np.sort(np.asarray(a, float)), np.sort(np.asarray(b, float))
    places = np.sort(np.concatenate([a, b]))
    share_a = np.searchsorted(a, places[:-1], side="right") / len(a)
    share_b = np.searchsorted(b, places[:-1], side="right") / len(b)
    return float(np.sum(np.abs(share_a - share_b) * np.diff(places)))


def unrolled(values: Numbers, period: float, centre: float) -> np.ndarray:
    """Values of a circular attribute on a line, each within half a period of the centre."""
    offset = np.asarray(values, float) - centre
    return centre + offset - period * np.round(offset / period)


def circular_mean(values: Numbers, period: float) -> float:
    """Direction of the mean vector, in [0, period)."""
    angle = 2 * math.pi * np.asarray(values, float) / period
    mean = math.atan2(float(np.sin(angle).mean()), float(np.cos(angle).mean()))
    return mean / (2 * math.pi) * period % period


@dataclass(frozen=True)
class Nearness:
    """One attribute's learned distribution against the target's.

    Attributes:
        prior, learned, target: (mean, standard deviation).
        w1_prior, w1_learned: distances to the target.
        period: of a circular attribute.
    """

    prior: tuple[float, float]
    learned: tuple[float, float]
    target: tuple[float, float]
    w1_prior: float
    w1_learned: float
    period: float | None = None

    @property
    def w1_share(self) -> float:
        """W1 of the learned as a share of the prior's."""
        return self.w1_learned / self.w1_prior if self.w1_prior > 0 else math.inf

    @property
    def spread_error(self) -> float | None:
        """|learned spread / target spread - 1|; None for a target without spread."""
        return abs(self.learned[1] / self.target[1] - 1) if self.target[1] > 1e-9 else None

    def to_dict(self) -> dict:
        return {
            "prior": self.prior,
            "learned": self.learned,
            "target": self.target,
            "w1_prior": self.w1_prior,
            "w1_learned": self.w1_learned,
            "w1_share": self.w1_share,
            "spread_error": self.spread_error,
            "period": self.period,
        }


def nearness(
    prior: Numbers,
    learned: Numbers,
    target: Numbers,
    period: float | None = None,
) -> Nearness:
    """Compare numbers drawn from three distributions; circular ones round the target's mean."""
    if period:
        centre = circular_mean(target, period)
        p, q, t = (unrolled(v, period, centre) for v in (prior, learned, target))
    else:
        p, q, t = (np.asarray(v, float) for v in (prior, learned, target))
    moments = [(float(v.mean()), float(v.std())) for v in (p, q, t)]
    return Nearness(
        moments[0], moments[1], moments[2], wasserstein(p, t), wasserstein(q, t), period
    )
