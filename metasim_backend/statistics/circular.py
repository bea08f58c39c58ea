"""Samples on a circle: mean direction, circular standard deviation, and values laid on a line.

Definitions after Mardia and Jupp, Directional Statistics (2000), sections 2.2 and 2.3. With R the
length of the mean vector of the angles, the standard deviation is sqrt(-2 ln R): that of a wrapped
normal is its sigma, however wide it is. Experiments up to version 0.1.0 took the ordinary deviation
of values that were cut open opposite to the target's mean, which never passes 104 of 360 degrees.
Results of samples that are wide, or far from the target's mean, therefore changed.
"""

from __future__ import annotations

import numpy as np

from metasim_backend.statistics.arrays import Array, Numbers


def circular_mean(values: Numbers, period: float) -> float:
    """Direction of the mean vector, in (-period/2, period/2]."""
    angle = _angles(values, period)
    return float(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()) / (2 * np.pi) * period)


def circular_standard_deviation(values: Numbers, period: float) -> float:
    """sqrt(-2 ln R), in the unit of the values.

    It equals the ordinary deviation of narrow samples and has no bound. A uniform sample's is cut
    at the value for R = 1 / sqrt(n), which n uniform draws have by chance, so that it is finite.
    """
    angle = _angles(values, period)
    offset = angle - np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())
    # 1 - R as a sum of small positive terms: R itself has lost the digits of a narrow sample.
    missing = min(float(2 * (np.sin(offset / 2) ** 2).mean()), 1 - angle.size**-0.5)
    return float(np.sqrt(-2 * np.log1p(-missing)) / (2 * np.pi) * period)


def unrolled(values: Numbers, period: float, centre: float) -> Array:
    """[N]: values of a circle on a line, each within half a period of the centre."""
    offset: Array = np.asarray(values, float) - centre
    line: Array = centre + offset - period * np.round(offset / period)
    return line


def _angles(values: Numbers, period: float) -> Array:
    return np.asarray(values, float) * (2 * np.pi / period)
