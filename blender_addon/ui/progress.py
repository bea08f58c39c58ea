"""Where a training and a dataset stand, as the backend's events tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..contract.panel import ENDED
from ..contract.phases import PHASES

CURVES = tuple(phase.curve for phase in PHASES if phase.curve)


@dataclass(eq=False)
class TrainingProgress:
    """What the events about one training have told so far.

    Attributes:
        run: its folder; empty before the first event.
        state: of ``contract.panel.TRAIN_STATES``, or empty.
        phase, step, steps: the phase now, and how far it is.
        sentence: why it failed or how it ended; empty while there is nothing to say.
        curves: name -> step -> value, of MMD² and the task network's score.
        attributes: bars, as in ``contract.panel``; the one that moved farthest first.
        picture: H x W x 3 uint8, one scene as it is learned, or None.
        pictures: how many pictures have come.
    """

    run: str = ""
    state: str = ""
    phase: str = ""
    step: int = 0
    steps: int = 0
    sentence: str = ""
    curves: dict[str, dict[int, float]] = field(default_factory=lambda: {n: {} for n in CURVES})
    attributes: Sequence[Mapping[str, Any]] = ()
    picture: np.ndarray | None = None
    pictures: int = 0

    @property
    def active(self) -> bool:
        """Whether more is to come."""
        return bool(self.state) and self.state not in ENDED

    def begin(self, run: str) -> None:
        """A training was started in this folder, and has told nothing yet."""
        if self.run != run or not self.active:
            self.__init__(run, "starting")  # type: ignore[misc]

    def take(self, body: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Follow one event."""
        run = str(body.get("run") or "")
        if run != self.run:
            self.__init__(run)  # type: ignore[misc]
        self.state = str(body["state"])
        self.phase = str(body.get("phase") or "")
        self.step, self.steps = int(body.get("step") or 0), int(body.get("steps") or 0)
        self.sentence = str(body.get("sentence") or "")
        self.add_points(body.get("points") or {})
        if body.get("attributes"):
            self.attributes = tuple(body["attributes"])
        if "picture" in arrays:
            self.picture = arrays["picture"]
            self.pictures += 1

    def add_points(self, points: Mapping[str, Any]) -> None:
        """Add points of the curves; a step that comes twice takes the later value."""
        for name in CURVES:
            self.curves[name].update((int(step), float(v)) for step, v in points.get(name) or ())

    def curve(self, name: str) -> list[tuple[int, float]]:
        """(step, value) of one curve, by step."""
        return sorted(self.curves[name].items())


@dataclass(eq=False)
class DatasetProgress:
    """What the events about one dataset have told so far."""

    folder: str = ""
    state: str = ""
    done: int = 0
    count: int = 0
    sentence: str = ""

    @property
    def active(self) -> bool:
        """Whether more is to come."""
        return bool(self.state) and self.state not in ENDED

    def begin(self, folder: str, count: int) -> None:
        """A data set was begun in this folder, and has told nothing yet."""
        self.__init__(folder, "starting", 0, count)  # type: ignore[misc]

    def take(self, body: Mapping[str, Any]) -> None:
        """Follow one event."""
        self.folder = str(body.get("folder") or "")
        self.state = str(body["state"])
        self.done, self.count = int(body.get("done") or 0), int(body.get("count") or 0)
        self.sentence = str(body.get("sentence") or "")
