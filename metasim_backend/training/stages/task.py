"""The generator is rewarded with the task network's score on labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from blender_addon.contract.phases import LABELS
from metasim_backend.settings import TrainSettings
from metasim_backend.training.checkpoint import save_state
from metasim_backend.training.services import Services
from metasim_backend.training.stages.stage import Stage
from metasim_backend.training.state import State
from metasim_backend.training.task_network import new_task_network
from metasim_backend.training.task_optimisation import optimise_task


@dataclass(frozen=True)
class Task(Stage):
    """Task optimisation; nothing where no labelled pictures were given. Its steps are meta-epochs,
    its progress is counted in scenes."""

    name: ClassVar[str] = "task"
    phase: ClassVar[str] = "task"
    label: ClassVar[str] = LABELS["task"]
    shown: ClassVar[str] = "score"

    @classmethod
    def planned(cls, settings: TrainSettings, turns: int) -> list[Sequence[Stage]]:
        return [[cls(0, settings.task.epochs)]]

    def run(self, state: State, services: Services) -> None:
        validation = services.target.validation
        if validation is None:
            return
        settings = services.settings
        wanted = settings.task
        state.scenes.transformer.freeze_encoder(settings.freeze_encoder)
        if state.task_network is None:
            state.task_network = new_task_network(settings, services.grammar.domain)
        done = state.steps[self.name]
        with self.work(services, self.end * wanted.scenes, done * wanted.scenes) as work:
            for epoch, values, baseline in optimise_task(
                state.scenes,
                services.renderer(state.camera_model),
                state.matcher,
                state.task_network,
                validation,
                wanted,
                settings.match.batch,
                settings.seed,
                optimiser=state.transformer_optimiser(self.name, wanted.learning_rate),
                baseline=state.baseline,
                first_epoch=done,
                clip=settings.match.clip,
                progress=work.update,
            ):
                state.baseline = baseline
                self.note(state, services, work, epoch, values)
                save_state(state, services)
