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
Values = dict[str, float | None]
"""Numbers by what they are of: ``seed 3``, or ``digit.yaw, seed 3``."""


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
        measured = {at: v for at, v in values.items() if v is not None and math.isfinite(v)}
        if not values:
            return None
        value, where = None, ""
        if self.mean:
            value = float(np.mean(list(measured.values()))) if measured else None
        elif len(measured) < len(values):
            where = next(at for at in values if at not in measured)
        else:
            pick: Callable[..., str] = min if self.relation == "≥" else max
            where = pick(measured, key=measured.__getitem__)
            value = measured[where]
        met = self.keeps(value)
        return Check(self.claim, self.relation, self.limit, value, met, where, self.unit)

    def keeps(self, value: float | None) -> bool:
        """Within a billionth, so that 99.0 - 98.85 is not more than 0.15."""
        if value is None:
            return False
        return value >= self.limit - 1e-9 if self.relation == "≥" else value <= self.limit + 1e-9


@dataclass(frozen=True)
class SeedsThatMeet:
    """In every seed all numbers keep to several goals."""

    claim: str
    goals: tuple[Goal, ...]

    def check(self, record: Record) -> Check:
        """How many seeds do; one without any number does not."""
        kept: dict[int, list[bool]] = {seed: [] for seed in record["seeds"]}
        for goal in self.goals:
            for at, value in goal.values(record).items():
                kept[int(at.rpartition(" ")[2])].append(goal.keeps(value))
        bad = [seed for seed, met in kept.items() if not met or not all(met)]
        where = f"not seed {', '.join(map(str, bad))}" if bad else ""
        count, good = float(len(kept)), float(len(kept) - len(bad))
        return Check(self.claim, "≥", count, good, not bad, where)


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

    def values(record: Record) -> Values:
        return _by_seed(record, _summary(record["rows"], row, measure))

    claim = f"{claim}, {'mean over seeds' if mean else 'every seed'}"
    return Goal(claim, relation, limit, values, unit, mean)


def below_goal(row: str, other: str, measure: str, limit: float) -> Goal:
    """By how many points at most a row may be below another, in every seed."""

    def values(record: Record) -> Values:
        paired = _summary(record["differences"], f"{row} - {other}", measure)
        return _by_seed(record, paired and [None if v is None else -v for v in paired])

    claim = f"{measure} below the {other}'s, every seed"
    return Goal(claim, "≤", limit, values, "points")


def difference_goal(row: str, other: str, measure: str, limit: float) -> Goal:
    """By how many points at least a row must be above another, in the mean over seeds."""

    def values(record: Record) -> Values:
        paired = _summary(record["differences"], f"{row} - {other}", measure)
        return _by_seed(record, paired) if paired else {}

    claim = f"{measure}, {row} above {other}, mean over seeds"
    return Goal(claim, "≥", limit, values, "points", mean=True)


def minutes_goal(claim: str, limit: float, parts: Sequence[str] = ()) -> Goal:
    """Of the time that these parts of the work take together, or all of it."""

    def values(record: Record) -> Values:
        seconds = record["seconds"]
        spent = seconds["total"]
        if parts:
            each = [seconds["parts"][part]["values"] for part in parts if part in seconds["parts"]]
            spent = [round(sum(s or 0.0 for s in one), 1) for one in zip(*each, strict=True)]
        return _by_seed(record, [s / 60 for s in spent])

    return Goal(f"{claim}, every seed", "≤", limit, values, "min")


def attribute_goals(
    w1_share: float = W1_SHARE, spread_error: float = SPREAD_ERROR
) -> tuple[Goal | SeedsThatMeet, ...]:
    """Every attribute's distance to the target and its standard deviation, in every seed."""

    def goal(key: str, claim: str, limit: float) -> Goal:
        def values(record: Record) -> Values:
            return {
                f"{name}, {at}": None if value is None else 100 * value
                for name, item in record["attributes"].items()
                # A target without spread has no error of it.
                if key != "spread_error" or (item["target"] and item["target"][1] > 1e-9)
                for at, value in _by_seed(record, item[key]).items()
            }

        return Goal(f"{claim}, every attribute and seed", "≤", 100 * limit, values, "%")

    goals = (
        goal("w1_share", "Wasserstein-1 to the target as a share of the prior's", w1_share),
        goal("spread_error", "error of the spread as a share of the target's", spread_error),
    )
    return (*goals, SeedsThatMeet("seeds in which every attribute keeps to both", goals))


def _summary(table: Mapping[str, Any], row: str, measure: str) -> list[float | None]:
    return table.get(row, {}).get(measure, {}).get("values", [])


def _by_seed(record: Record, values: Sequence[float | None]) -> Values:
    """None where a seed has no such number."""
    missing = [None] * (len(record["seeds"]) - len(values))
    return {f"seed {s}": v for s, v in zip(record["seeds"], (*values, *missing), strict=True)}
