"""Grammar files: read whole and checked whole, before anything is sampled.

The language is described at the head of ``scenes/driving.yaml``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.catalogue import Asset, user_assets
from blender_addon.contract.frames import RenderSettings, RenderSettingsError
from blender_addon.contract.scene_graph import MAX_NODES
from blender_addon.contract.street_classes import STREETS
from metasim_backend.grammar import structure
from metasim_backend.grammar.language import KINDS, AttributeSpec, ClassSpec, Grammar
from metasim_backend.grammar.own_models import with_own_models
from metasim_backend.grammar.priors import Constant, Parameter, Prior
from metasim_backend.grammar.reading_camera import KEY, read_camera
from metasim_backend.grammar.reading_conditions import check_counts, read_condition
from metasim_backend.grammar.reading_priors import Use, read_prior, read_value
from metasim_backend.grammar.rules import Item, Rule
from metasim_backend.grammar.source import Located, locate, merge, read_file, suggestion

KEYS = ("domain", "start", "symbols", "classes", "rules", "require", "render", "camera_model")
DEFAULT_STEP = 0.02  # of the range or the period
_UNREAD = Constant(Parameter())  # stands in for priors until the families are known
_SUM_TOLERANCE = 1e-6


def load_grammar(path: str | os.PathLike, assets: Sequence[Asset] | None = None) -> Grammar:
    """Read and check a grammar file (YAML), and the files that it extends.

    Args:
        assets: users' models, which may be drawn too; None: those of ``METASIM_ASSETS``.

    Raises:
        GrammarError: one sentence naming file, line and key.
        CatalogueError: when a user's catalogue is wrong.
    """
    grammar = _read(read_file(path), str(path))
    if grammar.domain != STREETS:
        return grammar
    return with_own_models(grammar, user_assets() if assets is None else assets)


def grammar_from_dict(data: Mapping, source: str = "grammar") -> Grammar:
    """Read and check the data that :meth:`Grammar.to_dict` gives.

    Raises:
        GrammarError: one sentence naming the key.
    """
    return _read(locate(dict(data) if isinstance(data, Mapping) else data, source), source)


def with_overrides(grammar: Grammar, changes: Mapping) -> Grammar:
    """The grammar with changes laid over it, as a file with ``extends`` would lay them.

    Raises:
        GrammarError: when the result does not hold together.
    """
    base, over = locate(grammar.to_dict(), grammar.source), locate(dict(changes), "overrides")
    return _read(merge(base, over), grammar.source)


def _read(tree: Located, source: str) -> Grammar:
    data = tree.mapping(KEYS, ("domain", "start", "classes", "rules"))
    classes = tuple(_read_class(place) for place in data["classes"].mapping().values())
    names = tuple(spec.name for spec in classes)
    symbols: tuple[str, ...] = ()
    for place in data["symbols"].sequence() if "symbols" in data else ():
        if place.name() in (*names, *symbols):
            place.fail(f"the name {place.value!r} is already taken.")
        symbols += (place.name(),)
    if data["start"].name() not in names:
        start = data["start"]
        start.fail(f"unknown class {start.value!r}{suggestion(start.value, names)}.")
    _check_names(data["classes"], names)
    draft = Grammar(
        domain=data["domain"].name(),
        start=data["start"].name(),
        classes=classes,
        rules=tuple(_read_rule(place, names, symbols) for place in data["rules"].sequence()),
        symbols=symbols,
        source=source,
    )
    _check_rules(draft, data)
    draft = _with_priors(draft, data)
    require = data["require"].sequence() if "require" in data else []
    draft = replace(draft, conditions=tuple(read_condition(place, draft) for place in require))
    check_counts(draft, require)
    return replace(
        draft,
        render=_read_render(data["render"]) if "render" in data else RenderSettings(),
        camera_model=read_camera(data[KEY]) if KEY in data else CameraModel(),
    )


# Classes


def _read_class(found: Located) -> ClassSpec:
    name = found.key.removeprefix("classes.")
    replace(found, value=name).name()
    data = found.mapping(("attributes",)) if found.value is not None else {}
    attributes = data["attributes"].mapping() if "attributes" in data else {}
    return ClassSpec(name, tuple(_read_attribute(str(n), a) for n, a in attributes.items()))


def _check_names(found: Located, names: tuple[str, ...]) -> None:
    """Ids are numbered class names, so no class may look like one."""
    for name, place in found.mapping().items():
        if re.search(r"_\d+$", name) and name.rsplit("_", 1)[0] in names:
            place.fail(f"the class {name!r} looks like a node's id; choose another name.")


def _read_attribute(name: str, found: Located) -> AttributeSpec:
    replace(found, value=name).name()
    if name == "class":
        found.fail("an attribute cannot be named 'class'.")
    kind = found.mapping(required=("kind", "prior"))["kind"]
    if kind.value not in KINDS:
        kind.fail(f"unknown kind {kind.value!r}{suggestion(kind.value, KINDS)}.")
    keys = {
        "continuous": ("range", "step"),
        "circular": ("period", "step"),
        "categorical": ("values",),
        "integer": ("range",),
    }[kind.value]
    needed = () if kind.value == "integer" else keys[:1]
    data = found.mapping(("kind", "prior", "mutable", "unit", *keys), needed)
    mutable = data["mutable"].truth() if "mutable" in data else False
    if mutable and kind.value == "integer":
        data["mutable"].fail("an integer attribute cannot be mutable; make it continuous.")
    spec = AttributeSpec(
        name=name,
        kind=kind.value,
        prior=_UNREAD,
        mutable=mutable,
        unit=data["unit"].text() if "unit" in data else "",
        range=_read_range(data["range"]) if "range" in data else None,
        period=data["period"].number() if "period" in data else None,
        values=_read_values(data["values"]) if "values" in data else (),
    )
    if spec.period is not None and not spec.period > 0:
        data["period"].fail(f"the period {spec.period:g} is not above 0.")
    if "step" not in keys:
        return spec
    step = data["step"].number() if "step" in data else DEFAULT_STEP * spec.span
    if not 0 < step < spec.span / 2:
        data["step"].fail(f"the step {step:g} is not between 0 and half of {spec.span:g}.")
    return replace(spec, step=step)


def _read_range(found: Located) -> tuple[float, float]:
    low, high = (place.number() for place in found.sequence(2))
    if not low < high:
        found.fail(f"the range is inverted or empty: {low:g} is not below {high:g}.")
    return low, high


def _read_values(found: Located) -> tuple[str, ...]:
    values: tuple[str, ...] = ()
    for place in found.sequence():
        if place.name() in values:
            place.fail(f"the value {place.value!r} occurs twice.")
        values += (place.name(),)
    if not values:
        found.fail("the list of values is empty.")
    return values


# Rules


def _read_rule(found: Located, classes: tuple[str, ...], symbols: tuple[str, ...]) -> Rule:
    keys = ("name", "expand", "probability", "into", "set")
    data = found.mapping(keys, ("name", "expand", "into"))
    known = (*classes, *symbols)
    symbol = data["expand"]
    if symbol.name() not in known:
        symbol.fail(f"unknown class {symbol.value!r}{suggestion(symbol.value, known)}.")
    probability = data["probability"].number() if "probability" in data else 1.0
    if not 0 <= probability <= 1:
        data["probability"].fail(f"the probability {probability:g} is not between 0 and 1.")
    items = tuple(_read_item(place, classes, symbols) for place in data["into"].sequence())
    return Rule(data["name"].name(), symbol.name(), probability, items)


def _read_item(found: Located, classes: tuple[str, ...], symbols: tuple[str, ...]) -> Item:
    known = (*classes, *symbols)
    if isinstance(found.value, dict):
        data = found.mapping(("class", "as", "count", "set"), ("class",))
        place = data["class"]
    else:
        data, place = {}, found
    name = place.name()
    if name not in known:
        place.fail(f"unknown class {name!r}{suggestion(name, known)}.")
    is_class = name in classes
    symbol = name
    if "as" in data:
        symbol = data["as"].name()
        if not is_class:
            data["as"].fail(f"'as' goes with a class, and {name!r} is only a symbol.")
        if symbol not in symbols:
            data["as"].fail(f"unknown symbol {symbol!r}{suggestion(symbol, symbols)}.")
    if "set" in data and not is_class:
        data["set"].fail(f"{name!r} is only a symbol and has no attributes to set.")
    counts = _read_counts(data["count"]) if "count" in data else ((1, 1.0),)
    return Item(name if is_class else None, symbol, counts)


def _read_counts(found: Located) -> tuple[tuple[int, float], ...]:
    if not isinstance(found.value, dict):
        if not 0 <= found.whole() <= MAX_NODES:
            found.fail(f"the count {found.value} is not between 0 and {MAX_NODES}.")
        return ((found.value, 1.0),)
    counts: dict[int, float] = {}
    for name, place in found.value.items():
        # JSON has no keys but text.
        if not str(name).isdecimal() or int(name) > MAX_NODES:
            place.fail(f"the count {name!r} is not a whole number from 0 to {MAX_NODES}.")
        if int(name) in counts:
            place.fail(f"the count {name} occurs twice.")
        counts[int(name)] = place.number()
        if counts[int(name)] < 0:
            place.fail(f"the probability {place.number():g} is below 0.")
    total = sum(counts.values())
    if abs(total - 1) > _SUM_TOLERANCE:
        found.fail(f"the probabilities of the counts add to {total:g}, not to 1.")
    return tuple(counts.items())


def _check_rules(grammar: Grammar, data: dict[str, Located]) -> None:
    places = dict(zip(grammar.rules, data["rules"].sequence(), strict=True))
    seen: dict[str, Located] = {}
    for rule in grammar.rules:
        if rule.name in seen:
            places[rule].fail(f"the rule name {rule.name!r} occurs twice.")
        seen[rule.name] = places[rule]
    for symbol, rules in grammar.rules_by_symbol.items():
        total = sum(rule.probability for rule in rules)
        if abs(total - 1) > _SUM_TOLERANCE:
            last = places[rules[-1]].value
            last.get("probability", last["name"]).fail(
                f"the probabilities of the {len(rules)} rules for {symbol!r} add to {total:g}, "
                "not to 1."
            )
    symbols, classes = structure.reachable(grammar)
    for name, place in data["classes"].mapping().items():
        if name not in classes:
            place.fail(f"the class {name!r} is never reached from {grammar.start!r} by any rule.")
    for place in data["symbols"].sequence() if "symbols" in data else ():
        if place.value not in symbols:
            place.fail(f"the symbol {place.value!r} is never reached from {grammar.start!r}.")
        if place.value not in grammar.rules_by_symbol:
            place.fail(f"the symbol {place.value!r} has no rule that expands it.")
    for rule in grammar.rules:
        if rule.symbol not in symbols:
            places[rule].fail(
                f"the rule is never used: nothing that is reached from {grammar.start!r} "
                f"expands as {rule.symbol!r}."
            )
    endless = structure.endless(grammar)
    if endless:
        first = places[grammar.rules_by_symbol[endless[0]][0]]
        first.fail(f"{endless[0]!r} cannot terminate: every rule for it leads on for ever.")
    rate = structure.growth(grammar)
    if rate > 1 - 1e-9:
        places[structure.growing_rule(grammar)].fail(
            f"the rules do not terminate in the mean: recursion makes {rate:.3g} symbols for each "
            "one that it expands, by this rule most; it must be below 1."
        )
    for rules in grammar.rules_by_symbol.values():
        only = rules[0]
        if len(rules) == 1 and not only.items and "set" not in places[only].value:
            places[only].fail(
                f"the rule is empty: it makes nothing and sets nothing, and {only.symbol!r} has no "
                "other; give it items, or leave it out."
            )


# Priors: they can be checked only when the possible parents are known


def _with_priors(grammar: Grammar, data: dict[str, Located]) -> Grammar:
    families = structure.families(grammar)
    specs = grammar.class_by_name

    def use(class_name: str, attribute: AttributeSpec, parents: tuple[str, ...]) -> Use:
        if class_name == grammar.start and not parents:
            return Use(attribute, {})
        return Use(attribute, {name: specs[name] for name in parents})

    def read_sets(
        found: Located, class_name: str, parents: tuple[str, ...]
    ) -> tuple[tuple[str, Prior], ...]:
        spec = specs[class_name]
        priors = []
        for name, place in found.mapping().items():
            if name not in spec.by_name:
                place.fail(
                    f"the class {class_name!r} has no attribute {name!r}"
                    f"{suggestion(name, spec.by_name)}."
                )
            priors.append((name, read_value(place, use(class_name, spec.by_name[name], parents))))
        return tuple(priors)

    def read_rule(rule: Rule, found: Located) -> Rule:
        items = []
        for item, place in zip(rule.items, found.value["into"].sequence(), strict=True):
            if isinstance(place.value, dict) and "set" in place.value and item.class_name:
                parents = families.owners[rule.symbol]
                sets = read_sets(place.value["set"], item.class_name, parents)
                item = replace(item, sets=sets)
            items.append(item)
        sets = ()
        if "set" in found.value:
            for owner in families.owners[rule.symbol]:
                sets = read_sets(found.value["set"], owner, families.parents[owner])
        return replace(rule, items=tuple(items), sets=sets)

    def read_class(spec: ClassSpec) -> ClassSpec:
        if not spec.attributes:
            return spec
        places = data["classes"].value[spec.name].value["attributes"].value
        return ClassSpec(
            spec.name,
            tuple(
                replace(
                    attribute,
                    prior=read_prior(
                        places[attribute.name].value["prior"],
                        use(spec.name, attribute, families.parents[spec.name]),
                    ),
                )
                for attribute in spec.attributes
            ),
        )

    rules = zip(grammar.rules, data["rules"].sequence(), strict=True)
    return replace(
        grammar,
        classes=tuple(read_class(spec) for spec in grammar.classes),
        rules=tuple(read_rule(rule, place) for rule, place in rules),
    )


# Render settings


def _read_render(found: Located) -> RenderSettings:
    settings = asdict(RenderSettings())
    del settings["passes"]  # what to write beside the pictures is asked for on the command line
    for name, place in found.mapping(tuple(settings)).items():
        kind = type(settings[name])
        settings[name] = {bool: place.truth, int: place.whole, str: place.text}[kind]()
        try:
            RenderSettings(**settings)
        except RenderSettingsError as error:
            place.fail(f"{error}")
    return RenderSettings(**settings)
