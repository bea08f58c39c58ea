"""Let Blender see fewer cores while it starts.

Blender starts as many threads of its own as there are cores, whatever the renderer's number is,
and while the others have nothing to do one of them keeps a core busy: a worker with one render
thread took 85 ms of processor time for a frame of 43 ms (bpy 4.5, 2 cores), and two of them were
in each other's way. The number is fixed when Blender starts, from the cores that the process may
use then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_TASKS = "/proc/self/task"


@contextmanager
def few_cores(count: int) -> Iterator[None]:
    """Restrict the process to `count` of its cores; afterwards all its threads have all again.

    With 0, with as many as there are, or where the system cannot do it, nothing happens.
    """
    whole = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    if not 0 < count < len(whole) or not os.path.isdir(_TASKS):
        yield
        return
    os.sched_setaffinity(0, sorted(whole)[:count])
    try:
        yield
    finally:
        for task in os.listdir(_TASKS):
            with suppress(OSError):  # it has just ended
                os.sched_setaffinity(int(task), whole)
