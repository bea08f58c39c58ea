"""Distances on the line against scipy, on the circle against brute force."""

import itertools

import numpy as np
import pytest
from scipy import optimize, stats

from metasim_backend.statistics.wasserstein import (
    wasserstein,
    wasserstein_on_circle,
    wasserstein_on_line,
)


@pytest.mark.parametrize(("many", "more"), [(7, 7), (40, 13), (1, 5), (300, 4000)])
def test_on_the_line_it_is_scipys(many, more):
    random = np.random.default_rng(many)
    a, b = random.normal(3, 2, many), random.gamma(2, 3, more)
    assert wasserstein_on_line(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9)


def test_distance_on_the_line_agrees_with_scipy():
    random = np.random.default_rng(1)
    for _ in range(20):
        a, b = random.normal(0, 2, random.integers(1, 50)), random.normal(1, 1, 33)
        expected = stats.wasserstein_distance(a, b)
        assert wasserstein("continuous", a, b) == pytest.approx(expected, rel=1e-9)


def test_with_ties_it_is_scipys_and_that_of_a_set_to_itself_is_0():
    a, b = [1.0, 1.0, 2.0, 5.0], [1.0, 2.0, 2.0]
    assert wasserstein_on_line(a, b) == pytest.approx(stats.wasserstein_distance(a, b))
    assert wasserstein_on_line(a, a[::-1]) == 0


def test_that_of_a_shift_is_the_shift():
    a = np.random.default_rng(0).normal(size=100)
    assert wasserstein_on_line(a, a + 2.5) == pytest.approx(2.5)


def _arc(a, b):
    gap = np.abs(np.subtract.outer(a, b)) % 360
    return np.minimum(gap, 360 - gap)


def test_on_the_circle_it_is_that_of_the_cheapest_of_all_pairings():
    random = np.random.default_rng(7)
    for _ in range(10):
        cost = _arc(a := random.uniform(0, 360, 6), b := random.uniform(0, 360, 6))
        every = itertools.permutations(range(6))
        cheapest = min(cost[range(6), order].mean() for order in every)
        assert wasserstein_on_circle(a, b, 360) == pytest.approx(cheapest, rel=1e-9)


def test_distance_on_the_circle_agrees_with_the_cheapest_pairing():
    random = np.random.default_rng(2)
    for _ in range(20):
        a, b = random.uniform(0, 360, 12), random.normal(355, 40, 12) % 360
        cost = _arc(a, b)
        pairs = optimize.linear_sum_assignment(cost)
        assert wasserstein("circular", a, b, 360) == pytest.approx(cost[pairs].mean(), rel=1e-9)


def test_on_the_circle_samples_of_other_sizes_agree_with_a_linear_programme():
    random = np.random.default_rng(3)
    a, b = random.uniform(0, 360, 5), random.normal(0, 60, 7)
    rows = np.kron(np.eye(5), np.ones(7)), np.kron(np.ones(5), np.eye(7))
    shares = np.concatenate([np.full(5, 1 / 5), np.full(7, 1 / 7)])
    plan = optimize.linprog(_arc(a, b).ravel(), A_eq=np.vstack(rows), b_eq=shares)
    assert wasserstein_on_circle(a, b, 360) == pytest.approx(plan.fun, rel=1e-9)


def test_on_the_circle_it_is_the_least_of_all_places_to_cut_it():
    random = np.random.default_rng(4)
    a, b = random.normal(80, 70, 40) % 360, random.normal(250, 90, 30) % 360
    cuts = np.concatenate([a, b])
    least = min(stats.wasserstein_distance((a - c) % 360, (b - c) % 360) for c in cuts)
    # A cut through mass may still be dearer than the best plan, never cheaper.
    assert wasserstein_on_circle(a, b, 360) <= least + 1e-9


def test_distance_on_the_circle_goes_the_short_way_and_ignores_whole_turns():
    assert wasserstein("circular", [359.0], [1.0], 360) == pytest.approx(2)
    assert wasserstein("circular", [-1.0, 721.0], [359.0, 1.0], 360) == pytest.approx(0, abs=1e-9)


def test_distance_between_categories_is_total_variation():
    assert wasserstein("categorical", ["a", "a", "b", "b"], ["a", "c"]) == pytest.approx(0.5)
    assert wasserstein("categorical", ["a"], ["b"]) == 1
    assert wasserstein("categorical", ["a", "b"], ["b", "a"]) == 0


def test_an_empty_sample_has_no_distance_and_a_circle_needs_its_period():
    assert wasserstein("continuous", [], [1.0]) is None
    with pytest.raises(ValueError, match="period"):
        wasserstein("circular", [1.0], [1.0])
