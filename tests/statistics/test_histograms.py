"""Shares and total variation against its definition by sets of values."""

import math

import numpy as np
import pytest

from metasim_backend.statistics.histograms import (
    StatisticsError,
    count_shares,
    mean_shares,
    shares,
    total_variation,
)


def test_shares_are_in_order_numbers_by_size_and_other_values_by_name():
    assert list(shares(["10", "9", "b", "2", "a", "10"]).items()) == [
        *(("2", 1 / 6), ("9", 1 / 6), ("10", 2 / 6), ("a", 1 / 6), ("b", 1 / 6))
    ]
    assert shares([]) == {}


def test_shares_of_counts_are_numpys_histogram():
    counts = np.random.default_rng(0).integers(0, 6, 100)
    expected, _ = np.histogram(counts, bins=np.arange(9) - 0.5, density=True)
    assert count_shares(counts, 7) == pytest.approx(expected)
    assert len(count_shares(np.array([0, 2]))) == 3


def test_the_mean_of_histograms_has_every_value():
    assert mean_shares([{"10": 1.0}, {"2": 0.5, "10": 0.5}]) == {"2": 0.25, "10": 0.75}


def test_total_variation_is_the_largest_difference_that_any_set_of_values_has():
    p, q = {"1": 0.5, "2": 0.3, "3": 0.2}, {"2": 0.6, "3": 0.1, "4": 0.3}
    names = sorted({*p, *q})
    events = [[n for i, n in enumerate(names) if k >> i & 1] for k in range(2 ** len(names))]
    largest = max(abs(sum(p.get(n, 0) - q.get(n, 0) for n in event)) for event in events)
    assert math.isclose(total_variation(p, q), largest)
    assert total_variation(p, p) == 0 and total_variation({"1": 1.0}, {"2": 1.0}) == 1


def test_total_variation_of_counts_needs_no_equal_length():
    first, second = np.array([0.5, 0.5]), [0.5, 0.25, 0.25]
    assert total_variation(first, second) == pytest.approx(0.25)
    assert total_variation({"0": 0.5, "1": 0.5}, second) == pytest.approx(0.25)


def test_total_variation_of_whole_numbers():
    one, two = count_shares(np.array([0, 1, 1, 5])), count_shares(np.array([1, 1]))
    assert total_variation(one, two) == pytest.approx(0.5)
    assert total_variation(count_shares(np.array([2, 2])), count_shares(np.array([2]))) == 0


def test_an_empty_histogram_is_refused():
    with pytest.raises(StatisticsError, match="no scene"):
        total_variation({}, {"1": 1.0})
    with pytest.raises(StatisticsError, match="no scene"):
        total_variation([1.0], [])
