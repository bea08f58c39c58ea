"""Experiments whose target is drawn from a grammar that the learner never sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.experiments.experiment import Experiment, Options
from metasim_backend.grammar import Grammar, load_grammar, sample_scene
from metasim_backend.settings import without_younger
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.training.run_config import RunConfig, resolve_settings
from metasim_backend.training.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class HiddenTargetExperiment(Experiment):
    """A generator that learns from pictures of a hidden grammar.

    Attributes:
        grammar, target: files below ``scenes/``.
        settings: of the training.
    """

    grammar: str
    target: str
    settings: Mapping[str, object] = field(default_factory=dict)

    def grammars(self) -> tuple[Grammar, Grammar]:
        """The learner's and the hidden one."""
        return load_grammar(SCENES / self.grammar), load_grammar(SCENES / self.target)

    def run_config(self, seed: int, options: Options, *overrides: str) -> RunConfig:
        """Of a seed's training, with more overrides after the options'."""
        grammar, _ = self.grammars()
        settings = resolve_settings(
            grammar, [*options.overrides, *overrides], {**self.settings, "seed": seed}
        )
        return RunConfig(grammar, settings, None, None, options.command)

    def depends_on(self, options: Options) -> dict[str, Any]:
        grammar, hidden = self.grammars()
        settings = resolve_settings(grammar, options.overrides, dict(self.settings))
        # Settings that are younger than kept results, or that no phase reads, decide nothing.
        used = without_younger(settings)
        if "structure" not in settings.phases:
            del used["structure"]
        return {"grammar": grammar.to_dict(), "target": hidden.to_dict(), "settings": used}


def scenes_of(grammar: Grammar, seed: int, name: str, count: int) -> list[SceneGraph]:
    """Scenes of a grammar; scenes of equal seed, name and number are drawn alike."""
    return [sample_scene(grammar, derive_seed(seed, name, i)) for i in range(count)]
