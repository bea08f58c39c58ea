"""From a scene graph back to the derivation that made it.

The nodes below a node are read from left to right as a sentence of the grammar; what a rule or an
item sets tells apart what classes alone do not (a tree on the left from one on the right). Where
several derivations make the same scene, the likeliest is found, given the attributes, and how much
of the probability of all of them it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.language import AttributeSpec, Grammar, GrammarError
from metasim_backend.grammar.priors import (
    AttributeValue,
    Choice,
    Constant,
    Given,
    Normal,
    Prior,
    Uniform,
)
from metasim_backend.grammar.rules import Item, Rule
from metasim_backend.grammar.sampling import RuleChoice, SkeletonNode

SPIKE = 1e-6  # of the range: a number so near counts as equal, and mass is as dense as that


@dataclass(frozen=True)
class Parse:
    """A derivation of a scene.

    Attributes:
        choices: the likeliest derivation.
        derivations: how many there are that make the scene.
        share: of the probability of all of them, that of the likeliest; 1 where it is the only one.
    """

    choices: tuple[RuleChoice, ...]
    derivations: int
    share: float


def parse(grammar: Grammar, scene: SceneGraph, *, mutable: bool = True) -> Parse:
    """The derivation of a scene.

    Args:
        scene: one that fits the grammar; node order is derivation order.
        mutable: take mutable attributes as evidence too. Say no for a scene whose attributes the
            transformer has changed, which may lie where no prior does.

    Raises:
        GrammarError: when no derivation makes the scene, or when a symbol leads to itself before it
            makes anything.
    """
    rows = {node.id: i for i, node in enumerate(scene.nodes)}
    specs = grammar.class_by_name
    for node in scene.nodes:
        if node.class_name not in specs:
            raise GrammarError(f"Node {node.id!r} has unknown class {node.class_name!r}.")

    def evidence(row: int, sets: Mapping[str, Prior]) -> float:
        node = scene.nodes[row]
        parent = None if node.parent is None else scene.node(node.parent)
        above_class = "" if parent is None else parent.class_name
        above: Mapping[str, AttributeValue] = {} if parent is None else parent.attributes
        total = 0.0
        for spec in specs[node.class_name].attributes:
            if spec.name not in node.attributes:
                raise GrammarError(f"Node {node.id!r} lacks the attribute {spec.name!r}.")
            if mutable or not spec.mutable:
                prior = sets.get(spec.name, spec.prior)
                value = node.attributes[spec.name]
                total += log_density(spec, prior, value, above_class, above)
        return total

    parents = [None if node.parent is None else rows[node.parent] for node in scene.nodes]
    classes = [node.class_name for node in scene.nodes]
    return _Parser(grammar, classes, parents, evidence).parse()


def parse_skeleton(grammar: Grammar, skeleton: Sequence[SkeletonNode]) -> Parse:
    """The derivation of what :func:`metasim_backend.grammar.expand` made: its inverse, unless two
    derivations make the very same skeleton.

    Raises:
        GrammarError: as :func:`parse`.
    """
    rows = {node.id: i for i, node in enumerate(skeleton)}

    def evidence(row: int, sets: Mapping[str, Prior]) -> float:
        return 0.0 if dict(skeleton[row].sets) == dict(sets) else -math.inf

    parents = [None if node.parent is None else rows[node.parent] for node in skeleton]
    return _Parser(grammar, [n.class_name for n in skeleton], parents, evidence).parse()


_Sets = tuple[tuple[str, Prior], ...]


@dataclass(frozen=True)
class _Found:
    """The best way to read something, and what all ways have together."""

    best: float
    total: float
    count: int
    choices: tuple[RuleChoice, ...]
    counts: tuple[int, ...] = ()  # of the items of a rule that is not through yet

    def then(self, other: _Found) -> _Found:
        """This, followed by the other."""
        return _Found(
            self.best + other.best,
            self.total + other.total,
            self.count * other.count,
            self.choices + other.choices,
            self.counts,
        )

    def weighed(self, log_weight: float) -> _Found:
        best, total = self.best + log_weight, self.total + log_weight
        return _Found(best, total, self.count, self.choices, self.counts)

    def counted(self, count: int) -> _Found:
        return _Found(self.best, self.total, self.count, self.choices, (*self.counts, count))

    def applied(self, rule: Rule) -> _Found:
        """As the whole of a rule."""
        choice = RuleChoice(rule.name, self.counts)
        return _Found(self.best, self.total, self.count, (choice, *self.choices))


_START = _Found(0.0, 0.0, 1, ())
# Where reading has come to among a node's children, and what rules have set of the node itself.
_State = tuple[int, _Sets]
_States = dict[_State, _Found]


class _Parser:
    """Reads the children of each node as a sentence, with what was found kept.

    Args:
        grammar: the grammar.
        classes: of the nodes, in derivation order.
        parents: the row of each node's parent.
        evidence: log-density of a node's attributes, given the priors that are set for it.
    """

    def __init__(
        self,
        grammar: Grammar,
        classes: Sequence[str],
        parents: Sequence[int | None],
        evidence: Callable[[int, Mapping[str, Prior]], float],
    ) -> None:
        self._grammar = grammar
        self._classes = classes
        self._children: list[list[int]] = [[] for _ in classes]
        for row, parent in enumerate(parents):
            if parent is not None:
                self._children[parent].append(row)
        self._evidence = evidence
        self._symbols: dict[tuple[str, int, int], _States | None] = {}
        self._nodes: dict[tuple[int, str, _Sets], _Found | None] = {}

    def parse(self) -> Parse:
        start = self._grammar.start
        try:
            found = self._node(0, Item(start, start)) if self._classes[0] == start else None
        except RecursionError:
            raise GrammarError(
                f"{self._grammar.source}: the scene is nested too deeply to be parsed."
            ) from None
        if found is None:
            raise GrammarError(f"{self._grammar.source}: no derivation makes this scene.")
        return Parse(found.choices, found.count, min(1.0, math.exp(found.best - found.total)))

    def _node(self, row: int, item: Item) -> _Found | None:
        """The node with all below it, as one that this item made."""
        key = (row, item.symbol, item.sets)
        if key not in self._nodes:
            whole = None
            for (place, sets), found in self._symbol(item.symbol, row, 0).items():
                if place == len(self._children[row]):
                    weight = self._evidence(row, {**dict(item.sets), **dict(sets)})
                    if weight > -math.inf:
                        whole = _either(whole, found.weighed(weight))
            self._nodes[key] = whole
        return self._nodes[key]

    def _symbol(self, symbol: str, owner: int, place: int) -> _States:
        """All ways to read a symbol from one of the owner's children on."""
        key = (symbol, owner, place)
        if key in self._symbols:
            known = self._symbols[key]
            if known is None:
                raise GrammarError(
                    f"{self._grammar.source}: {symbol!r} leads to itself before it makes anything, "
                    "so its scenes cannot be parsed."
                )
            return known
        self._symbols[key] = None
        rules = self._grammar.rules_by_symbol.get(symbol)
        out: _States = {} if rules else {(place, ()): _START}
        for rule in rules or ():
            if rule.probability <= 0:
                continue
            states: _States = {(place, rule.sets): _START.weighed(math.log(rule.probability))}
            for item in rule.items:
                states = self._item(item, owner, states)
            for state, found in states.items():
                _add(out, state, found.applied(rule))
        self._symbols[key] = out
        return out

    def _item(self, item: Item, owner: int, states: _States) -> _States:
        """From each state on, every count of an item."""
        out: _States = {}
        counts = {count: probability for count, probability in item.counts if probability > 0}
        for number in range(max(counts) + 1):
            if number in counts:
                for state, found in states.items():
                    _add(out, state, found.weighed(math.log(counts[number])).counted(number))
            if number < max(counts):
                states = self._one_more(item, owner, states)
        return out

    def _one_more(self, item: Item, owner: int, states: _States) -> _States:
        out: _States = {}
        children = self._children[owner]
        for (place, sets), found in states.items():
            if item.class_name is None:
                for (end, more), read in self._symbol(item.symbol, owner, place).items():
                    merged = tuple({**dict(sets), **dict(more)}.items())
                    _add(out, (end, merged), found.then(read))
            elif place < len(children) and self._classes[children[place]] == item.class_name:
                below = self._node(children[place], item)
                if below is not None:
                    _add(out, (place + 1, sets), found.then(below))
        return out


