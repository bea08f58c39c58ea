"""Settings that older versions wrote, and results that were made before a setting was there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metasim_backend.settings.listing import all_settings, plain
from metasim_backend.settings.reading import (
    merged,
    nested,
    settings_from_dict,
    settings_to_dict,
)
from metasim_backend.settings.training import TrainSettings


def settings_of_version(data: Mapping[str, Any]) -> TrainSettings:
    """Settings as some version wrote them: where it had no choice yet, all is as it was then.

    Raises:
        SettingsError: as :func:`settings_from_dict`.
    """
    before = {
        name: plain(setting.younger.before)
        for name, setting in all_settings().items()
        if setting.younger is not None
    }
    return settings_from_dict(merged(nested(before), data))


def without_younger(settings: TrainSettings) -> dict[str, Any]:
    """Plain data without the settings that say what was done before there was a choice.

    So results are taken for one another's that were made before and after a setting came.
    """
    data = settings_to_dict(settings)
    for name, setting in all_settings().items():
        group, _, member = name.rpartition(".")
        if setting.younger is not None and data[group][member] == plain(setting.younger.before):
            del data[group][member]
    if settings.rendering.engine != "cycles":
        data["rendering"].pop("lighting", None)  # drawn worlds have none
    if settings.match.estimator != "surrogate":
        del data["surrogate"]  # nothing reads it
    if settings.camera_model.is_identity:
        del data["camera_model"]
    return {name: value for name, value in data.items() if value != {}}
