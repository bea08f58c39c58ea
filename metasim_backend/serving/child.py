"""A command in a process of its own that ends with the server that began it.

``python -m metasim_backend.serving.child train ...`` is ``metasim train ...`` whose standard
input is a pipe that the server holds open. When the server is gone, however it went, the pipe ends
and the command is interrupted; a run or a dataset can be continued from there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from metasim_backend.cli import main

GRACE = 20.0
"""Seconds that an interrupted command may take to leave."""
NICENESS = 10
"""How far it and what it starts stand back for Blender's window, which shows what it does."""


def leave_with_the_server() -> None:
    """Wait for the end of standard input, then interrupt this process, then end it."""
    try:
        while os.read(0, 1024):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE)
    os._exit(130)


def stand_back() -> None:
    """Leave one core, and first call on the others, to Blender, where the system can do so.

    A low priority alone is not enough: whoever wakes up still waits for another's slice to end, and
    drawing a window without a graphics card changes between threads many times. Linux's class for
    idle time is too much: beside another busy program it would get nothing at all.
    """
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(0, cores[1:])


if __name__ == "__main__":
    stand_back()
    threading.Thread(target=leave_with_the_server, name="metasim-parent", daemon=True).start()
    sys.exit(main(sys.argv[1:]))
