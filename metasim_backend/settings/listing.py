"""Every setting with its default, what it can be and its help, read off the groups themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from blender_addon.contract.camera_model import BOUNDS, CameraModel
from metasim_backend.settings.kinds import Younger
from metasim_backend.settings.training import TrainSettings

_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_SIDES = ("ge", "gt", "le", "lt")
_BOUNDS = {
    (): "",
    ("ge",): "of at least {:g}",
    ("gt",): "above {:g}",
    ("ge", "le"): "from {:g} to {:g}",
    ("gt", "lt"): "between {:g} and {:g}",
}


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: with its group, such as ``match.steps``.
        default: as YAML has it, of a run whose grammar says nothing else.
        wanted: what it takes, such as ``a number above 0`` or ``yes, no``.
        help: what it does.
        bounds: of a number: ``ge``, ``gt``, ``le`` and ``lt``, as far as it has them.
        choices: all that it takes, where they can be counted; of a list, what it is made of.
        younger: None, or what was done before there was a choice.
    """

    name: str
    default: Any
    wanted: str
    help: str
    bounds: Mapping[str, float] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    younger: Younger | None = None

    @property
    def group(self) -> str:
        """Its group's name; the run's own settings have none."""
        return self.name.rpartition(".")[0]

    @property
    def default_text(self) -> str:
        """The default as ``--set`` takes it."""
        return _text(self.default)

    @property
    def remedy(self) -> str:
        """What to do about a wrong value."""
        return f"{'choose from' if self.choices else 'give'} {self.wanted}"


def groups() -> dict[str, Any]:
    """Every group's defaults by its name; those of the run itself have none."""
    run = TrainSettings()
    members = {each.name: getattr(run, each.name) for each in fields(run)}
    return {"": run} | {name: value for name, value in members.items() if is_dataclass(value)}


def group_titles() -> dict[str, str]:
    """What each group is about, by its name."""
    return {name: (group.__doc__ or "").partition("\n")[0] for name, group in groups().items()}


@cache
def all_settings() -> dict[str, Setting]:
    """Every setting by its name."""
    return {each.name: each for name, group in groups().items() for each in _members(name, group)}


def plain(value: Any) -> Any:
    """As YAML has it, all through: lists in place of tuples."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _members(group: str, defaults: Any) -> Iterator[Setting]:
    prefix = f"{group}." if group else ""
    if isinstance(defaults, CameraModel):
        for name, (least, greatest, unit, meaning) in BOUNDS.items():
            kind = "nine numbers" if name == "colour_matrix" else "a number"
            bounds = {"ge": least, "le": greatest}
            wanted = f"{kind} {_in_words(bounds)} {unit}".rstrip()
            yield Setting(prefix + name, plain(getattr(defaults, name)), wanted, meaning, bounds)
        return
    for name, info in type(defaults).__pydantic_fields__.items():
        default = getattr(defaults, name)
        if not is_dataclass(default):
            yield _setting(prefix + name, default, info)


def _setting(name: str, default: Any, info: FieldInfo) -> Setting:
    kind: Any = info.annotation
    item = get_args(kind)[0] if get_origin(kind) is tuple else kind
    choices = get_args(item) if get_origin(item) is Literal else ()
    marks = info.metadata
    bounds = {key: getattr(mark, key) for mark in marks for key in _SIDES if hasattr(mark, key)}
    wanted = ", ".join(choices) or f"{_KINDS[kind]} {_in_words(bounds)}".rstrip()
    younger = next((mark for mark in marks if isinstance(mark, Younger)), None)
    return Setting(name, plain(default), wanted, info.description or "", bounds, choices, younger)


def _in_words(bounds: Mapping[str, float]) -> str:
    return _BOUNDS[tuple(bounds)].format(*bounds.values())
