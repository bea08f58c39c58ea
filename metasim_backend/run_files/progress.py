"""Long work is counted, and shown: by a bar on a terminal, else by a plain line now and then."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tqdm import tqdm

from metasim_backend.run_files.events import VARIABLE, Event, Listener, finite, to_line

EVERY = 30.0
"""Seconds between two lines where there is no terminal."""
EVERY_EVENT = 0.5
"""Seconds between two events for a program, but for those with measurements."""


class Progress:
    """Counts what is done, and tells of it by events.

    Args:
        label: what is going on.
        total: steps there are.
        done: steps that were done before.
        activity: the phase that it belongs to, see :class:`Event`.
        shown: the measurement that people follow, or all.
        quiet: show nothing.
        listeners: who else is told.
        every: seconds between two lines where there is no terminal.
    """

    def __init__(
        self,
        label: str,
        total: int,
        done: int = 0,
        *,
        activity: str = "",
        shown: str = "",
        quiet: bool = False,
        listeners: Sequence[Listener] = (),
        every: float = EVERY,
    ) -> None:
        self._event = Event(activity, label, done, total)
        self._listeners = [*listeners, *([] if quiet else [_display(shown, every)])]

    def update(self, more: int = 1) -> None:
        """So many more steps are done."""
        self._tell(replace(self._event, step=self._event.step + more, state="goes on"))

    def reach(self, step: int) -> None:
        """So many steps are done in all."""
        self._tell(replace(self._event, step=step, state="goes on"))

    def measured(
        self,
        stage: str,
        step: int,
        values: Mapping[str, float],
        attributes: Sequence[Mapping] | None = None,
    ) -> None:
        """What a stage measured at one of its steps."""
        self._tell(
            replace(
                self._event,
                state="goes on",
                stage=stage,
                measured_at=step,
                values=finite(values),
                attributes=attributes,
            )
        )

    def __enter__(self) -> Progress:
        self._tell(self._event)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._tell(replace(self._event, state="done" if kind is None else "stopped"))

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener.hear(event)
        self._event = replace(event, stage="", values={}, attributes=None)


class Bar:
    """A bar on a terminal."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._bar: tqdm | None = None

    def hear(self, event: Event) -> None:
        if self._bar is None:
            self._bar = tqdm(total=event.total, initial=event.step, desc=f"{event.label:>16}")
        if event.step > self._bar.n:
            self._bar.update(event.step - self._bar.n)
        if event.values:
            self._bar.set_postfix_str(_in_words(event, self._shown))
        if event.state in ("done", "stopped"):
            self._bar.close()


class Lines:
    """Lines for a log file or a pipe: when the work begins, every half minute, when it ends."""

    def __init__(self, shown: str, every: float) -> None:
        self._shown, self._every = shown, every
        self._values = ""
        self._event: Event | None = None
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._speaker = threading.Thread(target=self._speak, name="metasim-progress", daemon=True)

    def hear(self, event: Event) -> None:
        self._event = event
        self._values = _in_words(event, self._shown) or self._values
        if event.state == "begins":
            self._print(event)
            self._speaker.start()
        elif event.state in ("done", "stopped"):
            self._ended.set()
            self._speaker.join()
            self._print(event)

    def _speak(self) -> None:
        # A thread of its own, so that a single step that takes long is no silence.
        while not self._ended.wait(self._every):
            if self._event is not None:
                self._print(replace(self._event, state="goes on"))

    def _print(self, event: Event) -> None:
        parts = [f"{event.label} {event.state}: {event.step} of {event.total}"]
        if event.state != "begins":
            parts.append(f"{time.monotonic() - self._started:.0f} s")
        _say(", ".join([*parts, *filter(None, [self._values])]))


class JsonLines:
    """The events themselves, for a program: those with measurements, and others now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def hear(self, event: Event) -> None:
        now = time.monotonic()
        if event.state != "goes on" or event.values or event.attributes or now >= self._next:
            self._next = now + EVERY_EVENT
            _say(to_line(event))


def is_followed() -> bool:
    """Whether a program reads the events."""
    return VARIABLE in os.environ


def _display(shown: str, every: float) -> Listener:
    if is_followed():
        return JsonLines()
    if sys.stdout.isatty() and sys.stderr.isatty():
        return Bar(shown)
    return Lines(shown, every)


def _in_words(event: Event, shown: str) -> str:
    return ", ".join(
        f"{name} {value:.4f}"
        for name, value in event.values.items()
        if value is not None and shown in ("", name)
    )


def _say(line: str) -> None:
    # Whoever reads the output may be gone; the work goes on.
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)
