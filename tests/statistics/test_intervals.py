"""Intervals against scipy's t distribution and scipy's bootstrap."""

import numpy as np
import pytest
import torch
from scipy import stats

from metasim_backend.statistics.bootstrap import DRAWS, resampled, standard_error
from metasim_backend.statistics.intervals import (
    mean_interval,
    percentile_interval,
    summary_over_seeds,
)


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


def test_a_summary_keeps_all_values_and_describes_those_that_are_there():
    summary = summary_over_seeds([1.0, None, 3.0])
    mean, half = mean_interval([1.0, 3.0])
    assert summary == {"values": [1.0, None, 3.0], "mean": mean, "half_width": half}
    assert summary_over_seeds([None]) == {"values": [None], "mean": None, "half_width": None}


def test_a_percentile_interval_is_that_of_scipys_bootstrap():
    values = np.random.default_rng(1).gamma(2, 1, 60)
    scipys = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=999, rng=2)
    interval = scipys.confidence_interval
    assert percentile_interval(scipys.bootstrap_distribution) == pytest.approx(
        (interval.low, interval.high)
    )


def test_the_bootstraps_error_of_a_mean_is_the_standard_error_of_the_mean():
    values = torch.from_numpy(np.random.default_rng(3).normal(size=400))
    draws = resampled(400, torch.Generator().manual_seed(0))
    assert len(draws) == DRAWS and {len(draw) for draw in draws} == {400}
    error = standard_error([float(values[draw].mean()) for draw in draws])
    assert error == pytest.approx(stats.sem(values.numpy()), rel=0.2)
