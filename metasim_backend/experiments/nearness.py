"""How near a learned distribution of numbers is to the target's, against the prior's."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from metasim_backend.statistics.arrays import Numbers
from metasim_backend.statistics.circular import (
    circular_mean,
    circular_standard_deviation,
    unrolled,
)
from metasim_backend.statistics.wasserstein import wasserstein_on_circle, wasserstein_on_line

ROUND_THE_CIRCLE = "mean direction, sqrt(-2 ln R), Wasserstein-1 on the circle"
CUT_OPEN = "all on a line that is cut opposite to the target's mean"
"""What results up to version 0.1.0, which name no definition, were made with."""


@dataclass(frozen=True)
class Nearness:
    """One attribute's learned distribution against the target's.

    Attributes:
        prior, learned, target: (mean, standard deviation); circular means of one turn, that which
            is nearest to the target's mean.
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
        """|learned deviation / target deviation - 1|; None for a target that does not vary."""
        return abs(self.learned[1] / self.target[1] - 1) if self.target[1] > 1e-9 else None

    def to_dict(self) -> dict:
        """As JSON; a circular attribute names its ``definition``."""
        shares = {"w1_share": self.w1_share, "spread_error": self.spread_error}
        return asdict(self) | shares | ({"definition": ROUND_THE_CIRCLE} if self.period else {})


def nearness(
    prior: Numbers, learned: Numbers, target: Numbers, period: float | None = None
) -> Nearness:
    """Compare [N], [M] and [K] numbers drawn from three distributions."""
    if period:
        centre = circular_mean(target, period)
        moments = [
            (
                float(unrolled([circular_mean(values, period)], period, centre)[0]),
                circular_standard_deviation(values, period),
            )
            for values in (prior, learned, target)
        ]
        w1 = [wasserstein_on_circle(values, target, period) for values in (prior, learned)]
    else:
        moments = [(float(np.mean(v)), float(np.std(v))) for v in (prior, learned, target)]
        w1 = [wasserstein_on_line(values, target) for values in (prior, learned)]
    return Nearness(moments[0], moments[1], moments[2], w1[0], w1[1], period)
