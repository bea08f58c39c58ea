"""What all stages of a run have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from metasim_backend.run_files.progress import Progress
from metasim_backend.settings import TrainSettings
from metasim_backend.training.services import Services
from metasim_backend.training.state import State


@dataclass(frozen=True)
class Stage:
    """A stretch of a run's work, from one step to another.

    Attributes:
        name: its steps are counted by this in checkpoints and ``metrics.jsonl``.
        phase: what the user knows it as; its time is counted by this.
        label: what people call it.
        shown: the measurement that people follow.
        begin, end: its first step, and the step after its last; both 0 for one without steps,
            which is done again whenever a run is opened.
        turn: the round of matching that it belongs to.
    """

    name: ClassVar[str]
    phase: ClassVar[str]
    label: ClassVar[str]
    shown: ClassVar[str] = ""
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

    def work(self, services: Services, total: int, done: int) -> Progress:
        """The stage's progress, which shows one of its measurements."""
        return services.work(self.phase, self.label, total, done, self.shown)

    def note(
        self,
        state: State,
        services: Services,
        work: Progress,
        step: int,
        values: Mapping[str, float],
    ) -> None:
        """A step has been taken, and this was measured."""
        work.measured(self.name, step, values, services.moments.look(state.scenes))
        state.steps[self.name] = step + 1

    def is_done(self, state: State) -> bool:
        return self.has_steps and state.steps[self.name] >= self.end


def parts(steps: int, turns: int) -> list[tuple[int, int]]:
    """First step, and the step after the last, of each of so many turns."""
    return [(steps * i // turns, steps * (i + 1) // turns) for i in range(turns)]
