"""What follows from a grammar's rules alone: families, reachability, termination, singletons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from metasim_backend.grammar.rules import Rule


class Named(Protocol):
    """A class of nodes."""

    @property
    def name(self) -> str: ...


class RuleSystem(Protocol):
    """What of a grammar decides which nodes a scene has."""

    @property
    def start(self) -> str: ...
    @property
    def classes(self) -> Sequence[Named]: ...
    @property
    def symbols(self) -> Sequence[str]: ...
    @property
    def rules(self) -> Sequence[Rule]: ...
    @property
    def rules_by_symbol(self) -> Mapping[str, Sequence[Rule]]: ...


@dataclass(frozen=True)
class Families:
    """Who can stand above whom.

    Attributes:
        owners: for each symbol, the classes of the nodes that its rules can be applied to.
        parents: for each class, the classes that its nodes can hang below.
    """

    owners: dict[str, tuple[str, ...]]
    parents: dict[str, tuple[str, ...]]


def families(grammar: RuleSystem) -> Families:
    """Follow the rules from the start until nothing new is found."""
    names = [spec.name for spec in grammar.classes]
    # Dictionaries with empty values serve as sets that keep their order.
    owners: dict[str, dict[str, None]] = {s: {} for s in [*names, *grammar.symbols]}
    parents: dict[str, dict[str, None]] = {name: {} for name in names}
    owners[grammar.start][grammar.start] = None
    size = -1
    while size != (size := sum(map(len, owners.values())) + sum(map(len, parents.values()))):
        for rule in grammar.rules:
            above = owners[rule.symbol]
            for item in rule.items:
                if not above:
                    continue
                if item.class_name is None:
                    owners[item.symbol].update(above)
                else:
                    owners[item.symbol][item.class_name] = None
                    parents[item.class_name].update(above)
    return Families(
        {symbol: tuple(found) for symbol, found in owners.items()},
        {name: tuple(found) for name, found in parents.items()},
    )


def reachable(grammar: RuleSystem) -> tuple[frozenset[str], frozenset[str]]:
    """The symbols that can be expanded, and the classes that can get a node."""
    symbols = {grammar.start}
    classes = {grammar.start}
    waiting = [grammar.start]
    while waiting:
        for rule in grammar.rules_by_symbol.get(waiting.pop(), ()):
            for item in rule.items:
                if item.class_name is not None:
                    classes.add(item.class_name)
                if item.symbol not in symbols:
                    symbols.add(item.symbol)
                    waiting.append(item.symbol)
    return frozenset(symbols), frozenset(classes)


def endless(grammar: RuleSystem) -> tuple[str, ...]:
    """The symbols that lead back to themselves and no derivation of which can end.

    In the order of their first rules. Where any symbol cannot end, there is such a one.
    """
    ending: set[str] = set()

    def can_end(rule: Rule) -> bool:
        return rule.probability > 0 and all(
            item.symbol in ending
            or item.symbol not in grammar.rules_by_symbol
            or any(count == 0 and probability > 0 for count, probability in item.counts)
            for item in rule.items
        )

    size = -1
    while size != (size := len(ending)):
        for symbol, rules in grammar.rules_by_symbol.items():
            if any(can_end(rule) for rule in rules):
                ending.add(symbol)
    stuck = [symbol for symbol in grammar.rules_by_symbol if symbol not in ending]
    below = {
        symbol: {i.symbol for rule in grammar.rules_by_symbol[symbol] for i in rule.items}
        for symbol in stuck
    }
    for middle in stuck:  # Warshall's transitive closure
        for symbol in stuck:
            if middle in below[symbol]:
                below[symbol] |= below[middle]
    return tuple(symbol for symbol in stuck if symbol in below[symbol])


def growth(grammar: RuleSystem) -> float:
    """Spectral radius of the mean offspring matrix; below 1 scenes have a finite mean size.

    A derivation is a multi-type branching process: entry (i, j) is the mean number of symbols j
    that one expansion of symbol i makes.
    """
    symbols, mean = _mean_offspring(grammar)
    # A matrix that can be sorted into a triangle is nilpotent; its computed eigenvalues are not.
    power = np.eye(len(symbols), dtype=bool)
    for _ in symbols:
        power = power @ (mean > 0)
    return float(np.abs(np.linalg.eigvals(mean)).max()) if power.any() else 0.0


def _mean_offspring(grammar: RuleSystem) -> tuple[list[str], np.ndarray]:
    """Symbols with rules, and how many symbols j one expansion of symbol i makes in the mean."""
    symbols = list(grammar.rules_by_symbol)
    index = {symbol: i for i, symbol in enumerate(symbols)}
    mean = np.zeros((len(symbols), len(symbols)))
    for rule in grammar.rules:
        for item in rule.items:
            if item.symbol in index:
                expected = sum(count * probability for count, probability in item.counts)
                mean[index[rule.symbol], index[item.symbol]] += rule.probability * expected
    return symbols, mean


def _mean_uses(grammar: RuleSystem) -> dict[str, float]:
    """How often each symbol is expanded in a scene, in the mean."""
    symbols, mean = _mean_offspring(grammar)
    begin = np.array([float(symbol == grammar.start) for symbol in symbols])
    uses = np.linalg.solve(np.eye(len(symbols)) - mean.T, begin)
    return dict(zip(symbols, uses.tolist(), strict=True))


def growing_rule(grammar: RuleSystem) -> Rule:
    """Of the rules that lead back to their own symbol, the one that does so most, in the mean."""
    below = {
        symbol: {item.symbol for rule in rules for item in rule.items}
        for symbol, rules in grammar.rules_by_symbol.items()
    }
    for middle in below:  # Warshall's transitive closure
        for symbol in below:
            if middle in below[symbol]:
                below[symbol] |= below[middle]

    def back(rule: Rule) -> float:
        return rule.probability * sum(
            count * probability
            for item in rule.items
            if rule.symbol in below.get(item.symbol, ()) or rule.symbol == item.symbol
            for count, probability in item.counts
        )

    return max(grammar.rules, key=back)


def making_rule(grammar: RuleSystem, classes: Sequence[str]) -> Rule | None:
    """The rule that makes most nodes of some classes in a scene, in the mean."""
    uses = _mean_uses(grammar)

    def made(rule: Rule) -> float:
        return (
            uses[rule.symbol]
            * rule.probability
            * sum(
                count * probability
                for item in rule.items
                if item.class_name in classes
                for count, probability in item.counts
            )
        )

    best = max(grammar.rules, key=made, default=None)
    return best if best is not None and made(best) > 0 else None


def single_classes(grammar: RuleSystem) -> frozenset[str]:
    """The classes that occur at most once in any scene."""
    found = set()
    for spec in grammar.classes:
        most = dict.fromkeys(grammar.rules_by_symbol, 0)  # from each symbol; 2 stands for "more"
        changed = True
        while changed:
            changed = False
            for rule in grammar.rules:
                total = sum(
                    max(count for count, _ in item.counts)
                    * ((item.class_name == spec.name) + most.get(item.symbol, 0))
                    for item in rule.items
                )
                if min(total, 2) > most[rule.symbol]:
                    most[rule.symbol] = min(total, 2)
                    changed = True
        if most.get(grammar.start, 0) + (grammar.start == spec.name) <= 1:
            found.add(spec.name)
    return frozenset(found)
