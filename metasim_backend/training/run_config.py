"""A run's resolved configuration: grammar, settings, and where the target is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.datasets.targets import fitting_size
from metasim_backend.grammar import Grammar, grammar_from_dict, load_grammar
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.run_files.run_folder import RunFolder, RunFolderError
from metasim_backend.settings import (
    SettingsError,
    TrainSettings,
    merged,
    settings_from_dict,
    settings_of_version,
    settings_to_dict,
    with_overrides,
)
from metasim_backend.training.fixed_attributes import fixed_slots
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.state import load_learned, new_scenes, new_structure
from metasim_backend.training.target import Target
from metasim_backend.training.task_network import new_task_network, task_of
from metasim_backend.worlds.registry import check_camera, world_of
from metasim_backend.worlds.world import World

MOST_PLAIN = 0.5  # of the target's pictures may be of one colour
SMALLEST_TARGET = 8
READ_ON_A_SURROGATE = ("match.estimator", "match.report_every", "match.batch", "match.clip")
"""Of the group match; the last two by the task's phase."""


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


def plan_run(
    path: Path,
    *,
    grammar: Path | None,
    target: Path | None,
    validation: Path | None,
    overrides: Sequence[str] = (),
    defaults: Mapping[str, object] | None = None,
    command: Sequence[str] = (),
    force: bool = False,
) -> tuple[RunConfig, Target]:
    """Check everything that was asked for; nothing is made or replaced.

    Make the run's folder with ``RunFolder.create(path, config.to_dict(), force=force)`` when what
    else the run needs is there too.

    Raises:
        RunFolderError, GrammarError, SettingsError, DatasetError, FeaturesError, BackboneError:
            the user's mistakes.
    """
    if grammar is None or target is None:
        missing = "a grammar file" if grammar is None else "a folder of target images (--target)"
        raise RunFolderError(f"Training needs {missing}; or go on with a run with --resume.")
    RunFolder.check_free(path, force=force)
    read = load_grammar(grammar)
    config = RunConfig(
        read,
        resolve_settings(read, overrides, defaults, picture_size(read, target)),
        target.resolve(),
        validation.resolve() if validation else None,
        tuple(command),
    )
    images = read_target(config)
    check_networks(config)
    return config, images


def resolve_settings(
    grammar: Grammar,
    overrides: Sequence[str] = (),
    defaults: Mapping[str, object] | None = None,
    size: tuple[int, int] | None = None,
) -> TrainSettings:
    """All settings of a new run: the grammar's way to render, in the given size, then the
    defaults, then ``--set``.

    Raises:
        SettingsError: on a setting that does not exist or a wrong value.
    """
    render = grammar.render
    base: dict[str, object] = {
        "rendering": {
            "width": size[0] if size else render.width,
            "height": size[1] if size else render.height,
            "samples": render.samples,
            "engine": default_engine(grammar),
            "lighting": render.lighting,
        },
        "camera_model": grammar.camera_model.to_dict(),
    }
    settings = settings_from_dict(with_overrides(merged(base, defaults or {}), overrides))
    world = world_of(grammar.domain)
    settings = _with_estimator(settings, world)
    _refuse_unread(settings, overrides)
    check_camera(grammar.domain, settings.camera_model)
    engine = settings.rendering.engine
    if engine not in world.engines:
        raise SettingsError(
            f"Setting 'rendering.engine' is {engine!r}; choose from {', '.join(world.engines)}."
        )
    if settings.task.reward == "influence" and world.task == "detector":
        raise SettingsError(
            "Setting 'task.reward' is 'influence', which the detector does not offer; use 'score'."
        )
    fixed_slots(Encoding(grammar), settings.surrogate.fixed)  # says what is wrong
    readable = any(
        attribute.mutable and attribute.kind in ("continuous", "circular")
        for spec in grammar.classes
        for attribute in spec.attributes
    )
    if settings.phases != ("structure",) and settings.features.network == "prior" and not readable:
        raise SettingsError(
            "Setting 'phases' is "
            f"{','.join(settings.phases)!r}, and {grammar.source} has no number that may be "
            "learned; make one mutable, or set phases=structure."
        )
    if "structure" in settings.phases:
        learned = settings.structure
        if (learned.reward, learned.features, learned.parts) == ("density", "match", "pairs"):
            raise SettingsError(
                "Setting 'structure.parts' is 'pairs', and the φ of matching has too many numbers "
                "for that; set structure.parts=joint, or structure.features=counts."
            )
        new_structure(grammar, settings.structure, settings.seed)  # says what is wrong
    return with_whole_paths(settings)


def _with_estimator(settings: TrainSettings, world: World) -> TrainSettings:
    """The same with an estimator that this world has, where it was left open."""
    if settings.match.estimator == "surrogate" and not world.in_depth:
        raise SettingsError(
            "Setting 'match.estimator' is 'surrogate', which reads objects with 3-D boxes, and the "
            f"world {world.domain!r} has none; use 'gradient'."
        )
    if settings.match.estimator != "auto":
        return settings
    matched = world.in_depth and "match" in settings.phases
    match = replace(settings.match, estimator="surrogate" if matched else "gradient")
    return replace(settings, match=match)


def _refuse_unread(settings: TrainSettings, overrides: Sequence[str]) -> None:
    """Who sets how differences are taken must not believe that it was heeded."""
    if settings.match.estimator != "surrogate":
        return
    for name in (override.partition("=")[0].strip() for override in overrides):
        if name.startswith("match.") and name not in READ_ON_A_SURROGATE:
            raise SettingsError(
                f"Setting {name!r} is of differences, and this run matches on a surrogate, which "
                "does not read it; add match.estimator=gradient, or leave it out (metasim settings "
                "surrogate)."
            )


