"""What counts as a difference between prior and truth, against drawn samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from metasim_backend.statistics.differences import BY_CHANCE, differs


@pytest.mark.parametrize("count", [25, 200, 1000])
def test_samples_of_one_distribution_rarely_differ_and_moved_ones_do(count):
    source = np.random.default_rng(count)
    equal = source.normal(3, 2, (2, 300, count))
    distances = [wasserstein_distance(*pair) for pair in zip(*equal, strict=True)]
    assert np.mean([differs(distance, 2.0, count) for distance in distances]) < 0.05
    by_chance = np.mean(distances) / 2.0 * np.sqrt(count)
    assert 1.6 < by_chance < BY_CHANCE  # as the constant's words say
    moved = [wasserstein_distance(one, other + 2.0) for one, other in zip(*equal, strict=True)]
    assert np.mean([differs(distance, 2.0, count) for distance in moved]) > 0.8


def test_nothing_is_said_of_no_values():
    assert not differs(5.0, 1.0, 0)
