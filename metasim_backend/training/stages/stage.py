"""What all stages of a run have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from metasim_backend.training.services import Services
from metasim_backend.training.settings import TrainSettings
from metasim_backend.training.state import State


@dataclass(frozen=True)
class Stage:
    """A stretch of a run's work, from one step to another.

    Attributes:
        name: its steps are counted by this in checkpoints and ``metrics.jsonl``.
        phase: what the user knows it as; its time is counted by this.
        begin, end: its first step, and the step after its last; both 0 for one without steps,
            which is done again whenever a run is opened.
        turn: the round of matching that it belongs to.
    """

    name: ClassVar[str]
    phase: ClassVar[str]
    has_steps: ClassVar[bool] = True
    begin: int = 0
    end: int = 0
    turn: int = 0

    @classmethod
    def planned(cls, settings: TrainSettings, turns: int) -> list[Sequence[Stage]]:
        """What a phase of this name consists of, in each of so many turns."""
        raise NotImplementedError

    def run(self, state: State, services: Services) -> None:
        """Go on from the state's step to the end."""
        raise NotImplementedError

    def is_done(self, state: State) -> bool:
        return self.has_steps and state.steps[self.name] >= self.end


def parts(steps: int, turns: int) -> list[tuple[int, int]]:
    """First step, and the step after the last, of each of so many turns."""
    return [(steps * i // turns, steps * (i + 1) // turns) for i in range(turns)]
