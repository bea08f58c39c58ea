"""How long Blender's main loop stands still, and how much of that is the add-on's own work."""

from __future__ import annotations

import sys
import time

import bpy
from window_hand import RESULTS, TICK, Steps, session, sidebar


class Stalls:
    """The longest pause between two turns of Blender's main loop."""

    def __init__(self) -> None:
        self.name = ""
        self.last = 0.0

    def begin(self, name: str) -> None:
        self.name, self.last = name, 0.0
        RESULTS["stalls"].setdefault(name, [])

    def end(self) -> None:
        self.name = ""

    def __call__(self) -> float:
        now = time.perf_counter()
        if self.name and self.last:
            RESULTS["stalls"][self.name].append(round(1000 * (now - self.last), 1))
        self.last = now
        return 0.002 if self.name else TICK


STALLS = Stalls()


def watch_own_work() -> None:
    """Measure how long the add-on itself holds the main thread: its events and its panels.

    As the clock on the wall has it, and as the main thread was at work, which other programs on the
    same processor do not lengthen.
    """
    now = session()
    spent = RESULTS.setdefault("own_work", [])
    worked = RESULTS.setdefault("own_processor_time", [])

    def timed(function):
        def call(*arguments):
            began, working = time.perf_counter(), time.thread_time()
            try:
                return function(*arguments)
            finally:
                if STALLS.name == "training":
                    spent.append(round(1000 * (time.perf_counter() - began), 2))
                    worked.append(round(1000 * (time.thread_time() - working), 2))

        return call

    now.pump, now.icons.follow = timed(now.pump), timed(now.icons.follow)
    for one in sys.modules["metasim.ui"].CLASSES:
        if issubclass(one, bpy.types.Panel):
            one.draw = _as_method(timed(one.draw))


def _as_method(function):
    """A plain function, as Blender asks of a panel's methods."""

    def draw(self, context):
        function(self, context)

    return draw


def bare_redraws(name: str) -> Steps:
    """What one drawing of the sidebar costs here, with nothing new to show."""
    STALLS.begin(name)
    for _ in range(10):
        sidebar().tag_redraw()
        yield 0.3
    STALLS.end()
