"""How many children of each class a grammar lets a node have, out of its rules as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ChildCounts = dict[str, dict[str, tuple[int, int]]]
"""Class of a parent -> class of children -> fewest and most."""


def child_counts(grammar: Mapping[str, Any]) -> ChildCounts:
    """The fewest and the most children that any derivation gives a node.

    Args:
        grammar: as ``metasim_backend``'s ``Grammar.to_dict`` writes it.
    """
    rules: dict[str, list[Mapping[str, Any]]] = {}
    for rule in grammar["rules"]:
        rules.setdefault(rule["expand"], []).append(rule)
    classes, symbols = grammar["classes"], set(grammar["symbols"])

    def of_symbol(symbol: str) -> dict[str, tuple[int, int]]:
        """Counts over all rules of a symbol."""
        found = [_sum(map(of_item, rule["into"])) for rule in rules.get(symbol, ())]
        names = dict.fromkeys(name for one in found for name in one)
        counts = {name: [one.get(name, (0, 0)) for one in found] for name in names}
        return {
            name: (min(low for low, _ in pairs), max(high for _, high in pairs))
            for name, pairs in counts.items()
        }

    def of_item(item: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
        numbers = [int(number) for number in item.get("count", {1: 1.0})]
        inside = of_symbol(item["class"]) if item["class"] in symbols else {item["class"]: (1, 1)}
        return {k: (min(numbers) * low, max(numbers) * high) for k, (low, high) in inside.items()}

    found: ChildCounts = {name: {} for name in classes}
    for name, expanded in _expanded(grammar, symbols):
        for child, (low, high) in of_symbol(expanded).items():
            before = found[name].get(child)
            found[name][child] = (
                (low, high) if before is None else (min(low, before[0]), max(high, before[1]))
            )
    return found


def _expanded(grammar: Mapping[str, Any], symbols: set[str]) -> set[tuple[str, str]]:
    """Every class with the symbols by whose rules its nodes are expanded."""
    found = {(grammar["start"], grammar["start"])}
    for rule in grammar["rules"]:
        for item in rule["into"]:
            if item["class"] not in symbols:
                found.add((item["class"], item.get("as", item["class"])))
    return found


def _sum(parts: Any) -> dict[str, tuple[int, int]]:
    total: dict[str, tuple[int, int]] = {}
    for part in parts:
        for name, (low, high) in part.items():
            before = total.get(name, (0, 0))
            total[name] = before[0] + low, before[1] + high
    return total


def allowed(counts: ChildCounts, parent: str, child: str, number: int) -> str:
    """Why a node may not have that many children of a class; empty when it may, or when no grammar
    is known.

    Args:
        counts: of :func:`child_counts`; empty when unknown.
        parent, child: classes.
        number: of children that there would be.
    """
    if not counts:
        return ""
    low, high = counts.get(parent, {}).get(child, (0, 0))
    if low <= number <= high:
        return ""
    if high == 0:
        return f"the grammar puts no {child} on a {parent}"
    return f"the grammar puts {_range(low, high)} of class {child} on a {parent}"


def _range(low: int, high: int) -> str:
    if low == high:
        return f"exactly {low}"
    return f"at most {high}" if low == 0 else f"{low} to {high}"


def parents_of(counts: ChildCounts, child: str) -> Sequence[str]:
    """Classes that may have such a child; empty when no grammar is known."""
    return [parent for parent, children in counts.items() if children.get(child, (0, 0))[1]]
