"""Whether a hidden attribute is another than the prior's, or only looks so in few values."""

from __future__ import annotations

import math

LEAST_DIFFERENCE = 0.25
"""Of a distance, as a share of the truth's standard deviation."""
BY_CHANCE = 2.0
"""Of the distance of n values from as many others of the same distribution, in 1/√n of its
deviation; for normal values it is 1.8 in the mean."""


def differs(distance: float, deviation: float, count: int) -> bool:
    """Whether a Wasserstein-1 distance between samples of prior and truth says that they differ.

    Args:
        distance: in the attribute's unit.
        deviation: the truth's.
        count: how many values the smaller sample has.
    """
    return count > 0 and distance > (LEAST_DIFFERENCE + BY_CHANCE / math.sqrt(count)) * deviation
