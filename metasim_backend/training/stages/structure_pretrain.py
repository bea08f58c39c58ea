"""The structure generator learns the prior's derivations by likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from metasim_backend.training.services import Services
from metasim_backend.training.stages.stage import Stage
from metasim_backend.training.state import State
from metasim_backend.training.structure_pretraining import (
    divergence_from_prior,
    pretrain_structure,
)


@dataclass(frozen=True)
class StructurePretrain(Stage):
    """Before the first step on structure: without it REINFORCE does not converge."""

    name: ClassVar[str] = "structure_pretrain"
    phase: ClassVar[str] = "structure"

    def run(self, state: State, services: Services) -> None:
        assert state.structure is not None
        settings = services.settings.structure
        done = state.steps[self.name]
        with services.bar("structure of the prior", self.end, done) as bar:

            def after_step(step: int, values: dict[str, float]) -> None:
                services.metrics.log(self.name, step, **values)
                state.steps[self.name] = step + 1
                bar.show(excess=f"{values['excess']:.3f}")
                bar.update()

            pretrain_structure(
                state.structure,
                settings,
                services.settings.seed,
                optimiser=state.use_optimiser(
                    self.name, list(state.structure.parameters()), settings.pretrain_rate
                ),
                first_step=done,
                after_step=after_step,
            )
        measured = divergence_from_prior(state.structure, services.settings.seed)
        services.folder.write_json("structure_prior.json", {"divergence_nats": measured})
        state.scenes.structure = state.structure
