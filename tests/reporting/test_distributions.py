"""Means, spreads and distances against scipy and against closed forms."""

import numpy as np
import pytest
from scipy import optimize, stats

from metasim_backend.reporting.distributions import (
    circular_mean,
    circular_spread,
    mean_distance,
    moments,
    wasserstein,
)


def test_the_circular_mean_of_values_round_the_wrap_lies_between_them():
    assert circular_mean([359, 1], 360) == pytest.approx(0, abs=1e-9)
    assert circular_mean([350, 20], 360) == pytest.approx(5)
    assert abs(circular_mean([170, 190], 360)) == pytest.approx(180)


@pytest.mark.parametrize("shift", [0.0, 90.0, 179.0, 355.0])
def test_circular_mean_and_spread_agree_with_scipy(shift):
    values = (np.random.default_rng(3).normal(shift, 25, 500)) % 360
    expected = stats.circmean(values, 360)
    assert (circular_mean(values, 360) - expected + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
    assert circular_spread(values, 360) == pytest.approx(stats.circstd(values, 360), rel=1e-6)


def test_the_circular_spread_of_a_narrow_sample_is_its_standard_deviation():
    values = np.random.default_rng(0).normal(0, 2, 4000)
    assert circular_spread(values % 360, 360) == pytest.approx(values.std(), rel=2e-3)


def test_the_circular_spread_stays_finite_when_the_mean_vector_vanishes():
    assert np.isfinite(circular_spread([0, 90, 180, 270], 360))
    assert circular_spread([17.0], 360) == 0


def test_distance_on_the_line_agrees_with_scipy():
    random = np.random.default_rng(1)
    for _ in range(20):
        a, b = random.normal(0, 2, random.integers(1, 50)), random.normal(1, 1, 33)
        expected = stats.wasserstein_distance(a, b)
        assert wasserstein("continuous", a, b) == pytest.approx(expected, rel=1e-9)


def test_distance_on_the_circle_agrees_with_the_cheapest_pairing():
    random = np.random.default_rng(2)
    for _ in range(20):
        a, b = random.uniform(0, 360, 12), random.normal(355, 40, 12) % 360
        gap = np.abs(a[:, None] - b[None])
        cost = np.minimum(gap, 360 - gap)
        pairs = optimize.linear_sum_assignment(cost)
        assert wasserstein("circular", a, b, 360) == pytest.approx(cost[pairs].mean(), rel=1e-9)


def test_distance_on_the_circle_goes_the_short_way_and_ignores_whole_turns():
    assert wasserstein("circular", [359.0], [1.0], 360) == pytest.approx(2)
    assert wasserstein("circular", [-1.0, 721.0], [359.0, 1.0], 360) == pytest.approx(0, abs=1e-9)


def test_distance_between_categories_is_total_variation():
    assert wasserstein("categorical", ["a", "a", "b", "b"], ["a", "c"]) == pytest.approx(0.5)
    assert wasserstein("categorical", ["a"], ["b"]) == 1
    assert wasserstein("categorical", ["a", "b"], ["b", "a"]) == 0


def test_an_empty_sample_has_neither_moments_nor_distance():
    assert moments("continuous", []) is None
    assert wasserstein("continuous", [], [1.0]) is None


def test_the_distance_of_means_goes_the_short_way_round():
    first, second = moments("circular", [350.0], 360), moments("circular", [10.0], 360)
    assert mean_distance("circular", first, second, 360) == pytest.approx(20)


def test_the_mix_of_categories_is_the_chance_that_two_draws_differ():
    found = moments("categorical", ["a", "a", "b", "c"])
    assert found.mean == "a"
    assert found.spread == pytest.approx(1 - (0.25 + 2 * 0.0625))
