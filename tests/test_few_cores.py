"""The cores that a process sees, with a thread that was started meanwhile."""

from __future__ import annotations

import os
import threading

import pytest

from blender_addon.few_cores import few_cores

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores and Linux",
)


def test_within_there_are_few_and_afterwards_every_thread_has_all():
    whole = os.sched_getaffinity(0)
    done, seen = threading.Event(), []

    def wait() -> None:
        seen.append(os.sched_getaffinity(0))
        done.wait(10)
        seen.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=wait)
    with few_cores(1):
        assert len(os.sched_getaffinity(0)) == 1
        thread.start()
        while not seen:
            pass
    assert os.sched_getaffinity(0) == whole
    done.set()
    thread.join()
    assert len(seen[0]) == 1 and seen[1] == whole


@pytest.mark.parametrize("count", [0, 1000])
def test_none_and_more_than_there_are_change_nothing(count: int):
    whole = os.sched_getaffinity(0)
    with few_cores(count):
        assert os.sched_getaffinity(0) == whole


def test_an_error_within_gives_them_back_too():
    whole = os.sched_getaffinity(0)
    with pytest.raises(ImportError), few_cores(1):
        raise ImportError
    assert os.sched_getaffinity(0) == whole
