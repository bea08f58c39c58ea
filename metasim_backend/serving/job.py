"""What a training and a dataset have in common: a child process that is followed to its end."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from blender_addon.contract.panel import ENDED, event
from blender_addon.contract.wire import Message
from metasim_backend.run_files.events import Event, from_line
from metasim_backend.serving.child_process import ChildProcess, end_sentence

LOOK_EVERY = 0.5
"""Seconds between two looks at a command and its files."""

Tell = Callable[[Message], object]


class Job:
    """A command under way, told of by events.

    Attributes:
        topic: of the events.
        what: its name in sentences.
        interrupted: the state after it was stopped.

    Args:
        arguments: of the ``metasim`` command line.
        log: the file for the command's standard error.
        tell: takes the events, from a thread.
    """

    topic = ""
    what = ""
    interrupted = ""

    def __init__(self, arguments: Sequence[str], log: Path, tell: Tell) -> None:
        self.state = "starting"
        self.sentence: str | None = None
        self.progress: Event | None = None
        self._words: list[str] = []
        self._tell = tell
        self._retired = False
        self._started = time.monotonic()
        self._lock = threading.RLock()
        self.child = ChildProcess(arguments, log, self._hear)
        self._follower = threading.Thread(target=self._follow, name=f"metasim-{self.topic}")
        self._follower.daemon = True

    def start(self) -> None:
        """Follow the command from now on."""
        self.tell()
        self._follower.start()

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._started, 1)

    def stop(self) -> None:
        """Interrupt the command; returns at once."""
        with self._lock:
            if self.ended or self.state == "stopping":
                return
            self.state = "stopping"
            self.child.interrupt()
        self.tell()

    def wait(self, within: float) -> None:
        """Wait until it has ended; after so many seconds it is killed."""
        self._follower.join(within)
        if self._follower.is_alive():
            self.child.kill()
            self._follower.join(5.0)

    def snapshot(self) -> Message:
        """All that is known now, for a panel that has just come."""
        return event(self.topic, self.body())

    def body(self) -> dict[str, object]:
        raise NotImplementedError

    def news(self) -> tuple[Mapping[str, object], Mapping[str, np.ndarray]]:
        """What is new, for the next event; asked by one thread alone."""
        return {}, {}

    def retire(self) -> None:
        """Say nothing more: another one of its kind begins."""
        with self._lock:
            self._retired = True

    def tell(
        self,
        more: Mapping[str, object] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Send an event about the state as it is now."""
        with self._lock:  # events leave in the order of the states they tell of
            if not self._retired:
                self._tell(event(self.topic, {**self.body(), **(more or {})}, arrays))

    def take(self, told: Event) -> None:
        """Note what an event tells; the lock is held."""

    def _hear(self, line: str) -> None:
        told = from_line(line)
        with self._lock:
            if told is None:
                self._words.append(line)
                return
            self._words.clear()  # what it says after all work is its result
            self.progress = told
            self.take(told)
            if self.state == "starting":
                self.state = "running"
        if told.state == "begins":  # however short it is
            self.tell()

    def _follow(self) -> None:
        said: object = None
        while (code := self.child.ended(LOOK_EVERY)) is None:
            now = (self.state, self.progress and (self.progress.label, self.progress.step))
            self._tell_news(even_without=now != said)
            said = now
        self._tell_news(even_without=False)
        with self._lock:
            if code == 0:
                self.state = "finished"
                self.sentence = next(iter(self._words), None)
            elif self.state == "stopping":
                self.state = self.interrupted
            else:
                self.state = "failed"
                self.sentence = end_sentence(self.child, code, self.what)
        self.tell()

    def _tell_news(self, even_without: bool) -> None:
        try:
            more, arrays = self.news()
        except Exception:  # a defect here must not hide how the command ends
            traceback.print_exc()
            more, arrays = {}, {}
        if even_without or more or arrays:
            self.tell(more, arrays)
