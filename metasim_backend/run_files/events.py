"""What long work says of itself, as one stream that whoever is interested listens to.

Bars on a terminal, and ``metrics.jsonl`` with TensorBoard, are listeners. A program that follows
the work, such as the server of Blender's panel, has it as lines of JSON on standard output.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

VARIABLE = "METASIM_EVENTS"
"""In the environment: standard output is for a program, so events are lines of JSON there."""


@dataclass(frozen=True)
class Event:
    """How far some work is, and what was measured.

    Attributes:
        activity: the phase of a training that the work belongs to, or ``features`` or ``report``;
            empty where there is no training.
        label: what people call the work.
        step, total: so many steps are done.
        state: ``begins``, ``goes on``, ``done`` or ``stopped``.
        stage: what took the measurements, or empty.
        measured_at: at which of its steps.
        values: the measurements; of what is not finite None.
        attributes: where each learned attribute stands, in the form of the panel's bars; None where
            that was not looked at.
    """

    activity: str
    label: str
    step: int
    total: int
    state: str = "begins"
    stage: str = ""
    measured_at: int = 0
    values: Mapping[str, float | None] = field(default_factory=dict)
    attributes: Sequence[Mapping[str, Any]] | None = None


class Listener(Protocol):
    """Whoever is told of all events of some work, one after the other."""

    def hear(self, event: Event) -> object: ...


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Measurements as JSON can say them."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def to_line(event: Event) -> str:
    """An event as a line of JSON, without what is empty."""
    return json.dumps({"event": {k: v for k, v in vars(event).items() if v not in ("", {}, None)}})


def from_line(line: str) -> Event | None:
    """The event of a line; None where it says something else."""
    if not line.startswith('{"event": '):
        return None
    try:
        return Event(**{"activity": "", **json.loads(line)["event"]})
    except (ValueError, TypeError):  # cut off
        return None
