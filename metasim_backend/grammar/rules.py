"""The productions of a grammar."""

from __future__ import annotations

from dataclasses import dataclass

from metasim_backend.grammar.priors import Prior, prior_to_data


@dataclass(frozen=True)
class Item:
    """One part of what a rule produces.

    Attributes:
        class_name: the class of the nodes that it makes, or None when ``symbol`` only stands for
            the parts of its own rules.
        symbol: whose rules expand it next; the class's own name unless the file says ``as``.
        counts: (how many, probability) pairs.
        sets: (attribute, prior) pairs that take the place of the class's priors.
    """

    class_name: str | None
    symbol: str
    counts: tuple[tuple[int, float], ...] = ((1, 1.0),)
    sets: tuple[tuple[str, Prior], ...] = ()

    def to_dict(self) -> dict:
        """The form that a grammar file has for the item."""
        data: dict = {"class": self.class_name or self.symbol}
        if self.class_name is not None and self.symbol != self.class_name:
            data["as"] = self.symbol
        if self.counts != ((1, 1.0),):
            data["count"] = dict(self.counts)
        if self.sets:
            data["set"] = {name: prior_to_data(prior) for name, prior in self.sets}
        return data


@dataclass(frozen=True)
class Rule:
    """A production: ``symbol`` becomes ``items`` with this probability.

    ``sets`` are (attribute, prior) pairs for the node that is being expanded.
    """

    name: str
    symbol: str
    probability: float = 1.0
    items: tuple[Item, ...] = ()
    sets: tuple[tuple[str, Prior], ...] = ()

    def to_dict(self) -> dict:
        """The form that a grammar file has for the rule."""
        data: dict = {"name": self.name, "expand": self.symbol, "probability": self.probability}
        if self.sets:
            data["set"] = {name: prior_to_data(prior) for name, prior in self.sets}
        return {**data, "into": [item.to_dict() for item in self.items]}
