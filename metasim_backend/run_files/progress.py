"""What long work says of itself: a bar on a terminal, else a plain line now and then."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time

from tqdm import tqdm

EVERY = 30.0
"""Seconds between two lines where there is no terminal."""
EVERY_VARIABLE = "METASIM_PROGRESS_SECONDS"
"""The environment's other number of seconds, for a program that follows the lines."""


class Progress:
    """Counts what is done. On a terminal it is a bar; elsewhere (a log file, a pipe) it prints a
    line to standard output when the work begins, one every half minute, and one when it ends.

    Args:
        name: what is going on.
        total: steps there are.
        done: steps that were done before.
        quiet: say nothing.
        every: seconds between two lines; None: the environment's, or half a minute.
    """

    def __init__(
        self,
        name: str,
        total: int,
        done: int = 0,
        *,
        quiet: bool = False,
        every: float | None = None,
    ) -> None:
        self._name, self._total, self._done = name, total, done
        self._values = ""
        self._every = _seconds_between() if every is None else every
        terminal = sys.stdout.isatty() and sys.stderr.isatty()
        self._prints = not terminal and not quiet
        self._bar = (
            tqdm(total=total, initial=done, desc=f"{name:>16}") if terminal and not quiet else None
        )
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._speaker = threading.Thread(target=self._speak, name="metasim-progress", daemon=True)

    def update(self, more: int = 1) -> None:
        """So many more steps are done."""
        self._done += more
        if self._bar is not None:
            self._bar.update(more)

    def show(self, **values: str) -> None:
        """What was measured last, such as ``mmd2="0.031"``."""
        self._values = ", ".join(f"{name} {value}" for name, value in values.items())
        if self._bar is not None:
            self._bar.set_postfix_str(self._values)

    def __enter__(self) -> Progress:
        if self._prints:
            self._print("begins")
            self._speaker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.close()
        if self._prints:
            self._speaker.join()
            self._print("done" if kind is None else "stopped")

    def _speak(self) -> None:
        # A thread of its own, so that a single step that takes long is no silence.
        while not self._ended.wait(self._every):
            self._print("goes on")

    def _print(self, state: str) -> None:
        parts = [f"{self._name} {state}: {self._done} of {self._total}"]
        if state != "begins":
            parts.append(f"{time.monotonic() - self._started:.0f} s")
        if self._values:
            parts.append(self._values)
        # Whoever reads the output may be gone; the work goes on.
        with contextlib.suppress(OSError, ValueError):
            print(", ".join(parts), flush=True)


def _seconds_between() -> float:
    try:
        return max(float(os.environ[EVERY_VARIABLE]), 0.05)
    except (KeyError, ValueError):
        return EVERY
