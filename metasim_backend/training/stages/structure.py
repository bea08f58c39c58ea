"""What stands in a scene is learned, and how many, by REINFORCE (Meta-Sim2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from blender_addon.contract.phases import LABELS
from metasim_backend.settings import TrainSettings
from metasim_backend.training.checkpoint import save_state
from metasim_backend.training.evaluation import pictures
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.stages.stage import Stage, parts
from metasim_backend.training.stages.structure_pretrain import StructurePretrain
from metasim_backend.training.state import State, timed
from metasim_backend.training.structure_draws import Drawn, draw_scenes
from metasim_backend.training.structure_features import counting
from metasim_backend.training.structure_learning import learn_structure
from metasim_backend.training.structure_reward import StructureReward, counts_reading


@dataclass(frozen=True)
class Structure(Stage):
    """A turn of learning structure."""

    name: ClassVar[str] = "structure"
    phase: ClassVar[str] = "structure"
    label: ClassVar[str] = LABELS["structure"]
    shown: ClassVar[str] = "reward"

    @classmethod
    def planned(cls, settings: TrainSettings, turns: int) -> list[Sequence[Stage]]:
        first = StructurePretrain(0, settings.structure.pretrain_steps)
        return [
            [*([] if turn else [first]), cls(begin, end, turn)]
            for turn, (begin, end) in enumerate(parts(settings.structure.steps, turns))
        ]

    def run(self, state: State, services: Services) -> None:
        assert state.structure is not None
        network, settings = state.structure, services.settings.structure
        seed = services.settings.seed
        state.scenes.structure = network
        reward = rewarding(state, services)
        renderer = services.renderer(state.camera_model)

        def draw(step: int) -> Drawn:
            seeds = [derive_seed(seed, self.name, step, i) for i in range(settings.batch)]
            return draw_scenes(services.grammar, network, seeds)

        def rewards(drawn: Drawn, step: int) -> Tensor:
            scenes = state.scenes.transform_all(
                drawn.scenes, derive_seed(seed, "structure-attributes", step)
            )
            shown = pictures(renderer, services.render_settings, scenes)
            return reward(shown, generator(seed, "structure-reward", step))

        done = state.steps[self.name]
        steps = learn_structure(
            network,
            draw,
            rewards,
            settings,
            state.structure_baseline,
            optimiser=state.use_optimiser(
                self.name, list(network.parameters()), settings.learning_rate
            ),
            first_step=done,
            part=(self.begin, self.end),
        )
        with self.work(services, settings.steps, done) as work:
            for step, values, baseline in steps:
                state.structure_baseline = baseline
                self.note(state, services, work, step, values)
                save_state(state, services)
                work.update()


def rewarding(state: State, services: Services) -> StructureReward:
    """What a picture earns: in the φ of matching, or by the count network's readings, which are
    the same in all turns."""
    settings, target = services.settings.structure, services.target.matched
    if settings.features == "match":
        features = state.matcher.features
        return StructureReward(features, target, settings, whole=features)
    with timed(state, services, "features"):
        network = counting(state, services)
    read, error = counts_reading(network, settings.readings)
    return StructureReward(read, target, settings, error, state.matchers[0].features)
