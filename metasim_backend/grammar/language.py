"""The grammar as data: classes with attributes, rules, conditions. Nothing here reads a file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import structure
from metasim_backend.grammar.conditions import Condition
from metasim_backend.grammar.priors import AttributeValue, Prior, prior_to_data
from metasim_backend.grammar.rules import Rule

KINDS = ("continuous", "circular", "categorical", "integer")
NUMERIC_KINDS = ("continuous", "circular", "integer")


class GrammarError(ValueError):
    """A grammar that cannot be used; one sentence naming file, line, key and remedy."""


@dataclass(frozen=True)
class AttributeSpec:
    """One attribute of a class.

    Attributes:
        name: such as ``"yaw"``.
        kind: ``"continuous"``, ``"circular"``, ``"categorical"`` or ``"integer"``.
        prior: the distribution that it is drawn from.
        mutable: whether the distribution transformer may change it.
        unit: such as ``"m"`` or ``"deg"``; for readers and reports only.
        range: (least, greatest) value of a continuous, and optionally of an integer, attribute.
        period: the period of a circular attribute.
        values: the categories of a categorical attribute.
        step: half width of a finite difference, in the attribute's unit.
    """

    name: str
    kind: str
    prior: Prior
    mutable: bool = False
    unit: str = ""
    range: tuple[float, float] | None = None
    period: float | None = None
    values: tuple[str, ...] = ()
    step: float | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest number; infinite for an integer without a range."""
        if self.kind == "circular":
            return 0.0, float(self.period or 0.0)
        return self.range if self.range is not None else (-math.inf, math.inf)

    @property
    def span(self) -> float:
        """Length of the range, or the period."""
        low, high = self.bounds
        return high - low

    def fit(self, value: AttributeValue) -> AttributeValue:
        """A drawn or learned value made legal: clipped to the range, wrapped, rounded."""
        if self.kind == "categorical":
            return str(value)
        if self.kind == "circular":
            wrapped = float(value) % self.span
            return wrapped if wrapped < self.span else 0.0  # a tiny negative rounds up
        low, high = self.bounds
        clipped = min(max(float(value), low), high)
        return round(clipped) if self.kind == "integer" else clipped

    def to_dict(self) -> dict:
        """The form that a grammar file has for the attribute."""
        data: dict = {"kind": self.kind}
        if self.range is not None:
            data["range"] = list(self.range)
        if self.period is not None:
            data["period"] = self.period
        if self.values:
            data["values"] = list(self.values)
        if self.unit:
            data["unit"] = self.unit
        if self.step is not None:
            data["step"] = self.step
        return {**data, "mutable": self.mutable, "prior": prior_to_data(self.prior)}


@dataclass(frozen=True)
class ClassSpec:
    """A class of nodes and its attributes, in the file's order."""

    name: str
    attributes: tuple[AttributeSpec, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, AttributeSpec]:
        return {attribute.name: attribute for attribute in self.attributes}


@dataclass(frozen=True)
class Grammar:
    """A checked grammar. Orders are the file's, so that everything derived from it is stable.

    Attributes:
        domain: which world the scene graphs belong to, such as ``"driving"``.
        start: the class of the root.
        classes: every class of nodes.
        symbols: non-terminals that are not classes.
        rules: every production.
        conditions: what each scene must meet.
        render: the settings to render with.
        camera_model: what makes pictures of the renderer's light.
        source: the file it was read from, for messages.
    """

    domain: str
    start: str
    classes: tuple[ClassSpec, ...]
    rules: tuple[Rule, ...]
    symbols: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    render: RenderSettings = RenderSettings()
    camera_model: CameraModel = CameraModel()
    source: str = field(default="grammar", compare=False)

    @cached_property
    def class_by_name(self) -> dict[str, ClassSpec]:
        return {spec.name: spec for spec in self.classes}

    @cached_property
    def rules_by_symbol(self) -> dict[str, tuple[Rule, ...]]:
        """Alternatives of each symbol; a symbol without rules is absent: it is a terminal."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            found.setdefault(rule.symbol, []).append(rule)
        return {symbol: tuple(rules) for symbol, rules in found.items()}

    @cached_property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """The classes that can be the parent of each class; empty for a class that is only root."""
        return structure.families(self).parents

    @cached_property
    def single(self) -> frozenset[str]:
        """The classes of which no scene can have more than one node; their id is their name."""
        return structure.single_classes(self)

    def to_dict(self) -> dict:
        """The whole grammar as JSON- and YAML-ready data; the inverse of grammar_from_dict.

        The order of keys has a meaning (it is the encoding's): write it without sorting them.
        """
        data: dict = {
            "domain": self.domain,
            "start": self.start,
            "symbols": list(self.symbols),
            "classes": {
                spec.name: {"attributes": {a.name: a.to_dict() for a in spec.attributes}}
                for spec in self.classes
            },
            "rules": [rule.to_dict() for rule in self.rules],
            "require": [condition.to_dict() for condition in self.conditions],
            "render": _render_to_dict(self.render),
        }
        if not self.camera_model.is_identity:
            data["camera_model"] = self.camera_model.to_dict()
        return data


def _render_to_dict(render: RenderSettings) -> dict:
    """As in a grammar file, where only what differs from the default need be said."""
    data = render.to_dict()
    data.pop("lighting", None)
    default = RenderSettings().lighting
    return data if render.lighting == default else {**data, "lighting": render.lighting}
