"""The structure phase of a run: what stands in a scene is learned, and how many (Meta-Sim2).

First the structure generator learns the prior's derivations by likelihood; then REINFORCE, in as
many parts as matching has rounds when both are on, so that structure and attributes take turns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.derivation import Productions
from metasim_backend.matching.count_network import CountNetwork
from metasim_backend.models.structure_generator import (
    StructureGenerator,
    StructureGeneratorSettings,
)
from metasim_backend.rendering.renderer import Renderer
from metasim_backend.settings import SettingsError, StructureSettings
from metasim_backend.training.evaluation import images_of
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.scene_generator import SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.structure_draws import Drawn, draw_scenes
from metasim_backend.training.structure_features import count_network
from metasim_backend.training.structure_learning import learn_structure
from metasim_backend.training.structure_pretraining import (
    divergence_from_prior,
    pretrain_structure,
)
from metasim_backend.training.structure_reward import StructureReward, counts_reading

if TYPE_CHECKING:
    from metasim_backend.grammar import Grammar
    from metasim_backend.training.loop import Run

PRETRAIN = "structure_pretrain"
LEARN = "structure"


def new_structure_generator(
    grammar: Grammar, settings: StructureSettings, seed: int
) -> StructureGenerator:
    """A fresh structure generator; its parameters depend on the settings and the seed only.

    Raises:
        SettingsError: when the grammar leaves nothing to choose.
    """
    productions = Productions(grammar)
    if not productions.tokens:
        raise SettingsError(
            f"The grammar {grammar.source} has the same structure in every scene, so the phase "
            "'structure' has nothing to learn; leave it out of phases."
        )
    sizes = StructureGeneratorSettings(
        settings.latents, settings.hidden, settings.longest, settings.feedback
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "structure").initial_seed())
        return StructureGenerator(productions, sizes)


class StructurePhase:
    """The state of the phase: the network, its baseline, and what is compared.

    Args:
        run: the run that it belongs to.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.settings = run.settings.structure
        self.network = new_structure_generator(run.scenes.grammar, self.settings, run.settings.seed)
        self.baseline = MovingAverage(self.settings.momentum)
        self._reward: StructureReward | None = None
        self._counts: CountNetwork | None = None

    def parts(self) -> list[tuple[int, int]]:
        """First step, and the step after the last, of each of its turns."""
        steps = self.settings.steps
        turns = self._run.turns if "match" in self._run.settings.phases else 1
        return [(steps * i // turns, steps * (i + 1) // turns) for i in range(turns)]

    def train(self, turn: int) -> None:
        """One turn; the pre-training comes before the first."""
        run = self._run
        begin, end = self.parts()[turn]
        if run.done[LEARN] >= end and run.done[PRETRAIN] >= self.settings.pretrain_steps:
            return
        self._pretrain()
        reward = self._rewarding()
        with run.bar("structure", self.settings.steps, LEARN) as bar:

            def after_step(step: int, values: dict[str, float], baseline: MovingAverage) -> None:
                run.metrics.log(LEARN, step, **values)
                run.done[LEARN] = step + 1
                self.baseline = baseline
                run.save()
                bar.show(reward=f"{values['reward']:.3f}")
                bar.update()

            learn_structure(
                self.network,
                self._draw,
                lambda drawn, step: (self._rewards(reward, drawn, step), {}),
                self.settings,
                self.baseline,
                optimiser=self._optimiser(LEARN),
                first_step=run.done[LEARN],
                part=(begin, end),
                after_step=after_step,
            )

    def state(self) -> dict:
        """What a checkpoint keeps."""
        return {"network": self.network.state_dict(), "baseline": self.baseline.value}

    def restore(self, state: dict) -> None:
        """Go on from what :meth:`state` gave."""
        self.network.load_state_dict(state["network"])
        self.baseline = MovingAverage(self.settings.momentum, state["baseline"])
        if self._run.done[PRETRAIN] >= self.settings.pretrain_steps:
            self._run.scenes.structure = self.network

    # Its parts ------------------------------------------------------------------------------

    def _pretrain(self) -> None:
        run, settings = self._run, self.settings
        if run.done[PRETRAIN] < settings.pretrain_steps:
            with run.bar("structure of the prior", settings.pretrain_steps, PRETRAIN) as bar:

                def after_step(step: int, values: dict[str, float]) -> None:
                    run.metrics.log(PRETRAIN, step, **values)
                    run.done[PRETRAIN] = step + 1
                    bar.show(excess=f"{values['excess']:.3f}")
                    bar.update()

                pretrain_structure(
                    self.network,
                    settings,
                    run.settings.seed,
                    optimiser=self._optimiser(PRETRAIN),
                    first_step=run.done[PRETRAIN],
                    after_step=after_step,
                )
            measured = divergence_from_prior(self.network, run.settings.seed)
            run.folder.write_json("structure_prior.json", {"divergence_nats": measured})
            run.scenes.structure = self.network
            run.save()
            run.keep(PRETRAIN)
        run.scenes.structure = self.network

    def counting(self) -> CountNetwork:
        """The run's count network."""
        if self._counts is None:
            self._counts = self._count_network()
        return self._counts

    def _rewarding(self) -> StructureReward:
        run = self._run
        if self.settings.features == "match":
            return StructureReward(
                run.features, run.target.matched, self.settings, whole=run.features
            )
        if self._reward is None:
            network = self._counts or run.timed("features", self.counting)
            read, error = counts_reading(network, self.settings.readings)
            self._reward = StructureReward(
                read, run.target.matched, self.settings, error, run.features
            )
        return self._reward

    def _count_network(self) -> CountNetwork:
        run = self._run
        network = count_network(
            run.folder,
            run.scenes,
            self.network.productions,
            run.renderer,
            run.render_settings,
            self.settings,
            run.settings.features.widen,
            run.settings.seed,
            run.bar,
        )
        run.folder.write_json("structure_readings.json", network.explained())
        return network

    def _optimiser(self, name: str) -> torch.optim.Optimizer:
        return self._run.optimiser_of(name, list(self.network.parameters()), 1e-3)

    def _draw(self, step: int) -> Drawn:
        run = self._run
        seed = run.settings.seed
        seeds = [derive_seed(seed, "structure", step, i) for i in range(self.settings.batch)]
        return draw_scenes(run.scenes.grammar, self.network, seeds)

    def _rewards(self, reward: StructureReward, drawn: Drawn, step: int) -> Tensor:
        source = generator(self._run.settings.seed, "structure-reward", step)
        return reward(self._pictures(drawn, step), source)

    def _pictures(self, drawn: Drawn, step: int) -> Tensor:
        run = self._run
        seed = derive_seed(run.settings.seed, "structure-attributes", step)
        scenes = run.scenes.transform_all(drawn.scenes, seed)
        return pictures(run.renderer, run.render_settings, scenes)


def pictures(renderer: Renderer, settings: RenderSettings, scenes: list[SceneGraph]) -> Tensor:
    """[N, 3, H, W] uint8 pictures without labels, the fast way where the renderer has one."""
    fast: Callable[..., Tensor] | None = getattr(renderer, "images", None)
    if fast is not None:
        images = fast(scenes, settings)
        return images if images.shape[1] == 3 else images.expand(-1, 3, -1, -1)
    frames = renderer.render(scenes, noise_seeds(settings, scenes))
    return (images_of(frames) * 255).round().to(torch.uint8)


def load_structure(
    scenes: SceneGenerator, settings: StructureSettings, seed: int, state: dict | None, done: dict
) -> None:
    """Give a generator the structure that a checkpoint holds, if it was learned by then."""
    if state is None or done.get(PRETRAIN, 0) < settings.pretrain_steps:
        return
    network = new_structure_generator(scenes.grammar, settings, seed)
    network.load_state_dict(state["network"])
    scenes.structure = network