def _either(first: _Found | None, second: _Found) -> _Found:
    """Two ways to read the same."""
    if first is None:
        return second
    better = first if first.best >= second.best else second
    high, low = max(first.total, second.total), min(first.total, second.total)
    total = high + math.log1p(math.exp(low - high))
    return _Found(better.best, total, first.count + second.count, better.choices, better.counts)


def _add(states: _States, state: _State, found: _Found) -> None:
    states[state] = _either(states.get(state), found)


# How likely a value is under a prior -----------------------------------------------------------


def log_density(
    spec: AttributeSpec,
    prior: Prior,
    value: AttributeValue,
    parent_class: str,
    parent: Mapping[str, AttributeValue],
) -> float:
    """Log-density of an attribute's value, drawn from a prior and made legal by clipping, wrapping
    or rounding.

    Mass at one number (a constant, what is clipped to an end of the range, a whole number) counts
    as a density over a millionth of the range, so that it can be compared with densities.

    Args:
        spec: the attribute.
        prior: what it may have been drawn from.
        value: the value.
        parent_class, parent: class and attributes of the node's parent; "" and empty for the root.
    """
    if isinstance(prior, Given):
        case = parent_class if prior.attribute is None else parent[prior.attribute]
        return log_density(spec, dict(prior.cases)[str(case)], value, parent_class, parent)
    if isinstance(prior, Choice):
        weights = dict(prior.weights)
        weight = weights.get(str(value), 0.0)
        return math.log(weight / sum(weights.values())) if weight > 0 else -math.inf
    if isinstance(prior, Constant) and isinstance(prior.value, str):
        return 0.0 if value == prior.value else -math.inf
    if isinstance(value, str):
        return -math.inf
    cumulative = _cumulative(prior, parent)
    low, high = spec.bounds
    span = spec.span if math.isfinite(spec.span) else max(1.0, abs(float(value)))
    half = 0.5 * SPIKE * span
    x = float(value)
    if spec.kind == "circular":
        turns = range(-3, 4)
        mass = sum(cumulative(x + k * span + half) - cumulative(x + k * span - half) for k in turns)
    elif spec.kind == "integer":
        below = -math.inf if x <= low else x - 0.5
        above = math.inf if x >= high else x + 0.5
        mass = cumulative(above) - cumulative(below)
    else:
        below = -math.inf if x <= low + half else x - half
        above = math.inf if x >= high - half else x + half
        mass = cumulative(above) - cumulative(below)
    return math.log(mass / (2 * half)) if mass > 0 else -math.inf


def _cumulative(prior: Prior, parent: Mapping[str, AttributeValue]) -> Callable[[float], float]:
    """The distribution function of a numeric prior."""
    if isinstance(prior, Normal):
        mean, deviation = prior.mean.value(parent), prior.deviation.value(parent)
        if deviation > 0:
            return lambda x: 0.5 * math.erfc((mean - x) / (deviation * math.sqrt(2)))
        return lambda x: float(x >= mean)
    if isinstance(prior, Uniform):
        low, high = prior.low.value(parent), prior.high.value(parent)
        if high > low:
            return lambda x: min(max((x - low) / (high - low), 0.0), 1.0)
        return lambda x: float(x >= low)
    assert isinstance(prior, Constant) and not isinstance(prior.value, str)
    number = prior.value.value(parent)
    return lambda x: float(x >= number)
