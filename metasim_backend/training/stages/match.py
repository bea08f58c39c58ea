"""The pictures' distribution is brought to the target's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from blender_addon.contract.phases import LABELS
from metasim_backend.settings import TrainSettings
from metasim_backend.training import evaluation
from metasim_backend.training.checkpoint import save_state
from metasim_backend.training.matching import match
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.shift_search import most_trials, search_shifts
from metasim_backend.training.stages.features import Features
from metasim_backend.training.stages.stage import Stage, parts
from metasim_backend.training.state import State


@dataclass(frozen=True)
class Match(Stage):
    """A round of distribution matching."""

    name: ClassVar[str] = "match"
    phase: ClassVar[str] = "match"
    label: ClassVar[str] = LABELS["match"]
    shown: ClassVar[str] = "mmd2"

    @classmethod
    def planned(cls, settings: TrainSettings, turns: int) -> list[Sequence[Stage]]:
        # The first round's features are there before all phases.
        return [
            [*([Features(turn=turn)] if turn else []), cls(begin, end, turn)]
            for turn, (begin, end) in enumerate(parts(settings.match.steps, turns))
        ]

    def run(self, state: State, services: Services) -> None:
        settings = services.settings
        wanted = settings.match
        state.scenes.transformer.freeze_encoder(settings.freeze_encoder)
        done = state.steps[self.name]
        with self.work(services, wanted.steps, done) as work:
            if wanted.search and done == self.begin:
                self._search(state, services)
            for step, values in match(
                state.scenes,
                state.matcher,
                wanted,
                settings.seed,
                optimiser=state.transformer_optimiser(self.name, wanted.learning_rate),
                first_step=done,
                part=(self.begin, self.end),
            ):
                self.note(state, services, work, step, values)
                save_state(state, services)
                if wanted.report_every and (step + 1) % wanted.report_every == 0:
                    follow_scenes(state, services, step + 1)
                work.update()

    def _search(self, state: State, services: Services) -> None:
        wanted = services.settings.match
        most = most_trials(state.scenes, state.matcher, wanted.search)
        with services.work(self.phase, "Search", most) as work:
            moved = search_shifts(
                state.scenes,
                state.matcher,
                wanted.search,
                wanted.batch,
                services.settings.seed,
                self.turn,
                work.update,
            )
        services.folder.write_json(f"shifts_{self.turn}.json", moved)


def follow_scenes(state: State, services: Services, step: int) -> None:
    """The report's first pictures as the generator makes them now, and where attributes lie."""
    settings = services.settings
    count = settings.evaluation.followed
    seeds = [derive_seed(settings.seed, "report", i) for i in range(count)]
    renderer = services.renderer(state.camera_model)
    shown = evaluation.sample(renderer, services.render_settings, state.scenes.learned(seeds))
    folder = services.folder.report_data / "pictures" / "progress"
    folder.mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(evaluation.pictures_of(shown.frames)):
        evaluation.write_picture(folder / f"{step:05d}_{i:02d}.png", picture)
    counted = state.scenes.learned(evaluation.attribute_seeds(settings.seed))
    numbers = evaluation.attribute_numbers(state.scenes, counted)
    (services.folder.report_data / "steps").mkdir(parents=True, exist_ok=True)
    services.folder.write_json(f"steps/{step:05d}.json", numbers)
