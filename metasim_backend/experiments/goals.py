"""Figures to reach, and whether a record reaches them.

A goal that each seed must keep to is decided by the worst; a seed without the number never does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

W1_SHARE = SPREAD_ERROR = 0.15
Record = Mapping[str, Any]
Values = dict[tuple[int, str], float | None]
"""Numbers by seed and, where a seed has several, by what they are of."""


@dataclass(frozen=True)
class Check:
    """A goal and what decides it.

    Attributes:
        claim: such as "accuracy of the learned, every seed".
        relation: "≥" or "≤".
        goal, value: the limit and the number that decides; the value is None where it is unknown.
        met: whether the value keeps to the goal; never where it is unknown.
        where: which seed, and attribute, the value is of; empty for a mean.
        unit: of goal and value: "%", "points", "min" or nothing.
    """

    claim: str
    relation: str
    goal: float
    value: float | None
    met: bool
    where: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Goal:
    """One figure to reach.

    Attributes:
        claim, relation, limit, unit: as in :class:`Check`.
        values: of a record the numbers that must keep to the limit.
        mean: whether their mean over seeds must instead.
    """

    claim: str
    relation: str
    limit: float
    values: Callable[[Record], Values]
    unit: str = ""
    mean: bool = False

    def check(self, record: Record) -> Check | None:
        """Whether it is met; None where the record has nothing that it asks of."""
        values = self.values(record)
        if not values:
            return None
        numbers = [v for v in values.values() if v is not None and math.isfinite(v)]
        if self.mean:
            return self._check(float(np.mean(numbers)) if numbers else None, "")
        if len(numbers) < len(values):
            missing = next(w for w, v in values.items() if v is None or not math.isfinite(v))
            return self._check(None, _place(*missing))
        pick: Callable[..., float] = min if self.relation == "≥" else max
        worst = pick(numbers)
        return self._check(worst, _place(*next(w for w, v in values.items() if v == worst)))

    def keeps(self, value: float | None) -> bool:
        """Within a billionth, so that 99.0 - 98.85 is not more than 0.15."""
        if value is None or not math.isfinite(value):
            return False
        return value >= self.limit - 1e-9 if self.relation == "≥" else value <= self.limit + 1e-9

    def _check(self, value: float | None, where: str) -> Check:
        return Check(
            self.claim, self.relation, self.limit, value, self.keeps(value), where, self.unit
        )


@dataclass(frozen=True)
class SeedsThatMeet:
    """In every seed all numbers keep to several goals."""

    claim: str
    goals: tuple[Goal, ...]

    def check(self, record: Record) -> Check:
        """How many seeds do; one without any number does not."""
        seeds, numbers = record["seeds"], [(goal, goal.values(record)) for goal in self.goals]
        bad = [
            seed
            for seed in seeds
            if not any(at == seed for _, values in numbers for at, _ in values)
            or not all(
                goal.keeps(v)
                for goal, values in numbers
                for (at, _), v in values.items()
                if at == seed
            )
        ]
        good = float(len(seeds) - len(bad))
        where = f"not seed {', '.join(map(str, bad))}" if bad else ""
        return Check(self.claim, "≥", float(len(seeds)), good, not bad, where)


def row_goal(
    row: str,
    measure: str,
    relation: str,
    limit: float,
    claim: str,
    *,
    unit: str = "",
    mean: bool = False,
) -> Goal:
    """Of a row's number, in every seed or in the mean."""
    claim = f"{claim}, {'mean over seeds' if mean else 'every seed'}"
    return Goal(
        claim, relation, limit, lambda record: _summary(record, "rows", row, measure), unit, mean
    )


def below_goal(row: str, other: str, measure: str, limit: float) -> Goal:
    """By how many points at most a row may be below another, in every seed."""

    def values(record: Record) -> Values:
        paired = _summary(record, "differences", f"{row} - {other}", measure)
        return {at: None if value is None else -value for at, value in paired.items()}

    claim = f"{measure} below the {other}'s, every seed"
    return Goal(claim, "≤", limit, values, "points")


def minutes_goal(claim: str, limit: float, parts: Sequence[str] | None = None) -> Goal:
    """Of the time that these parts of the work take together; None: all of it."""

    def values(record: Record) -> Values:
        spent = record["seconds"]["total"]
        if parts is not None:
            each = [
                record["seconds"]["parts"][p]["values"]
                for p in parts
                if p in record["seconds"]["parts"]
            ]
            spent = [round(sum(v[i] or 0.0 for v in each), 1) for i in range(len(record["seeds"]))]
        return {(seed, ""): s / 60 for seed, s in zip(record["seeds"], spent, strict=True)}

    return Goal(f"{claim}, every seed", "≤", limit, values, "min")


def attribute_goals(
    w1_share: float = W1_SHARE, spread_error: float = SPREAD_ERROR
) -> tuple[Goal | SeedsThatMeet, ...]:
    """Every attribute's distance to the target and its standard deviation, in every seed."""

    def values(key: str) -> Callable[[Record], Values]:
        def in_per_cent(record: Record) -> Values:
            return {
                (seed, name): None if value is None else 100 * value
                for name, item in record["attributes"].items()
                # A target without spread has no error of it.
                if key != "spread_error" or (item["target"] and item["target"][1] > 1e-9)
                for seed, value in zip(record["seeds"], item[key], strict=True)
            }

        return in_per_cent

    claims = {
        "w1_share": "Wasserstein-1 to the target as a share of the prior's",
        "spread_error": "error of the spread as a share of the target's",
    }
    limits = {"w1_share": w1_share, "spread_error": spread_error}
    goals = tuple(
        Goal(f"{claims[key]}, every attribute and seed", "≤", 100 * limit, values(key), "%")
        for key, limit in limits.items()
    )
    return (*goals, SeedsThatMeet("seeds in which every attribute keeps to both", goals))


def _summary(record: Record, part: str, row: str, measure: str) -> Values:
    """Of each seed; None where it has no such number."""
    summary = record[part].get(row, {}).get(measure)
    values = [None] * len(record["seeds"]) if summary is None else summary["values"]
    return {(seed, ""): value for seed, value in zip(record["seeds"], values, strict=True)}


def _place(seed: int, what: str) -> str:
    return f"{what}, seed {seed}" if what else f"seed {seed}"
