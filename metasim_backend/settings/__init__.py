"""All settings of a run: one group a file, each choice and bound in its type, its help beside it.

The command line, ``config.yaml``, what the panel may change and ``metasim settings`` are made from
them.
"""

from metasim_backend.settings.detector import DetectorChoice
from metasim_backend.settings.evaluation import EvaluationSettings
from metasim_backend.settings.features import FEATURE_PARTS, FeatureSettings
from metasim_backend.settings.listing import Setting, all_settings, group_titles
from metasim_backend.settings.match import MatchSettings
from metasim_backend.settings.names import SettingsError, settings_named
from metasim_backend.settings.networks import NetworkSettings
from metasim_backend.settings.pretrain import PretrainSettings
from metasim_backend.settings.reading import (
    merged,
    nested,
    settings_from_dict,
    settings_to_dict,
    with_overrides,
)
from metasim_backend.settings.rendering import RenderingSettings
from metasim_backend.settings.structure import StructureSettings
from metasim_backend.settings.target import TargetSettings
from metasim_backend.settings.task import REWARDS, TaskSettings
from metasim_backend.settings.training import PHASES, TrainSettings
from metasim_backend.settings.versions import settings_of_version, without_younger

__all__ = [
    "FEATURE_PARTS",
    "PHASES",
    "REWARDS",
    "DetectorChoice",
    "EvaluationSettings",
    "FeatureSettings",
    "MatchSettings",
    "NetworkSettings",
    "PretrainSettings",
    "RenderingSettings",
    "Setting",
    "SettingsError",
    "StructureSettings",
    "TargetSettings",
    "TaskSettings",
    "TrainSettings",
    "all_settings",
    "group_titles",
    "merged",
    "nested",
    "settings_from_dict",
    "settings_named",
    "settings_of_version",
    "settings_to_dict",
    "with_overrides",
    "without_younger",
]
