"""Everything that can be set about a run, as typed data with defaults that suit a plain machine."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from blender_addon.contract.camera_model import CameraModel, CameraModelError
from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.panel import ALL_PHASES, DEFAULT_PHASES

REWARDS = ("score", "influence", "noise")
STRUCTURE_REWARDS = ("density", "mmd")
BASELINES = ("leave_one_out", "moving_average")
STRUCTURE_FEATURES = ("counts", "match")
STRUCTURE_PARTS = ("joint", "pairs")
READINGS = ("all", "labelled")
FEATURE_PARTS = ("scene", "objects", "layout", "colours")


class SettingsError(ValueError):
    """A setting that does not exist or has a wrong value; one sentence."""


@dataclass(frozen=True)
class RenderingSettings:
    """How training pictures are rendered.

    Attributes:
        width, height: pixels.
        samples: samples a pixel.
        engine: the renderer's engine: one of Blender's, or a 2-D world's own name.
        device: ``cpu`` or a GPU kind.
        lighting: ``direct`` (sun and ambient sky, without noise) or ``traced`` (path tracing).
        differences: ``exact`` (autograd, of 2-D worlds), ``local`` (only the window a change can
            touch), ``full`` frames, or ``auto``: exact where that is possible, else local.
    """

    width: int = 160
    height: int = 96
    samples: int = 1
    engine: str = "cycles"
    device: str = "cpu"
    lighting: str = "direct"
    differences: str = "auto"

    def render_settings(self) -> RenderSettings:
        """As a renderer takes them, with noise seed 0.

        Raises:
            RenderSettingsError: when a value is out of bounds.
        """
        return RenderSettings(
            self.width, self.height, self.samples, 0, self.engine, self.device,
            lighting=self.lighting,
        )  # fmt: skip


@dataclass(frozen=True)
class TargetSettings:
    """Which of the target's pictures are used.

    Attributes:
        most_alike: of pictures that are more alike than this only one is used, as of neighbouring
            frames of a video (see ``datasets/near_duplicates.py``: 1 for equal ones). 1: all are.
    """

    most_alike: float = 1.0


@dataclass(frozen=True)
class FeatureSettings:
    """The feature space φ in which pictures are compared.

    Attributes:
        network: ``auto``, ``prior``, a torchvision network's name, or a weights file's path.
        scenes: renders that the small network of the choice ``prior`` is trained on.
        epochs: passes over them.
        widen: how those scenes differ from the prior's: ``shift`` (mutable attributes a good deal
            shifted) or ``range`` (most of them drawn from their whole range).
        least_explained: an attribute of whose variance no network yet explains this share is left
            as it is: without a signal it would drift, and far off there may be no way back. 0:
            none.
        near: how scenes of rounds after the second differ from the learned generator's: ``range``
            (as in the second) or ``spread`` (each attribute of every other node moved by about
            twice its own spread, so that the network learns to see differences so small).
        harmonics: 1, or 2 to read the double of each angle too: all that can be seen of what looks
            alike from both ends, but it leaves open which way round a thing is to be turned.
        parts: what φ of the small network has of ``scene`` (the numbers that it reads off the whole
            picture), ``objects`` (those of each class's objects), ``layout`` (classes and
            attributes over a coarse grid) and ``colours`` (the picture's own). Where the target's
            surfaces are others than the renderer's, the later parts tell the two apart whatever
            the attributes, and spreads are widened to make up for it.
        rounds: parts of the matching, each with a network of its own. A later one is trained on
            the learned generator's scenes as they are then, each with one attribute of a node
            drawn from its whole range (more often one that could not be read yet): what is matched
            already need not be told apart any more.
    """

    network: str = "prior"
    scenes: int = 800
    epochs: int = 12
    widen: str = "shift"
    least_explained: float = 0.0
    near: str = "range"
    harmonics: int = 1
    parts: tuple[str, ...] = FEATURE_PARTS
    rounds: int = 1


@dataclass(frozen=True)
class PretrainSettings:
    """Phase 1, the auto-encoder.

    Attributes:
        steps: optimiser steps.
        batch: scenes a step.
        scenes: different scenes of the prior that are drawn from.
        learning_rate: Adam's.
    """

    steps: int = 250
    batch: int = 16
    scenes: int = 150
    learning_rate: float = 3e-3


@dataclass(frozen=True)
class MatchSettings:
    """Phase 2, distribution matching.

    Attributes:
        steps: optimiser steps.
        batch: scenes a step.
        learning_rate: Adam's, falling to a tenth along a cosine.
        fraction: share of attributes whose finite difference is taken in a step (random
            coordinates, the others' share made up for).
        clip: largest norm of the gradient.
        behind_features: take finite differences behind φ (``yes``, ``no``, or ``auto``: for every
            network but the small one that was trained on the prior's renders). A deep network is
            so far from linear between both sides that its pixel gradient misleads.
        hold_spread: with several rounds, an attribute keeps its spread in the first round in which
            it is matched (but for the last): its values are moved all alike. Far from the target
            a wider spread brings MMD² down sooner than a move does, and is slow to go again.
        hold_until: with ``hold_spread``, also in the rounds up to the first whose network explains
            this share of the attribute's variance (but for the last): what is hardly seen may be
            moved, but not spread.
        search: places over its range at which each attribute is tried before a round's first step,
            all nodes moved alike; it stays at the best. Needs that many renders of a batch for each
            attribute, and finds the way out of valleys that are not the target's. 0: none.
        category_weight: weight of the score-function term for categorical attributes.
        report_every: steps between pictures of progress.
    """

    steps: int = 40
    batch: int = 16
    learning_rate: float = 3e-2
    fraction: float = 0.4
    clip: float = 1.0
    behind_features: str = "auto"
    hold_spread: bool = False
    hold_until: float = 0.0
    search: int = 0
    category_weight: float = 1.0
    report_every: int = 5


@dataclass(frozen=True)
class StructureSettings:
    """The structure phase: which things stand in a scene, and how many (Meta-Sim2).

    Attributes:
        pretrain_steps, pretrain_batch, pretrain_rate: maximum likelihood on the prior's derivations
            before the first step.
        steps: steps of REINFORCE.
        batch: scenes a step; they are also what the density of synthetic pictures rests on.
        updates: optimiser steps on the same scenes.
        learning_rate: Adam's; falls to a twentieth over the second half of the steps.
        reward: ``density`` (the paper's: log-ratio of two densities at each picture) or ``mmd``
            (its ablation: each picture's own part of the batch's MMD²).
        baseline: ``leave_one_out`` or ``moving_average``.
        momentum: the moving average's memory.
        entropy: weight of a bonus for undecided choices; 0: none.
        prior_weight: weight of the Kullback-Leibler divergence from the grammar's own structure.
            Pictures tell little of some choices; the reward's noise moves those too, ever further,
            unless something holds them where the grammar has them. 0: nothing does.
        rejection_penalty: λ, the cost of each failed draw above one a scene.
        clip: largest norm of the gradient.
        reward_limit: largest reward, and with a minus the least; 0: no limit.
        picture_weight: spread over a batch of a second reward that is added to the first: each
            picture's part of MMD² in the φ of matching, in which everything shows that the
            first cannot read (beside ``counts`` its first round's φ). 0: none.
        features: what is compared: ``counts`` (how many of each class, read by a small network that
            was trained on the prior's renders) or ``match`` (the φ of matching).
        parts: how densities are taken in it: ``joint`` (all numbers at once, as in the paper) or
            ``pairs`` (the mean over every number and every pair of numbers, which needs far fewer
            pictures to tell one count from the next).
        readings: which of the small network's readings are compared: ``all``, or ``labelled``: the
            numbers of labelled objects, of each class and together. Those of the street as a whole
            (kinds of road, numbers of trees and houses), learned from renders, can mislead on
            photographs; ``picture_weight`` can take their place.
        network: what the small network reads counts off: ``own`` (the picture; all of it is trained
            on renders), or an ImageNet network that was trained on photographs, as a torchvision
            name or a weights file's path. It is frozen; only the reading is trained.
        disturbed: how strongly colours, contrast and noise of its training pictures are changed.
            Photographs differ from renders by more than a camera's 1.
        feature_scenes, feature_epochs: renders that the small network is trained on, and passes.
        latents, hidden, longest, feedback: of the network, see ``StructureGeneratorSettings``.
    """

    pretrain_steps: int = 300
    pretrain_batch: int = 256
    pretrain_rate: float = 1e-2
    steps: int = 200
    batch: int = 256
    updates: int = 2
    learning_rate: float = 5e-3
    reward: str = "density"
    baseline: str = "leave_one_out"
    momentum: float = 0.9
    entropy: float = 0.0
    prior_weight: float = 0.0
    rejection_penalty: float = 1e-2
    clip: float = 1.0
    reward_limit: float = 5.0
    picture_weight: float = 0.0
    features: str = "counts"
    parts: str = "pairs"
    readings: str = "all"
    network: str = "own"
    disturbed: float = 1.0
    feature_scenes: int = 4000
    feature_epochs: int = 12
    latents: int = 4
    hidden: int = 64
    longest: int = 200
    feedback: bool = True


@dataclass(frozen=True)
class TaskSettings:
    """Phase 3, task optimisation with REINFORCE on the task network's score.

    Attributes:
        epochs: meta-epochs; each renders a data set, trains the network and takes one step.
        scenes: scenes a meta-epoch.
        network_steps: the task network's steps a meta-epoch.
        reward: ``score`` (the paper's: one number for all scenes of a meta-epoch),
            ``influence`` (each scene's own: how much a step on it would lower the loss on the
            labelled images), or ``noise`` (a control that must not learn).
        learning_rate: Adam's for the transformer.
        weight: weight of the REINFORCE term.
        match_weight: weight of MMD² in the same step; 0 switches its gradient off.
        momentum: the moving-average baseline's memory.
    """

    epochs: int = 4
    scenes: int = 24
    network_steps: int = 40
    reward: str = "score"
    learning_rate: float = 3e-3
    weight: float = 1.0
    match_weight: float = 0.0
    momentum: float = 0.7


@dataclass(frozen=True)
class DetectorChoice:
    """The driving world's task network.

    Attributes:
        size: ``small`` (for a CPU: narrow heads, few proposals) or ``paper``.
        backbone: ``mobilenet_v2``, ``mobilenet_v3_large``, ``resnet18`` or ``resnet50`` (the
            paper's).
        weights: ``DEFAULT`` (torchvision's, where they can be had), ``none``, or a file's path.
        masks: train Mask R-CNN's mask head.
        upscale: pictures are enlarged by this before they enter the network.
        compare_steps: steps of the fresh detectors that compare prior and learned data in the
            report; 0 leaves the comparison out.
        compare_scenes: scenes that each of them is trained on.
    """

    size: str = "small"
    backbone: str = "mobilenet_v2"
    weights: str = "none"
    masks: bool = True
    upscale: float = 1.0
    compare_steps: int = 150
    compare_scenes: int = 100


@dataclass(frozen=True)
class EvaluationSettings:
    """What the report measures.

    Attributes:
        scenes: scenes rendered from prior and learned generator to measure MMD² on unseen
            target pictures.
        unseen: share of the target's pictures kept for that.
        pictures: pictures of each kind on the page.
        followed: of those, scenes that are rendered again and again while matching.
    """

    scenes: int = 48
    unseen: float = 0.4
    pictures: int = 6
    followed: int = 2


@dataclass(frozen=True)
class TrainSettings:
    """All settings of a run; ``config.yaml`` in its folder holds them as used."""

    seed: int = 0
    phases: tuple[str, ...] = DEFAULT_PHASES
    freeze_encoder: bool = True
    hidden: int = 48
    latent: int = 24
    spread: float = 0.01
    rendering: RenderingSettings = field(default_factory=RenderingSettings)
    camera_model: CameraModel = field(default_factory=CameraModel)
    target: TargetSettings = field(default_factory=TargetSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    pretrain: PretrainSettings = field(default_factory=PretrainSettings)
    structure: StructureSettings = field(default_factory=StructureSettings)
    match: MatchSettings = field(default_factory=MatchSettings)
    task: TaskSettings = field(default_factory=TaskSettings)
    detector: DetectorChoice = field(default_factory=DetectorChoice)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)


# Settings that are lists: what one of its items is called, and which there are.
_LISTS = {
    "phases": ("phase", ALL_PHASES),
    "features.parts": ("part of the features", FEATURE_PARTS),
}


def settings_from_dict(data: Mapping[str, object], kind: type = TrainSettings, path: str = ""):
    """Build settings from nested plain data, checking names and types.

    Raises:
        SettingsError: naming the setting, its value and what was expected.
    """
    fields = {f.name: f for f in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    values: dict[str, object] = {}
    for name, value in data.items():
        where = f"{path}.{name}" if path else name
        if name not in fields:
            raise SettingsError(f"There is no setting {where!r}; choose from {', '.join(fields)}.")
        hint = hints[name]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise SettingsError(f"Setting {where!r} is a group; set one of its members.")
            read = _camera_model if hint is CameraModel else settings_from_dict
            values[name] = read(value, typing.cast(type, hint), where)
        else:
            values[name] = _convert(value, hint, where)
    return kind(**values)


def _camera_model(data: Mapping[str, object], kind: type[CameraModel], path: str) -> CameraModel:
    """Numbers may be text, as ``--set`` gives them; a matrix is then nine, row by row."""
    values: dict[str, object] = {}
    for name, value in data.items():
        where = f"{path}.{name}"
        if name != "colour_matrix":
            values[name] = _convert(value, float, where)
        elif isinstance(value, str):
            numbers = [_convert(text, float, where) for text in value.split(",")]
            values[name] = [numbers[i : i + 3] for i in range(0, len(numbers), 3)]
        else:
            values[name] = value
    try:
        return kind.from_dict(values)
    except CameraModelError as error:
        raise SettingsError(f"{error}") from None


def _convert(value: object, hint: object, where: str) -> object:
    if typing.get_origin(hint) is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, Sequence):
            raise SettingsError(f"Setting {where!r} is {value!r}; a list was expected.")
        kind, choice = _LISTS[where]
        unknown = [item for item in items if item not in choice]
        if unknown:
            raise SettingsError(
                f"There is no {kind} {unknown[0]!r}; choose from {', '.join(choice)}."
            )
        twice = [item for item in items if list(items).count(item) > 1]
        if twice:
            raise SettingsError(f"Setting {where!r} names {twice[0]!r} twice; once is enough.")
        return tuple(items)
    if isinstance(hint, types.UnionType):
        hint = next(t for t in typing.get_args(hint) if t is not type(None))
    if hint is bool and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        if hint is bool and not isinstance(value, bool):
            raise ValueError
        if hint is int and isinstance(value, (float, bool)):
            raise ValueError
        return typing.cast(type, hint)(value)
    except (TypeError, ValueError):
        wanted: dict[object, str] = {
            int: "a whole number",
            float: "a number",
            bool: "true or false",
        }
        raise SettingsError(
            f"Setting {where!r} is {value!r}; {wanted.get(hint, 'text')} was expected."
        ) from None


def with_overrides(data: Mapping[str, object], overrides: Sequence[str]) -> dict:
    """Nested plain data with ``group.name=value`` texts put in; the input is not changed.

    Raises:
        SettingsError: when a text is not of that form.
    """
    out: dict = {k: dict(v) if isinstance(v, Mapping) else v for k, v in data.items()}
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError(f"--set {text!r} is not of the form name=value.")
        *groups, last = name.strip().split(".")
        target = out
        for group in groups:
            target = target.setdefault(group, {})
            if not isinstance(target, dict):
                raise SettingsError(f"--set {text!r}: {group!r} is not a group of settings.")
        target[last] = value.strip()
    return out


def settings_to_dict(settings: TrainSettings) -> dict:
    """Plain nested data, as written to ``config.yaml``."""
    data = dataclasses.asdict(settings)
    data["phases"] = list(settings.phases)
    data["camera_model"] = settings.camera_model.to_dict()
    data["features"]["parts"] = list(settings.features.parts)
    return data
