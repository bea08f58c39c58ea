"""Intervals and distances over seeds, held against scipy and against what circles must give."""

import numpy as np
import pytest
from scipy import stats

from metasim_backend.reproduction.statistics import (
    circular_mean,
    mean_interval,
    nearness,
    unrolled,
    wasserstein,
)


@pytest.mark.parametrize(("many", "more"), [(7, 7), (40, 13), (1, 5), (300, 4000)])
def test_wasserstein_is_scipys(many, more):
    random = np.random.default_rng(many)
    a, b = random.normal(3, 2, many), random.gamma(2, 3, more)
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9)


def test_wasserstein_with_ties_is_scipys_and_that_of_a_set_to_itself_is_0():
    a, b = [1.0, 1.0, 2.0, 5.0], [1.0, 2.0, 2.0]
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b))
    assert wasserstein(a, a[::-1]) == 0


def test_wasserstein_of_a_shift_is_the_shift():
    a = np.random.default_rng(0).normal(size=100)
    assert wasserstein(a, a + 2.5) == pytest.approx(2.5)


@pytest.mark.parametrize("count", [2, 3, 5, 10, 31])
def test_half_widths_are_students(count):
    values = np.random.default_rng(count).normal(99, 0.1, count)
    mean, half = mean_interval(values)
    low, high = stats.t.interval(0.95, count - 1, loc=mean, scale=stats.sem(values))
    assert mean == pytest.approx(values.mean())
    assert half == pytest.approx((high - low) / 2, rel=3e-4)


def test_an_interval_of_more_values_than_the_table_has_is_not_too_narrow():
    values = np.random.default_rng(0).normal(size=80)
    mean, half = mean_interval(values)
    low, high = stats.t.interval(0.95, 79, loc=mean, scale=stats.sem(values))
    assert (high - low) / 2 <= half <= 1.05 * (high - low) / 2


def test_one_value_has_no_interval():
    assert mean_interval([99.0]) == (99.0, None)


def test_circular_means_are_scipys_and_cross_the_seam():
    random = np.random.default_rng(4)
    for centre in (0.0, 90.0, 359.0):
        values = random.normal(centre, 20, 500) % 360
        found = circular_mean(values, 360.0)
        assert found == pytest.approx(stats.circmean(values, high=360.0), abs=1e-6)
    assert unrolled([circular_mean([350.0, 10.0], 360.0)], 360.0, 0.0)[0] == pytest.approx(0)


def test_unrolled_values_lie_within_half_a_period_and_stay_the_same_angles():
    values = np.random.default_rng(5).uniform(-1000, 1000, 200)
    line = unrolled(values, 180.0, 90.0)
    assert np.abs(line - 90).max() <= 90
    turns = (line - values) / 180
    assert np.allclose(turns, np.round(turns))


def test_a_circular_attribute_is_compared_the_short_way_round():
    random = np.random.default_rng(6)
    target = random.normal(0, 5, 4000) % 360
    learned = random.normal(1, 5, 4000) % 360
    prior = random.normal(30, 5, 4000) % 360
    found = nearness(prior, learned, target, 360.0)
    assert found.w1_prior == pytest.approx(30, abs=0.5)
    assert found.w1_learned == pytest.approx(1, abs=0.4)
    assert found.w1_share == pytest.approx(1 / 30, abs=0.015)
    assert found.target[1] == pytest.approx(5, rel=0.05)
    assert found.spread_error == pytest.approx(0, abs=0.05)


def test_a_collapsed_spread_is_seen_though_the_mean_is_right():
    random = np.random.default_rng(7)
    target = random.normal(90, 25, 4000)
    found = nearness(random.normal(0, 10, 4000), random.normal(90, 2.5, 4000), target)
    assert found.spread_error == pytest.approx(0.9, abs=0.02)


def test_a_target_without_spread_has_no_error_of_it():
    assert nearness([0.0, 1.0], [5.0, 5.1], [5.0, 5.0]).spread_error is None
