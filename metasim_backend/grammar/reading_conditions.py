"""The conditions of a grammar file (``require``), checked against its classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blender_addon.contract.street_classes import STREET_CLASSES, STREETS
from metasim_backend.grammar import structure
from metasim_backend.grammar.conditions import Condition, CountBetween, NoCollision, NoOverlap
from metasim_backend.grammar.derivation import Productions
from metasim_backend.grammar.language import Grammar
from metasim_backend.grammar.source import Located, suggestion

FEW_TRIES, MANY_TRIES = 300, 5000
LEAST_MET = 1 / 400  # of all derivations; a scene is drawn 200 times before it is given up


def read_condition(found: Located, grammar: Grammar) -> Condition:
    """One entry of ``require``.

    Raises:
        GrammarError: what is wrong and where.
    """
    kinds = ("no_overlap", "no_collision", "count")
    data = found.mapping((*kinds, "length", "width", "gap", "between"))
    kind = [name for name in kinds if name in data]
    if len(kind) != 1:
        found.fail("a condition is one of 'no_overlap', 'no_collision' and 'count'.")
    named = data[kind[0]]
    for place in named.sequence():
        if place.name() not in grammar.class_by_name:
            known = grammar.class_by_name
            place.fail(f"unknown class {place.value!r}{suggestion(place.value, known)}.")
    classes = tuple(place.name() for place in named.sequence())
    if not classes:
        named.fail("the list of classes is empty.")
    if "count" in data:
        data = found.mapping(("count", "between"), ("between",))
        least, most = (place.whole() for place in data["between"].sequence(2))
        if not 0 <= least <= most:
            data["between"].fail(f"the range is inverted: {least} to {most}.")
        return CountBetween(classes, least, most, found.place)
    if "no_collision" in data:
        return _read_no_collision(found, named, classes, grammar)
    data = found.mapping(("no_overlap", "length", "width"), ("length",))
    for name in ("along", "across") if "width" in data else ("along",):
        _check_continuous(named, name, classes, grammar)
    sizes: dict[str, float | str] = {}
    for name in ("length", "width"):
        if name not in data:
            continue
        place = data[name]
        if isinstance(place.value, str) and place.value.isidentifier():
            _check_continuous(place, place.value, classes, grammar)
            sizes[name] = place.value
        else:
            sizes[name] = place.number()
            if not place.number() > 0:
                place.fail(f"the {name} {place.number():g} is not above 0.")
    return NoOverlap(classes, sizes["length"], sizes.get("width"), found.place)


def check_counts(grammar: Grammar, places: Sequence[Located]) -> None:
    """That derivations of the grammar meet its conditions on counts now and then.

    Raises:
        GrammarError: naming the condition that rejects nearly everything, and the rule that makes
            most of what it counts.
    """
    counted = [c for c in grammar.conditions if isinstance(c, CountBetween)]
    if not counted:
        return
    productions = Productions(grammar)
    rng = np.random.default_rng(0)
    for tries in (FEW_TRIES, MANY_TRIES):
        tokens, finished = productions.sample(tries, rng)
        counts = productions.class_counts(tokens)
        if (finished & productions.meets_conditions(counts)).mean() >= LEAST_MET:
            return
    # The one that is met least; where each is met often enough, they contradict each other.
    alone = {
        condition: productions.meets(condition, counts)[finished].mean() for condition in counted
    }
    worst = min(alone, key=lambda condition: alone[condition])
    place = places[grammar.conditions.index(worst)]
    rule = structure.making_rule(grammar, worst.classes)
    maker = f"; the rule {rule.name!r} makes most of them" if rule is not None else ""
    together = " with the other conditions" if alone[worst] >= LEAST_MET else ""
    place.fail(
        f"nearly every scene is rejected{together}: of {MANY_TRIES} derivations "
        f"{int(alone[worst] * finished.sum())} have {worst.least} to {worst.most} of "
        f"{', '.join(worst.classes)}{maker}; loosen the condition or change the counts."
    )


def _read_no_collision(
    found: Located, named: Located, classes: tuple[str, ...], grammar: Grammar
) -> NoCollision:
    data = found.mapping(("no_collision", "gap"))
    for name in classes:
        if grammar.domain != STREETS or name not in STREET_CLASSES:
            named.fail(f"{name!r} is nothing that stands on a street; use 'no_overlap'.")
    gap = data["gap"].number() if "gap" in data else 0.0
    if gap < 0:
        data["gap"].fail(f"the gap {gap:g} is below 0.")
    return NoCollision(classes, gap, found.place)


def _check_continuous(
    found: Located, name: str, classes: tuple[str, ...], grammar: Grammar
) -> None:
    for class_name in classes:
        spec = grammar.class_by_name[class_name].by_name.get(name)
        if spec is None or spec.kind != "continuous":
            found.fail(f"the class {class_name!r} has no continuous attribute {name!r}.")
