"""The pictures' distribution is brought to the target's on a surrogate of what is read in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from blender_addon.contract.phases import LABELS
from metasim_backend.settings import TrainSettings
from metasim_backend.training.checkpoint import save_state
from metasim_backend.training.estimators.surrogate_rounds import open_space, take_round
from metasim_backend.training.services import Services
from metasim_backend.training.stages.match import follow_scenes
from metasim_backend.training.stages.stage import Stage, parts
from metasim_backend.training.state import State


@dataclass(frozen=True)
class SurrogateMatch(Stage):
    """Rounds of matching on a surrogate; an interrupted one begins anew, but for its renders."""

    name: ClassVar[str] = "surrogate"
    phase: ClassVar[str] = "match"
    label: ClassVar[str] = LABELS["match"]
    shown: ClassVar[str] = "distance"

    @classmethod
    def planned(cls, settings: TrainSettings, turns: int) -> list[Sequence[Stage]]:
        rounds = parts(settings.surrogate.rounds, turns)
        return [[cls(begin, end, turn)] for turn, (begin, end) in enumerate(rounds)]

    def run(self, state: State, services: Services) -> None:
        done = state.steps[self.name]
        state.scenes.transformer.freeze_encoder(services.settings.freeze_encoder)
        space = open_space(state, services, done)
        with self.work(services, services.settings.surrogate.rounds, done) as work:
            for number in range(done, self.end):
                values = take_round(state, services, space, number)
                self.note(state, services, work, number, values)
                save_state(state, services)
                if services.settings.match.report_every:
                    follow_scenes(state, services, number + 1)
                work.update()
