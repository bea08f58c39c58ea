"""Mean directions and circular standard deviations against scipy and against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from metasim_backend.statistics.circular import (
    circular_mean,
    circular_standard_deviation,
    unrolled,
)
from metasim_backend.statistics.circular_tensors import offsets_from_mean


def test_the_circular_mean_of_values_round_the_wrap_lies_between_them():
    assert circular_mean([359, 1], 360) == pytest.approx(0, abs=1e-9)
    assert circular_mean([350, 20], 360) == pytest.approx(5)
    assert abs(circular_mean([170, 190], 360)) == pytest.approx(180)


@pytest.mark.parametrize("shift", [0.0, 90.0, 179.0, 355.0, 359.0])
@pytest.mark.parametrize("width", [2.0, 25.0, 90.0])
def test_mean_and_standard_deviation_are_scipys(shift, width):
    values = np.random.default_rng(3).normal(shift, width, 500) % 360
    expected = stats.circmean(values, 360)
    assert (circular_mean(values, 360) - expected + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
    deviation = circular_standard_deviation(values, 360)
    assert deviation == pytest.approx(stats.circstd(values, 360), rel=1e-6)


def test_another_period_is_scipys_too():
    values = np.random.default_rng(4).normal(1, 20, 300)
    deviation = circular_standard_deviation(values, 180)
    assert deviation == pytest.approx(stats.circstd(values, 90, -90), rel=1e-6)
    assert circular_mean(values, 180) == pytest.approx(stats.circmean(values, 90, -90), abs=1e-6)


@pytest.mark.parametrize("width", [1e-5, 2.0])
def test_that_of_a_narrow_sample_is_the_ordinary_one(width):
    values = np.random.default_rng(0).normal(0, width, 4000)
    deviation = circular_standard_deviation(values % 360, 360)
    assert deviation == pytest.approx(values.std(), rel=2e-3)


@pytest.mark.parametrize("width", [30.0, 80.0, 110.0])
def test_that_of_a_wrapped_normal_is_its_sigma(width):
    values = np.random.default_rng(1).normal(200, width, 200_000) % 360
    assert circular_standard_deviation(values, 360) == pytest.approx(width, rel=0.02)


def test_that_of_a_uniform_sample_is_finite_and_that_of_equal_values_is_0():
    uniform = circular_standard_deviation([0, 90, 180, 270], 360)
    assert uniform == pytest.approx(math.degrees(math.sqrt(-2 * math.log(0.5))))
    assert circular_standard_deviation([17.0], 360) == 0
    assert circular_standard_deviation([90.0] * 4000, 360) < 1e-9


def test_unrolled_values_lie_within_half_a_period_and_stay_the_same_angles():
    values = np.random.default_rng(5).uniform(-1000, 1000, 200)
    line = unrolled(values, 180.0, 90.0)
    assert np.abs(line - 90).max() <= 90
    turns = (line - values) / 180
    assert np.allclose(turns, np.round(turns))


def test_means_of_tensors_are_scipys_and_offsets_lead_from_them_to_the_values():
    turns = torch.from_numpy(np.random.default_rng(6).normal(0.99, 0.1, 400))
    mean, offsets = offsets_from_mean(turns)
    assert float(mean) % 1 == pytest.approx(stats.circmean(turns.numpy(), 1), abs=1e-9)
    assert float(offsets.abs().max()) <= 0.5
    whole = mean + offsets - turns
    assert torch.allclose(whole, whole.round())
