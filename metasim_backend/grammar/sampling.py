"""Scenes from a grammar: first the structure (rules and counts), then the attributes.

The two are drawn apart, from streams of their own, so that a learned structure can take the
grammar's place and the attributes follow as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from blender_addon.contract.scene_graph import MAX_NODES, Node, SceneGraph
from metasim_backend.grammar.conditions import Condition, CountBetween, NoCollision, NoOverlap
from metasim_backend.grammar.footprints import Layout, model_sizes
from metasim_backend.grammar.language import Grammar, GrammarError
from metasim_backend.grammar.priors import AttributeValue, Prior, draw, pick
from metasim_backend.grammar.rules import Item
from metasim_backend.grammar.structure import making_rule

SCENE_TRIES = 200
NODE_TRIES = 30


@dataclass(frozen=True)
class RuleChoice:
    """One step of a derivation: the rule, and how many of each of its items."""

    rule: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class SkeletonNode:
    """A node before its attributes are drawn.

    Attributes:
        id, class_name, parent: as in the scene graph.
        sets: priors that take the place of the class's, by attribute.
    """

    id: str
    class_name: str
    parent: str | None
    sets: Mapping[str, Prior] = field(default_factory=dict)


class _NotMet(Exception):
    """A draw that fails a condition; carries what failed."""


def sample_scene(grammar: Grammar, seed: int) -> SceneGraph:
    """Draw a scene: a pure function of the grammar and the seed.

    Nodes that overlap a sibling are drawn again; when that does not help, or the structure does
    not suit, the whole scene is.

    Args:
        seed: a whole number from 0.

    Raises:
        GrammarError: when a condition was not met in 200 tries; the sentence names it.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise GrammarError(f"The seed {seed!r} is not a whole number from 0.")
    seed = int(seed)
    failure: Condition | str = ""
    for attempt in range(SCENE_TRIES):
        structure_rng, attribute_rng = (np.random.default_rng([seed, attempt, s]) for s in (0, 1))
        try:
            choices = _draw_structure(grammar, structure_rng)
            skeleton = expand(grammar, choices)
            _check_counts(grammar, skeleton)
            return SceneGraph(
                _draw_attributes(grammar, skeleton, attribute_rng), grammar.domain, seed
            )
        except _NotMet as error:
            failure = error.args[0]
    rule = making_rule(grammar, getattr(failure, "classes", ()))
    maker = f" The rule {rule.name!r} makes most of what it is about." if rule else ""
    raise GrammarError(
        f"{grammar.source}: no scene met the condition {failure} in {SCENE_TRIES} tries "
        f"with seed {seed}; loosen it or lower the counts.{maker}"
    )


def sample_structure(grammar: Grammar, rng: np.random.Generator) -> tuple[RuleChoice, ...]:
    """Draw a derivation, depth first, leftmost symbol first (a LIFO stack).

    Conditions on counts are not looked at; see :func:`structure_failures`.

    Raises:
        GrammarError: when it grows beyond the largest scene that is accepted.
    """
    try:
        return _draw_structure(grammar, rng)
    except _NotMet as error:
        raise GrammarError(f"{grammar.source}: a derivation did not meet {error}.") from None


def _draw_structure(grammar: Grammar, rng: np.random.Generator) -> tuple[RuleChoice, ...]:
    choices: list[RuleChoice] = []
    stack = [grammar.start]
    while stack:
        rules = grammar.rules_by_symbol.get(stack.pop())
        if rules is None:
            continue
        rule = rules[pick([r.probability for r in rules], rng)]
        counts = tuple(
            item.counts[pick([p for _, p in item.counts], rng)][0] for item in rule.items
        )
        choices.append(RuleChoice(rule.name, counts))
        for item, count in zip(reversed(rule.items), reversed(counts), strict=True):
            stack.extend([item.symbol] * count)
        if len(stack) + len(choices) > MAX_NODES:
            raise _NotMet(f"at most {MAX_NODES} nodes")
    return tuple(choices)


