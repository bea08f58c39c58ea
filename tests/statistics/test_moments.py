"""Moments by the kind of the values."""

import numpy as np
import pytest
from scipy import stats

from metasim_backend.statistics.moments import mean_distance, moments


def test_moments_of_numbers_are_numpys_and_those_of_angles_scipys():
    values = np.random.default_rng(0).normal(350, 30, 400)
    plain, turned = moments("continuous", values), moments("circular", values, 360)
    assert (plain.mean, plain.spread) == (values.mean(), values.std())
    assert turned.mean == pytest.approx(stats.circmean(values, 180, -180), abs=1e-9)
    assert turned.spread == pytest.approx(stats.circstd(values, 360), rel=1e-9)
    assert plain.count == turned.count == 400


def test_an_empty_sample_has_no_moments_and_a_circle_needs_its_period():
    assert moments("continuous", []) is None
    with pytest.raises(ValueError, match="period"):
        moments("circular", [1.0])


def test_the_distance_of_means_goes_the_short_way_round():
    first, second = moments("circular", [350.0], 360), moments("circular", [10.0], 360)
    assert mean_distance("circular", first, second, 360) == pytest.approx(20)


def test_categories_have_no_distance_of_means():
    one = moments("categorical", ["a"])
    assert mean_distance("categorical", one, one, None) is None


def test_the_mix_of_categories_is_the_chance_that_two_draws_differ():
    mixed = moments("categorical", ["a", "a", "b", "c"])
    assert mixed.mean == "a"
    assert mixed.spread == pytest.approx(1 - (0.25 + 2 * 0.0625))
    assert moments("categorical", ["b", "a"]).mean == "b"  # of equals the first
