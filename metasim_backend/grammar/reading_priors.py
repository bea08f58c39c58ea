"""Priors read from a grammar file and held against their attribute and the possible parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metasim_backend.grammar.language import NUMERIC_KINDS, AttributeSpec, ClassSpec
from metasim_backend.grammar.priors import (
    Choice,
    Constant,
    Given,
    Normal,
    Parameter,
    Prior,
    Uniform,
)
from metasim_backend.grammar.source import Located, suggestion

PRIOR_KINDS = {
    "continuous": ("normal", "uniform", "constant"),
    "circular": ("normal", "uniform", "constant"),
    "categorical": ("choice", "constant"),
    "integer": ("constant", "uniform"),
}


@dataclass(frozen=True)
class Use:
    """What a prior is for.

    Attributes:
        attribute: the attribute drawn from it (its own prior is not looked at).
        parents: the classes that the node's parent can have; empty for the root.
    """

    attribute: AttributeSpec
    parents: Mapping[str, ClassSpec]


def read_prior(found: Located, use: Use) -> Prior:
    """Read one prior and check it whole.

    Raises:
        GrammarError: naming file, line and key.
    """
    data = found.mapping()
    if "given" in data or "cases" in data:
        return _read_given(found, use)
    if len(data) != 1:
        found.fail(f"a prior has one key such as 'normal', not {len(data)}.")
    ((kind, value),) = data.items()
    allowed = PRIOR_KINDS[use.attribute.kind]
    if kind not in allowed:
        known = {name for names in PRIOR_KINDS.values() for name in names}
        if kind not in known:
            value.fail(f"unknown prior {kind!r}{suggestion(kind, [*allowed, 'given'])}.")
        value.fail(
            f"the prior {kind!r} does not suit {use.attribute.kind} attribute "
            f"{use.attribute.name!r}; use {' or '.join(allowed)}."
        )
    if kind == "normal":
        return _read_normal(value, use)
    if kind == "uniform":
        return _read_uniform(value, use)
    if kind == "choice":
        return _read_choice(value, use.attribute)
    return _read_constant(value, use)


def read_value(found: Located, use: Use) -> Prior:
    """Read what stands below ``set``: a prior, or just a number or category."""
    is_prior = isinstance(found.value, dict) and "parent" not in found.value
    return read_prior(found, use) if is_prior else _read_constant(found, use)


def _read_normal(found: Located, use: Use) -> Normal:
    places = found.sequence(2)
    mean, deviation = (read_parameter(place, use) for place in places)
    _check_in_range(mean, places[0], use, "the mean")
    if _least(deviation, use) < 0:
        places[1].fail(f"the standard deviation can be {_least(deviation, use):g}, below 0.")
    return Normal(mean, deviation)


def _read_uniform(found: Located, use: Use) -> Uniform:
    places = found.sequence(2)
    low, high = (read_parameter(place, use) for place in places)
    gap = _least(high.minus(low), use)
    if gap < 0:
        found.fail(f"the range is inverted: its upper end can be {-gap:g} below its lower end.")
    if use.attribute.kind == "circular" and gap > use.attribute.span:
        found.fail(f"the range is longer than the period of {use.attribute.span:g}.")
    _check_in_range(low, places[0], use, "the lower end")
    _check_in_range(high, places[1], use, "the upper end")
    return Uniform(low, high)


def _read_choice(found: Located, attribute: AttributeSpec) -> Choice:
    if isinstance(found.value, list):
        weights = [(place.name(), 1.0, place) for place in found.sequence()]
    else:
        weights = [(str(n), place.number(), place) for n, place in found.mapping().items()]
    for i, (name, weight, place) in enumerate(weights):
        if name not in attribute.values:
            place.fail(
                f"{name!r} is not one of the values of {attribute.name!r}"
                f"{suggestion(name, attribute.values)}."
            )
        if name in (earlier for earlier, _, _ in weights[:i]):
            place.fail(f"{name!r} occurs twice.")
        if weight < 0:
            place.fail(f"the weight {weight:g} is below 0.")
    if not sum(weight for _, weight, _ in weights) > 0:
        found.fail("the weights add to 0; at least one must be above 0.")
    return Choice(tuple((name, weight) for name, weight, _ in weights))


def _read_constant(found: Located, use: Use) -> Constant:
    attribute = use.attribute
    if attribute.kind == "categorical":
        name = found.name()
        if name not in attribute.values:
            found.fail(
                f"{name!r} is not one of the values of {attribute.name!r}"
                f"{suggestion(name, attribute.values)}."
            )
        return Constant(name)
    if attribute.kind == "integer":
        if not isinstance(found.value, float) or not found.value.is_integer():
            found.whole()
        value = Parameter(float(found.value))
    else:
        value = read_parameter(found, use)
    _check_in_range(value, found, use, "the constant")
    return Constant(value)


def _read_given(found: Located, use: Use) -> Given:
    data = found.mapping(("given", "cases"), ("given", "cases"))
    text = data["given"].text()
    if not text.startswith("parent.") or text == "parent.":
        data["given"].fail(f"{text!r} is neither parent.class nor parent.<attribute>.")
    if not use.parents:
        data["given"].fail(f"the root has no parent for {use.attribute.name!r} to depend on.")
    name = text.removeprefix("parent.")
    if name == "class":
        expected = tuple(use.parents)
    else:
        categories: dict[str, None] = {}
        for parent in use.parents.values():
            spec = parent.by_name.get(name)
            if spec is None:
                data["given"].fail(
                    f"the parent can be a {parent.name!r}, which has no attribute {name!r}"
                    f"{suggestion(name, parent.by_name)}."
                )
            if spec.kind != "categorical":
                data["given"].fail(f"{parent.name}.{name} is {spec.kind}, not categorical.")
            categories.update(dict.fromkeys(spec.values))
        expected = tuple(categories)
    cases = data["cases"].mapping()
    for case, place in cases.items():
        if case not in expected:
            place.fail(f"{case!r} is no case of {text}{suggestion(case, expected)}.")
    for case in expected:
        if case not in cases:
            data["cases"].fail(f"the case {case!r} of {text} is missing.")

    def narrowed(case: str) -> Use:
        return Use(use.attribute, {case: use.parents[case]}) if name == "class" else use

    read = tuple((str(case), read_prior(item, narrowed(case))) for case, item in cases.items())
    return Given(None if name == "class" else name, read)


def read_parameter(found: Located, use: Use) -> Parameter:
    """Read a number, or ``{parent: attribute, times: factor, plus: more}``.

    ``plus`` holds a number, another such mapping, or a list of either.
    """
    if not isinstance(found.value, dict):
        return Parameter(found.number())
    data = found.mapping(("parent", "times", "plus"), ("parent",))
    name = data["parent"].name()
    if not use.parents:
        data["parent"].fail(f"the root has no parent for {use.attribute.name!r} to depend on.")
    for parent in use.parents.values():
        spec = parent.by_name.get(name)
        if spec is None:
            data["parent"].fail(
                f"the parent can be a {parent.name!r}, which has no attribute {name!r}"
                f"{suggestion(name, parent.by_name)}."
            )
        if spec.kind not in NUMERIC_KINDS:
            data["parent"].fail(f"{parent.name}.{name} is {spec.kind}, not a number.")
    constant = 0.0
    terms: tuple[tuple[str, float], ...] = (
        (name, data["times"].number() if "times" in data else 1.0),
    )
    if "plus" in data:
        plus = data["plus"]
        for part in plus.sequence() if isinstance(plus.value, list) else [plus]:
            more = read_parameter(part, use)
            constant += more.constant
            terms += more.terms
    return Parameter(constant, terms)


def _bounds(parameter: Parameter, use: Use) -> tuple[float, float]:
    """The least and greatest value of a parameter below any possible parent."""
    found = [
        parameter.bounds({name: parent.by_name[name].bounds for name, _ in parameter.terms})
        for parent in use.parents.values()
    ] or [(parameter.constant, parameter.constant)]
    return min(low for low, _ in found), max(high for _, high in found)


def _least(parameter: Parameter, use: Use) -> float:
    # Sums of a file's decimals leave dust that must not count as "below 0".
    least = _bounds(parameter, use)[0]
    return 0.0 if abs(least) < 1e-9 else least


def _check_in_range(parameter: Parameter, place: Located, use: Use, what: str) -> None:
    low, high = use.attribute.bounds
    if use.attribute.kind == "circular":
        low = -high
    least, most = _bounds(parameter, use)
    if most < low or least > high:
        value = f"{least:g}" if least == most else f"between {least:g} and {most:g}"
        place.fail(
            f"{what} is {value}, outside the range [{low:g}, {high:g}] of {use.attribute.name!r}."
        )
