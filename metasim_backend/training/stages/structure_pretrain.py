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
    label: ClassVar[str] = "Structure of the prior"
    shown: ClassVar[str] = "excess"

    def run(self, state: State, services: Services) -> None:
        assert state.structure is not None
        network, wanted = state.structure, services.settings.structure
        seed = services.settings.seed
        done = state.steps[self.name]
        optimiser = state.use_optimiser(self.name, list(network.parameters()), wanted.pretrain_rate)
        with self.work(services, self.end, done) as work:
            for step, values in pretrain_structure(
                network, wanted, seed, optimiser=optimiser, first_step=done
            ):
                self.note(state, services, work, step, values)
                work.update()
        measured = divergence_from_prior(network, seed)
        services.folder.write_json("structure_prior.json", {"divergence_nats": measured})
        state.scenes.structure = network
