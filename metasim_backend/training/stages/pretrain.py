"""The transformer learns to leave scenes as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from metasim_backend.training.pretraining import identity_error, pretrain
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.settings import TrainSettings
from metasim_backend.training.stages.stage import Stage
from metasim_backend.training.state import State


@dataclass(frozen=True)
class Pretrain(Stage):
    """The auto-encoder of attributes."""

    name: ClassVar[str] = "pretrain"
    phase: ClassVar[str] = "pretrain"

    @classmethod
    def planned(cls, settings: TrainSettings, turns: int) -> list[Sequence[Stage]]:
        return [[cls(0, settings.pretrain.steps)]]

    def run(self, state: State, services: Services) -> None:
        settings, scenes = services.settings, state.scenes
        scenes.transformer.freeze_encoder(False)
        done = state.steps[self.name]
        with services.bar("auto-encoder", self.end, done) as bar:

            def after_step(step: int, values: dict[str, float]) -> None:
                services.metrics.log(self.name, step, **values)
                state.steps[self.name] = step + 1
                bar.show(l1=f"{values['l1']:.4f}")
                bar.update()

            pretrain(
                scenes,
                settings.pretrain,
                settings.seed,
                optimiser=state.transformer_optimiser(self.name, settings.pretrain.learning_rate),
                first_step=done,
                after_step=after_step,
            )
        seeds = [derive_seed(settings.seed, "identity", i) for i in range(50)]
        errors = identity_error(scenes, scenes.propose(seeds))
        services.folder.write_json("identity_error.json", errors)
