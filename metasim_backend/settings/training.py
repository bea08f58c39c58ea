"""All settings of a run."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.settings.camera_model import CameraGroup
from metasim_backend.settings.detector import DetectorChoice
from metasim_backend.settings.evaluation import EvaluationSettings
from metasim_backend.settings.features import FeatureSettings
from metasim_backend.settings.kinds import GROUP, Count, Names, setting
from metasim_backend.settings.match import MatchSettings
from metasim_backend.settings.networks import NetworkSettings
from metasim_backend.settings.pretrain import PretrainSettings
from metasim_backend.settings.rendering import RenderingSettings
from metasim_backend.settings.structure import StructureSettings
from metasim_backend.settings.surrogate import SurrogateSettings
from metasim_backend.settings.target import TargetSettings
from metasim_backend.settings.task import TaskSettings

Phase = Literal["pretrain", "structure", "match", "task"]  # as blender_addon.contract.phases says
PHASES: tuple[Phase, ...] = get_args(Phase)
DEFAULT_PHASES: tuple[Phase, ...] = ("pretrain", "match", "task")


@dataclass(frozen=True, config=GROUP)
class TrainSettings:
    """All settings of a run, as its config.yaml holds them."""

    seed: int = setting(0, "Every random draw of a run follows from it.")
    phases: Names[Phase] = setting(
        DEFAULT_PHASES,
        "What is learned, in this order. Structure and match, next to each other, take turns.",
    )
    freeze_encoder: bool = setting(
        True, "Whether the transformer's encoder stays as it is after pre-training."
    )
    hidden: Count = setting(48, "Width of the transformer's hidden layers.")
    latent: Count = setting(
        24, "Width of a node's code between the transformer's encoder and decoder."
    )
    spread: Annotated[float, Field(gt=0)] = setting(
        0.01, "Standard deviation of a sampled attribute at the start, in units of its range."
    )

    rendering: RenderingSettings = RenderingSettings()
    camera_model: CameraGroup = CameraModel()
    networks: NetworkSettings = NetworkSettings()
    target: TargetSettings = TargetSettings()
    features: FeatureSettings = FeatureSettings()
    pretrain: PretrainSettings = PretrainSettings()
    structure: StructureSettings = StructureSettings()
    match: MatchSettings = MatchSettings()
    surrogate: SurrogateSettings = SurrogateSettings()
    task: TaskSettings = TaskSettings()
    detector: DetectorChoice = DetectorChoice()
    evaluation: EvaluationSettings = EvaluationSettings()