def expand(grammar: Grammar, choices: tuple[RuleChoice, ...]) -> tuple[SkeletonNode, ...]:
    """Play a derivation: nodes in derivation order, parents first, attributes not yet drawn.

    Ids are the class's name, numbered from 0 in derivation order where a class can occur more
    than once; the root's is its class's name.

    Raises:
        GrammarError: when the choices are not a whole derivation of this grammar.
    """
    nodes: list[SkeletonNode] = []
    numbers: dict[str, int] = {}
    by_name = {rule.name: rule for rule in grammar.rules}
    waiting = iter(choices)
    root = Item(grammar.start, grammar.start)
    stack: list[tuple[Item, int | None]] = [(root, None)]
    while stack:
        item, owner = stack.pop()
        if item.class_name is not None:
            above = None if owner is None else nodes[owner].id
            nodes.append(
                SkeletonNode(
                    _id(grammar, item.class_name, numbers), item.class_name, above, dict(item.sets)
                )
            )
            owner = len(nodes) - 1
        if item.symbol not in grammar.rules_by_symbol:
            continue
        choice = next(waiting, None)
        if choice is None:
            raise GrammarError(f"The derivation ends before {item.symbol!r} is expanded.")
        rule = by_name.get(choice.rule)
        if rule is None or rule.symbol != item.symbol:
            raise GrammarError(f"The rule {choice.rule!r} does not expand {item.symbol!r}.")
        if len(choice.counts) != len(rule.items):
            raise GrammarError(
                f"The rule {rule.name!r} has {len(rule.items)} items, and the derivation "
                f"{len(choice.counts)} counts for them."
            )
        if rule.sets and owner is not None:
            nodes[owner] = SkeletonNode(
                nodes[owner].id,
                nodes[owner].class_name,
                nodes[owner].parent,
                {**nodes[owner].sets, **dict(rule.sets)},
            )
        for part, count in zip(reversed(rule.items), reversed(choice.counts), strict=True):
            stack.extend([(part, owner)] * count)
    rest = next(waiting, None)
    if rest is not None:
        raise GrammarError(f"The derivation goes on with {rest.rule!r} after its end.")
    return tuple(nodes)


def _id(grammar: Grammar, class_name: str, numbers: dict[str, int]) -> str:
    number = numbers.get(class_name, 0)
    numbers[class_name] = number + 1
    first_of_root = class_name == grammar.start and number == 0
    return class_name if class_name in grammar.single or first_of_root else f"{class_name}_{number}"


def structure_failures(
    grammar: Grammar, skeleton: tuple[SkeletonNode, ...]
) -> tuple[Condition, ...]:
    """The conditions on counts that a structure does not meet."""
    names = [node.class_name for node in skeleton]
    return tuple(c for c in grammar.conditions if isinstance(c, CountBetween) and not c.met(names))


def _check_counts(grammar: Grammar, skeleton: tuple[SkeletonNode, ...]) -> None:
    for condition in structure_failures(grammar, skeleton):
        raise _NotMet(condition)


def sample_attributes(
    grammar: Grammar, skeleton: tuple[SkeletonNode, ...], rng: np.random.Generator
) -> tuple[Node, ...]:
    """Draw every attribute of a skeleton from its prior, given its parent's.

    A node that overlaps or stands in an earlier one against ``require`` is drawn again, up to 30
    times.

    Raises:
        GrammarError: when a condition is still not met; draw the structure again.
    """
    try:
        return _draw_attributes(grammar, skeleton, rng)
    except _NotMet as error:
        raise GrammarError(f"{grammar.source}: the condition {error} was not met.") from None


def _draw_attributes(
    grammar: Grammar, skeleton: tuple[SkeletonNode, ...], rng: np.random.Generator
) -> tuple[Node, ...]:
    overlaps = [c for c in grammar.conditions if isinstance(c, NoOverlap)]
    layouts = {
        c: Layout(model_sizes(), c.gap) for c in grammar.conditions if isinstance(c, NoCollision)
    }
    nodes: dict[str, Node] = {}
    siblings: dict[str | None, list[Node]] = {}
    for plan in skeleton:
        parent = None if plan.parent is None else nodes[plan.parent]
        placed = siblings.setdefault(plan.parent, [])
        failed: Condition | None = None
        for _ in range(NODE_TRIES):
            node = _draw_node(grammar, plan, parent, rng)
            failed = next((c for c in overlaps if not c.clear(node, placed)), None)
            failed = failed or next((c for c in layouts if _stands_in(node, c, layouts[c])), None)
            if failed is None:
                break
        else:
            raise _NotMet(failed)
        nodes[plan.id] = node
        placed.append(node)
        for condition, layout in layouts.items():
            layout.add(node, counted=node.class_name in condition.classes)
    return tuple(nodes.values())


def _stands_in(node: Node, condition: NoCollision, layout: Layout) -> bool:
    return node.class_name in condition.classes and bool(layout.collisions(node))


def _draw_node(
    grammar: Grammar, plan: SkeletonNode, parent: Node | None, rng: np.random.Generator
) -> Node:
    above_class = "" if parent is None else parent.class_name
    above = {} if parent is None else parent.attributes
    values: dict[str, AttributeValue] = {}
    for spec in grammar.class_by_name[plan.class_name].attributes:
        drawn = draw(plan.sets.get(spec.name, spec.prior), above_class, above, rng)
        values[spec.name] = spec.fit(drawn)
    return Node(plan.id, plan.class_name, plan.parent, values)
