"""The state of a run: what its checkpoint holds, and what is made again from the run's folder.

Every random draw is named by the run's seed, the stage and the step (see ``seeds``), so no
generator of random numbers is part of it: a run that is interrupted and resumed does the very
same arithmetic as one that is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.features.count_network import CountNetwork
from metasim_backend.grammar import Grammar
from metasim_backend.grammar.derivation import Productions
from metasim_backend.models.distribution_transformer import TransformerSettings
from metasim_backend.models.structure_generator import (
    StructureGenerator,
    StructureGeneratorSettings,
)
from metasim_backend.settings import SettingsError, StructureSettings, TrainSettings
from metasim_backend.tasks.task import TaskNetwork
from metasim_backend.training.matching import Matcher
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import generator
from metasim_backend.training.services import Services
from metasim_backend.training.visibility import Visibility


@dataclass(eq=False)
class State:
    """What changes in a run.

    Attributes:
        scenes: the learned generator.
        structure: its structure generator, which ``scenes`` uses once it knows the prior; None
            where no structure is learned.
        camera_model: takes all pictures.
        baseline, structure_baseline: of the rewards of the task and of structures.
        steps: how many steps each stage has taken.
        seconds: what each phase has taken.
        optimiser, optimiser_of: the stage's that is under way, and that stage's name.
        optimiser_state: what a checkpoint holds of it, until the stage asks for it.
        task_network: of the task stage, once it is needed.
        visibility: what the networks of the rounds can read. From here on nothing is in a
            checkpoint; it is made again from the run's folder.
        matchers: what is compared with, a round each up to the one that the run is in.
        counts: the count network, once it is needed.
    """

    scenes: SceneGenerator
    structure: StructureGenerator | None
    camera_model: CameraModel
    baseline: MovingAverage
    structure_baseline: MovingAverage
    visibility: Visibility
    steps: dict[str, int]
    seconds: dict[str, float]
    optimiser: torch.optim.Optimizer | None = None
    optimiser_of: str = ""
    optimiser_state: dict[str, Any] | None = None
    task_network: TaskNetwork | None = None
    matchers: list[Matcher] = field(default_factory=list)
    counts: CountNetwork | None = None

    @property
    def matcher(self) -> Matcher:
        """Of the round that the run is in."""
        return self.matchers[-1]

    def use_optimiser(
        self, stage: str, parameters: Sequence[nn.Parameter], rate: float
    ) -> torch.optim.Optimizer:
        """The stage's optimiser: as it was, also in the checkpoint, or a fresh one."""
        if self.optimiser is None or self.optimiser_of != stage:
            self.optimiser = torch.optim.Adam(parameters, lr=rate)
            if self.optimiser_state is not None and self.optimiser_of == stage:
                self.optimiser.load_state_dict(self.optimiser_state)
            self.optimiser_of, self.optimiser_state = stage, None
        return self.optimiser

    def transformer_optimiser(self, stage: str, rate: float) -> torch.optim.Optimizer:
        """The same over what may be learned of the transformer now."""
        learned = [p for p in self.scenes.transformer.parameters() if p.requires_grad]
        return self.use_optimiser(stage, learned, rate)


def new_state(services: Services, stages: Iterable[str]) -> State:
    """The state before the first step; it depends on grammar, settings and seed only.

    Args:
        stages: names of the stages whose steps are counted.
    """
    settings = services.settings
    scenes = new_scenes(services.grammar, settings)
    structure = None
    if "structure" in settings.phases:
        structure = new_structure(services.grammar, settings.structure, settings.seed)
    visibility = Visibility(
        [slot.name for slot in scenes.encoding.slots],
        settings.features.rounds,
        settings.features.least_explained,
        settings.match.hold_spread,
        settings.match.hold_until,
    )
    return State(
        scenes,
        structure,
        settings.camera_model,
        MovingAverage(settings.task.momentum),
        MovingAverage(settings.structure.momentum),
        visibility,
        steps=dict.fromkeys(stages, 0),
        seconds=dict.fromkeys(("features", *settings.phases, "report"), 0.0),
    )


def new_scenes(grammar: Grammar, settings: TrainSettings) -> SceneGenerator:
    """A fresh generator. Where only structure is learned, its transformer is left out."""
    sizes = TransformerSettings(settings.hidden, settings.latent, settings.spread)
    scenes = SceneGenerator(grammar, sizes, settings.seed)
    scenes.changes_attributes = tuple(settings.phases) != ("structure",)
    return scenes


def new_structure(grammar: Grammar, settings: StructureSettings, seed: int) -> StructureGenerator:
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


@contextmanager
def timed(state: State, services: Services, name: str) -> Iterator[None]:
    """Count the time of what is done within, without that of what is timed inside it."""
    started, counted = services.clock(), sum(state.seconds.values())
    yield
    within = sum(state.seconds.values()) - counted
    spent = services.clock() - started - within
    state.seconds[name] = state.seconds.get(name, 0.0) + spent


def load_learned(
    scenes: SceneGenerator,
    structure: StructureGenerator | None,
    checkpoint: Mapping[str, Any],
    settings: StructureSettings,
) -> None:
    """Give a generator the parameters of a checkpoint, and its structure if that was learned."""
    scenes.transformer.load_state_dict(checkpoint["transformer"])
    if structure is not None and "structure" in checkpoint:
        structure.load_state_dict(checkpoint["structure"]["network"])
        if checkpoint.get("done", {}).get("structure_pretrain", 0) >= settings.pretrain_steps:
            scenes.structure = structure
