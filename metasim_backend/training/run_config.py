"""A run's resolved configuration: grammar, settings, and where the target is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from metasim_backend.grammar import Grammar, grammar_from_dict, load_grammar
from metasim_backend.run_files.run_folder import RunFolder, RunFolderError
from metasim_backend.training.loop import Target
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.settings import (
    TrainSettings,
    settings_from_dict,
    settings_to_dict,
    with_overrides,
)

SMALLEST_TARGET = 8


class TargetError(ValueError):
    """Target images that cannot be learned from; one sentence."""


@dataclass(frozen=True)
class RunConfig:
    """What ``config.yaml`` holds.

    Attributes:
        grammar: the whole grammar, so that a run can be read without its file.
        settings: as used.
        target, validation: folders, or None.
        command: the command line that began the run.
    """

    grammar: Grammar
    settings: TrainSettings
    target: Path | None
    validation: Path | None
    command: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        return {
            "command": list(self.command),
            "target": str(self.target) if self.target else None,
            "validation": str(self.validation) if self.validation else None,
            "settings": settings_to_dict(self.settings),
            "grammar": self.grammar.to_dict(),
        }


def new_run(
    path: Path,
    *,
    grammar: Path | None,
    target: Path | None,
    validation: Path | None,
    overrides: Sequence[str] = (),
    defaults: Mapping[str, object] | None = None,
    command: Sequence[str] = (),
    force: bool = False,
) -> tuple[RunFolder, RunConfig]:
    """Check everything that was asked for, then make the run's folder.

    Raises:
        RunFolderError, GrammarError, SettingsError, DatasetError: the user's mistakes.
    """
    if grammar is None or target is None:
        missing = "a grammar file" if grammar is None else "a folder of target images (--target)"
        raise RunFolderError(f"Training needs {missing}; or go on with a run with --resume.")
    read = load_grammar(grammar)
    render = read.render
    base: dict[str, object] = {
        "rendering": {
            "width": render.width,
            "height": render.height,
            "samples": render.samples,
            "engine": render.engine,
        }
    }
    for group, values in (defaults or {}).items():
        known = base.get(group)
        merged = (
            {**known, **values}
            if isinstance(known, dict) and isinstance(values, Mapping)
            else values
        )
        base[group] = merged
    settings = settings_from_dict(with_overrides(base, overrides))
    config = RunConfig(
        read,
        settings,
        target.resolve(),
        validation.resolve() if validation else None,
        tuple(command),
    )
    read_target(config)  # a wrong folder must be said before anything is made or replaced
    return RunFolder.create(path, config.to_dict(), force=force), config


def open_run(path: Path) -> tuple[RunFolder, RunConfig]:
    """A run that exists, with its configuration.

    Raises:
        RunFolderError: when it is not one, or its configuration was damaged.
    """
    folder = RunFolder.open(path)
    data = folder.read_config()
    try:
        config = RunConfig(
            grammar_from_dict(data["grammar"]),
            settings_from_dict(data["settings"]),
            Path(data["target"]) if data["target"] else None,
            Path(data["validation"]) if data["validation"] else None,
            tuple(data["command"]),
        )
    except (KeyError, TypeError) as error:
        raise RunFolderError(f"{folder.config} lacks {error}; it was damaged.") from None
    return folder, config


def read_target(config: RunConfig) -> Target:
    """Read, check and split the target images and the labelled images.

    Raises:
        DatasetError: naming the folder or file; TargetError: when there are too few.
    """
    from metasim_backend.datasets.labelled import read_labelled
    from metasim_backend.datasets.targets import TargetImages

    rendering = config.settings.rendering
    if config.target is None:
        raise TargetError("The run has no target folder; train it with --target.")
    images = TargetImages.read(config.target, rendering.width, rendering.height)
    if len(images) < SMALLEST_TARGET:
        raise TargetError(
            f"{config.target} has {len(images)} images; give at least {SMALLEST_TARGET}."
        )
    unseen = config.settings.evaluation.unseen
    # The reward is measured on labelled images, so its part of the others serves matching too.
    seen = (1 - unseen) / 2
    match, more, report = images.split((seen, seen, unseen), config.settings.seed)
    validation = None
    if config.validation is not None:
        validation = read_labelled(config.validation, rendering.width, rendering.height)
    return Target(torch.cat([match.images, more.images]), report.images, validation)


def load_generator(folder: RunFolder, config: RunConfig) -> SceneGenerator:
    """The learned generator of a run.

    Raises:
        RunFolderError: when the run has no checkpoint yet.
    """
    from metasim_backend.models.distribution_transformer import TransformerSettings

    state = folder.load_checkpoint()
    if state is None:
        raise RunFolderError(
            f"{folder.path} has no checkpoint yet; train it, or go on with --resume."
        )
    settings = config.settings
    scenes = SceneGenerator(
        config.grammar,
        TransformerSettings(settings.hidden, settings.latent, settings.spread),
        settings.seed,
    )
    scenes.transformer.load_state_dict(state["transformer"])
    return scenes
