"""A clock that other programs do not lengthen, nor several threads."""

import pytest

from metasim_backend.experiments.quiet_clock import QuietClock


def test_the_smaller_of_both_clocks_counts_between_readings():
    wall, processor = iter([10.0, 14.0, 20.0, 20.5]), iter([3.0, 5.0, 15.0, 15.5])
    clock = QuietClock(lambda: next(wall), lambda: next(processor))
    assert clock() == pytest.approx(2.0)  # four seconds beside others, two of them at work
    assert clock() == pytest.approx(8.0)  # six seconds with two threads
    assert clock() == pytest.approx(8.5)


def test_it_goes_on_by_itself_and_never_back():
    clock = QuietClock()
    first = clock()
    sum(range(200_000))
    assert 0 <= first < clock()
