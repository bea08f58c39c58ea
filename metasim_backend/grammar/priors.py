"""Priors of attributes: what they are, how to draw from them, how to write them down.

A numeric parameter of a prior may depend linearly on numbers of the node's parent, and a whole
prior may be chosen by the parent's class or by one of its categories.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

AttributeValue = float | int | str


@dataclass(frozen=True)
class Parameter:
    """A number, or a number plus multiples of the parent's attributes.

    Attributes:
        constant: the number that is always added, in the attribute's unit.
        terms: (name of an attribute of the parent, factor) pairs.
    """

    constant: float = 0.0
    terms: tuple[tuple[str, float], ...] = ()

    def value(self, parent: Mapping[str, AttributeValue]) -> float:
        """The parameter's value below a parent with these attributes."""
        return self.constant + sum(factor * float(parent[name]) for name, factor in self.terms)

    def bounds(self, ranges: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
        """The least and the greatest value, when each parent attribute lies in its range."""
        low = high = self.constant
        for name, factor in self.terms:
            ends = sorted(factor * end if factor else 0.0 for end in ranges[name])
            low, high = low + ends[0], high + ends[1]
        return low, high

    def minus(self, other: Parameter) -> Parameter:
        """The difference of two parameters, equal terms gathered so that they cancel."""
        factors = dict.fromkeys([name for name, _ in self.terms + other.terms], 0.0)
        for sign, terms in ((1, self.terms), (-1, other.terms)):
            for name, factor in terms:
                factors[name] += sign * factor
        return Parameter(self.constant - other.constant, tuple(factors.items()))


@dataclass(frozen=True)
class Normal:
    """Normal distribution; ``deviation`` is the standard deviation."""

    mean: Parameter
    deviation: Parameter


@dataclass(frozen=True)
class Uniform:
    """Uniform distribution from ``low`` to ``high``."""

    low: Parameter
    high: Parameter


@dataclass(frozen=True)
class Constant:
    """Always the same number (which may depend on the parent) or category."""

    value: Parameter | str


@dataclass(frozen=True)
class Choice:
    """One of several categories, with weights that need not add to 1."""

    weights: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Given:
    """A prior for each class of the parent, or for each category of one of its attributes.

    Attributes:
        attribute: the parent's categorical attribute, or None for the parent's class.
        cases: (class or category, prior) pairs.
    """

    attribute: str | None
    cases: tuple[tuple[str, Prior], ...]


Prior = Normal | Uniform | Constant | Choice | Given


def draw(
    prior: Prior,
    parent_class: str,
    parent: Mapping[str, AttributeValue],
    rng: np.random.Generator,
) -> float | str:
    """Draw one raw value; the attribute then clips or wraps it.

    Args:
        prior: what to draw from.
        parent_class: class of the node's parent; "" for the root.
        parent: attributes of the parent; empty for the root.
        rng: the only source of randomness.
    """
    if isinstance(prior, Given):
        case = parent_class if prior.attribute is None else parent[prior.attribute]
        return draw(dict(prior.cases)[str(case)], parent_class, parent, rng)
    if isinstance(prior, Normal):
        return prior.mean.value(parent) + prior.deviation.value(parent) * rng.standard_normal()
    if isinstance(prior, Uniform):
        low, high = prior.low.value(parent), prior.high.value(parent)
        return low + (high - low) * rng.random()
    if isinstance(prior, Choice):
        return prior.weights[pick([weight for _, weight in prior.weights], rng)][0]
    return prior.value if isinstance(prior.value, str) else prior.value.value(parent)


def pick(weights: list[float], rng: np.random.Generator) -> int:
    """Draw an index with probability in proportion to its weight."""
    sums = list(accumulate(weights))
    # Without the bound, rounding of the product could reach the sum itself.
    last = max(n for n, weight in enumerate(weights) if weight)
    return min(bisect_right(sums, rng.random() * sums[-1]), last)


def parameter_to_data(parameter: Parameter) -> float | dict:
    """The form that a grammar file has for a parameter."""
    terms: list = [{"parent": name, "times": factor} for name, factor in parameter.terms]
    if not terms:
        return parameter.constant
    return {**terms[0], "plus": [*terms[1:], parameter.constant]}


def prior_to_data(prior: Prior) -> dict:
    """The form that a grammar file has for a prior."""
    if isinstance(prior, Normal):
        return {"normal": [parameter_to_data(p) for p in (prior.mean, prior.deviation)]}
    if isinstance(prior, Uniform):
        return {"uniform": [parameter_to_data(p) for p in (prior.low, prior.high)]}
    if isinstance(prior, Choice):
        return {"choice": dict(prior.weights)}
    if isinstance(prior, Given):
        return {
            "given": f"parent.{prior.attribute or 'class'}",
            "cases": {case: prior_to_data(value) for case, value in prior.cases},
        }
    value = prior.value
    return {"constant": value if isinstance(value, str) else parameter_to_data(value)}
