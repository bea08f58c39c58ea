"""Settings from plain nested data and from ``--set`` texts, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from blender_addon.contract.camera_model import CameraModelError
from blender_addon.contract.text_files import shown
from metasim_backend.settings.listing import all_settings, groups, plain
from metasim_backend.settings.names import SettingsError, no_such_setting
from metasim_backend.settings.training import TrainSettings

LARGEST = 10**12
"""Of whole numbers but the seed."""


def settings_from_dict(data: Mapping[str, Any]) -> TrainSettings:
    """Build settings from nested plain data; numbers, truth values and lists may be text.

    Raises:
        SettingsError: naming the setting, its value and what it takes.
    """
    for name in _names(data):
        if name not in all_settings():
            raise no_such_setting(name)
    try:
        settings = TrainSettings(**data)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None
    for name, value in _members(settings_to_dict(settings)):
        if name != "seed" and isinstance(value, int) and abs(value) > LARGEST:
            raise SettingsError(
                f"Setting {name!r} is {shown(value)}, more than anything can be counted to; "
                f"{all_settings()[name].remedy}."
            )
    return settings


def settings_to_dict(settings: TrainSettings) -> dict[str, Any]:
    """Plain nested data, as written to ``config.yaml``."""
    return {name: plain(value) for name, value in asdict(settings).items()}


def with_overrides(data: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Nested plain data with ``group.name=value`` texts put in; the input is not changed.

    Raises:
        SettingsError: when a text is not of that form.
    """
    values: dict[str, object] = {}
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError(f"--set {shown(text)} is not of the form name=value.")
        values[name.strip()] = value.strip()
    return merged(data, nested(values))


def nested(values: Mapping[str, object]) -> dict[str, Any]:
    """Values by their settings' whole names as nested plain data.

    Raises:
        SettingsError: when one name is another's group.
    """
    out: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        members = out
        for group in path:
            members = members.setdefault(group, {})
            if not isinstance(members, dict):
                raise no_such_setting(name)
        members[last] = value
    return out


def merged(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested plain data with changes put in; neither input is changed."""
    out = dict(data)
    for name, value in changes.items():
        before = out.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = merged(before, value)
        out[name] = value
    return out


def _members(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Whole names and values of nested plain data."""
    for member, value in data.items():
        if isinstance(value, Mapping):
            yield from _members(value, f"{prefix}{member}.")
        else:
            yield f"{prefix}{member}", value


def _names(data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for member, value in data.items():
        name = f"{prefix}{member}"
        if isinstance(value, Mapping) and not value and name not in groups().keys() - {""}:
            yield name
        elif isinstance(value, Mapping):
            yield from _names(value, f"{name}.")
        elif name in groups():
            raise SettingsError(f"Setting {name!r} is a group; set one of its members.")
        else:
            yield name


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(part for part in first["loc"] if isinstance(part, str))
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, CameraModelError):
        return str(cause)
    if cause is not None:
        return f"Setting {name!r} {cause}."
    verb = "names" if isinstance(first["loc"][-1], int) else "is"
    return f"Setting {name!r} {verb} {shown(first['input'])}; {all_settings()[name].remedy}."
