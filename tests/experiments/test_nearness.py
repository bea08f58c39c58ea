"""Three distributions compared, held against what circles must give."""

import numpy as np
import pytest
from scipy import stats

from metasim_backend.experiments.nearness import ROUND_THE_CIRCLE, nearness


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


def test_moments_of_a_wide_circular_attribute_are_scipys_however_far_it_lies_from_the_target():
    random = np.random.default_rng(8)
    wide, target = random.normal(170, 100, 4000), random.normal(0, 10, 4000)
    found = nearness(wide, target, target, 360.0)
    assert found.prior[1] == pytest.approx(stats.circstd(wide, 360), rel=1e-6)
    assert found.prior[0] == pytest.approx(stats.circmean(wide, 180, -180), abs=1e-6)


def test_an_angle_that_does_not_vary_has_no_error_either():
    assert nearness([0.0, 10.0], [80.0, 90.0], [90.0] * 4000, 360.0).spread_error is None


def test_only_circular_attributes_name_a_definition():
    numbers = [1.0, 2.0], [1.0, 2.5], [1.5, 2.0]
    assert nearness(*numbers, 360.0).to_dict()["definition"] == ROUND_THE_CIRCLE
    assert "definition" not in nearness(*numbers).to_dict()
    assert nearness(*numbers).to_dict()["w1_share"] == pytest.approx(0.5 / 0.25)