def default_engine(grammar: Grammar) -> str:
    """The engine that the grammar names, or the only one of its world."""
    engines = world_of(grammar.domain).engines
    return grammar.render.engine if grammar.render.engine in engines else engines[0]


def picture_size(grammar: Grammar, target: Path) -> tuple[int, int]:
    """The size to train at: a 2-D world's own, else one that suits the target pictures."""
    size = fitting_size(target)  # says what is wrong with the folder
    render = grammar.render
    return size if world_of(grammar.domain).in_depth else (render.width, render.height)


def with_whole_paths(settings: TrainSettings) -> TrainSettings:
    """Paths of weights files so that they hold in any folder a run is resumed from."""

    def whole(choice: str) -> str:
        return str(Path(choice).resolve()) if Path(choice).is_file() else choice

    return replace(
        settings,
        features=replace(settings.features, network=whole(settings.features.network)),
        structure=replace(settings.structure, network=whole(settings.structure.network)),
        surrogate=replace(
            settings.surrogate,
            network=whole(settings.surrogate.network),
            pretrained=whole(settings.surrogate.pretrained),
        ),
        detector=replace(settings.detector, weights=whole(settings.detector.weights)),
    )


def check_networks(config: RunConfig) -> None:
    """Weights that cannot be had are said at once, not when their phase begins.

    Raises:
        FeaturesError, BackboneError: with what to install or to give.
    """
    from metasim_backend.features.extractor import build_features
    from metasim_backend.networks.device import network_device
    from metasim_backend.networks.imagenet import imagenet_network
    from metasim_backend.training.estimators.pretrained_reader import chosen_file

    settings = config.settings
    network_device(settings.networks.device)
    if settings.features.network not in ("auto", "prior"):
        build_features(settings.features.network)
    if "structure" in settings.phases and settings.structure.network != "own":
        imagenet_network(settings.structure.network)
    if "match" in settings.phases and settings.match.estimator == "surrogate":
        imagenet_network(settings.surrogate.network)
        chosen_file(settings, Encoding(config.grammar))
    if config.validation is not None:
        new_task_network(settings, config.grammar.domain)


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
            settings_of_version(data["settings"]),
            Path(data["target"]) if data["target"] else None,
            Path(data["validation"]) if data["validation"] else None,
            tuple(data["command"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{folder.config} lacks {error}; it was damaged.") from None
    return folder, config


def load_camera(folder: RunFolder, config: RunConfig) -> CameraModel:
    """The camera of a run: its checkpoint's, or where that holds none its settings'."""
    state = folder.load_checkpoint() or {}
    kept = state.get("camera_model")
    with folder.used():
        return config.settings.camera_model if kept is None else CameraModel.from_dict(kept)


def read_target(config: RunConfig) -> Target:
    """Read, check and split the target images and the labelled images.

    Raises:
        DatasetError: naming the folder or file; TargetError: when there are too few.
    """
    from metasim_backend.datasets.class_names import parse_names
    from metasim_backend.datasets.readers.labelled import check_cars, read_labelled
    from metasim_backend.datasets.targets import TargetImages, is_plain

    rendering = config.settings.rendering
    if config.target is None:
        raise TargetError("The run has no target folder; train it with --target.")
    skipped: list[str] | None = [] if config.settings.target.skip_bad else None
    images = TargetImages.read(config.target, rendering.width, rendering.height, skipped=skipped)
    different = images.different(config.settings.target.most_alike)
    if len(different) < SMALLEST_TARGET:
        which = "images" if len(different) == len(images) else "images that differ enough"
        raise TargetError(
            f"{config.target} has {len(different)} {which}; give at least {SMALLEST_TARGET}."
        )
    if is_plain(images.images).float().mean() > MOST_PLAIN:
        raise TargetError(
            f"Most pictures in {config.target} are of one colour, so there is nothing in them to "
            "match; look at them, and give a folder of photographs."
        )
    unseen = config.settings.evaluation.unseen
    # The reward is measured on labelled images, so its part of the others serves matching too.
    seen = (1 - unseen) / 2
    match, more, report = different.split((seen, seen, unseen), config.settings.seed)
    validation = None
    if config.validation is not None:
        if task_of(config.grammar.domain) != "detector":
            raise TargetError(
                f"The labelled folder {config.validation} has boxes, and the task network of the "
                f"world {config.grammar.domain!r} is not scored by boxes; leave --validation out."
            )
        names = parse_names(config.settings.target.classes)
        validation = read_labelled(
            config.validation, rendering.width, rendering.height, names=names, skipped=skipped
        )
        check_cars(config.validation, validation, names)
    matched = torch.cat([match.images, more.images])
    return Target(matched, report.images, validation, skipped=tuple(skipped or ()))


def load_generator(
    folder: RunFolder, config: RunConfig, after: str | None = None
) -> SceneGenerator:
    """The learned generator of a run.

    Args:
        after: a phase, for the generator as it was when that ended; None: as it is now.

    Raises:
        RunFolderError: when the run has no checkpoint yet.
    """
    saved = folder.load_checkpoint() if after is None else folder.load_checkpoint(f"after_{after}")
    if saved is None:
        lacks = "no checkpoint yet" if after is None else f"not come to the end of {after!r} yet"
        raise RunFolderError(f"{folder.path} has {lacks}; train it, or go on with --resume.")
    settings = config.settings
    scenes = new_scenes(config.grammar, settings)
    structure = None
    if "structure" in saved:
        structure = new_structure(config.grammar, settings.structure, settings.seed)
    with folder.used("last" if after is None else f"after_{after}"):
        load_learned(scenes, structure, saved, settings.structure)
    return scenes
