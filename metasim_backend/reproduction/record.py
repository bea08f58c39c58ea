"""The result of an experiment over its seeds as plain data: numbers, intervals, goals met or not.

The form of ``docs/results/EXPERIMENT.json``. Every list of ``values`` is in the order of ``seeds``,
with null where a seed has no such number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metasim_backend.reproduction.experiments import Experiment
from metasim_backend.reproduction.nearness import CUT_OPEN
from metasim_backend.run_files.atomic_files import write_text
from metasim_backend.statistics.circular import unrolled
from metasim_backend.statistics.intervals import summary_over_seeds

ROWS = ("prior", "matched", "learned", "oracle")
GENERATOR_PARTS = ("features", "pretrain", "match")
DIFFERENCES = {
    "learned - oracle": ("learned", "oracle"),
    "learned - matched": ("learned", "matched"),
    "learned - prior": ("learned", "prior"),
}
# Of the short budget: a long one has no oracle, and may take its time.
SHORT_GOALS = ("below_oracle", "generator_minutes", "minutes")
W1_SHARE = SPREAD_ERROR = 0.15  # an experiment's goals of the same names go before these


@dataclass(frozen=True)
class Check:
    """One goal of an experiment.

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


def record_of(
    experiment: Experiment, seeds: Mapping[int, dict], *, long: bool, command: Sequence[str]
) -> dict:
    """What the seeds' results say together.

    Args:
        seeds: by seed what ``one_seed.run_seed`` returns.
        long: whether the task networks had the long budget.
        command: the command line.

    Raises:
        ValueError: when there is no seed.
    """
    if not seeds:
        raise ValueError("A record needs the result of at least one seed; none was given.")
    numbers, results = list(seeds), list(seeds.values())
    budget = experiment.long_budget if long else experiment.budget
    rows = {
        row: {
            name: summary_over_seeds([_number(r, "rows", row, name) for r in results])
            for name in _names(results, "rows", row)
        }
        for row in ROWS
        if (budget is None or row in budget.rows) and _names(results, "rows", row)
    }
    record: dict[str, Any] = {
        "experiment": experiment.name,
        "title": experiment.title,
        "metric": experiment.metric,
        **provenance(command),
        "long": long,
        "seeds": numbers,
        "paper": {row: dict(scores) for row, scores in experiment.paper.items()},
        "rows": rows,
        "differences": _differences(rows),
        "attributes": _attributes(results),
        "mmd2": {
            part: {
                which: summary_over_seeds([_number(r, "mmd2", part, which) for r in results])
                for which in _names(results, "mmd2", part)
            }
            for part in ("prior", "learned")
            if _names(results, "mmd2", part)
        },
        "seconds": _seconds(results),
    }
    found = _spread_checks(experiment, record) if experiment.budget is None else []
    record["checks"] = [asdict(check) for check in (*_goal_checks(experiment, record), *found)]
    record["verdict"] = _verdict(experiment, record)
    return record


def provenance(command: Sequence[str]) -> dict[str, Any]:
    """What made a record: command, versions, kind of machine."""
    from metasim_backend.training.results import machine, versions

    return {"command": " ".join(command), "versions": versions(), "machine": machine()}


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON, whole or not at all."""
    write_text(path, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


# Numbers over seeds --------------------------------------------------------------------------


def _names(results: Sequence[dict], *keys: str) -> list[str]:
    """Names that any seed has below a path of keys, in order of appearance."""
    found: dict[str, None] = {}
    for result in results:
        part: Any = result
        for key in keys:
            part = part.get(key) or {}
        found |= dict.fromkeys(part)
    return list(found)


def _number(result: dict, *keys: str) -> float | None:
    """A finite number by its path, else None."""
    part: Any = result
    for key in keys:
        part = part.get(key) if isinstance(part, Mapping) else None
    return float(part) if isinstance(part, (int, float)) and math.isfinite(part) else None


def _differences(rows: Mapping[str, Mapping[str, dict]]) -> dict:
    """Per seed, so that what two rows of a seed have in common cancels."""
    found = {}
    for title, (first, second) in DIFFERENCES.items():
        if first in rows and second in rows:
            found[title] = {
                name: summary_over_seeds(
                    [
                        None if a is None or b is None else a - b
                        for a, b in zip(
                            rows[first][name]["values"], rows[second][name]["values"], strict=True
                        )
                    ]
                )
                for name in rows[first]
                if name in rows[second]
            }
    return found


def _attributes(results: Sequence[dict]) -> dict:
    found: dict[str, dict] = {}
    for name in _names(results, "attributes"):
        entries = [(r.get("attributes") or {}).get(name) or {} for r in results]
        item: dict[str, Any] = _moments(entries)
        for key in ("w1_prior", "w1_learned", "w1_share", "spread_error"):
            item[key] = [_number(entry, key) for entry in entries]
        for key in ("w1_share", "spread_error"):
            item[f"worst_{key}"] = max((v for v in item[key] if v is not None), default=None)
        if any(entry.get("period") for entry in entries):
            # Seeds kept from earlier versions stand in the same table; each says what it is.
            item["definition"] = [entry.get("definition", CUT_OPEN) for entry in entries]
        found[name] = item
    return found


def _moments(entries: Sequence[dict]) -> dict[str, list[float] | None]:
    """(mean, spread) of prior, learned and target, each the mean over seeds.

    Circular means of different seeds may lie a period apart: they are taken round the first seed's
    target.
    """
    found: dict[str, list[float] | None] = {}
    period = next((e["period"] for e in entries if e.get("period")), None)
    centre = next((e["target"][0] for e in entries if "target" in e), 0.0)
    for part in ("prior", "learned", "target"):
        pairs = [entry[part] for entry in entries if part in entry]
        means = [pair[0] for pair in pairs]
        if period:
            means = list(unrolled(means, period, centre))
        found[part] = [_mean(means), _mean([pair[1] for pair in pairs])] if pairs else None
    return found


def _seconds(results: Sequence[dict]) -> dict:
    parts = {
        part: _mean([s for r in results if (s := _number(r, "seconds", part)) is not None])
        for part in _names(results, "seconds")
    }
    spent = [dict(r.get("seconds") or {}) for r in results]
    return {
        "parts": {part: round(seconds, 1) for part, seconds in parts.items()},
        "generator": [round(sum(s.get(p, 0.0) for p in GENERATOR_PARTS), 1) for s in spent],
        "total": [round(sum(s.values()), 1) for s in spent],
    }


def _mean(values: Sequence[float]) -> float:
    return float(sum(values) / len(values))


# Goals ---------------------------------------------------------------------------------------


def _goal_checks(experiment: Experiment, record: Mapping[str, Any]) -> list[Check]:
    """The goals in the experiment's own order; those of attributes' spreads are not among them."""
    checks = []
    for name, goal in experiment.goals.items():
        if record["long"] and name in SHORT_GOALS:
            continue
        if name == "below_oracle":
            checks += [
                _every(record, f"{number} below the oracle's", "≤", goal, _lost(found), "points")
                for number, found in record["differences"].get("learned - oracle", {}).items()
            ] or [_every(record, "below the oracle's", "≤", goal, [None], "points")]
        elif name in ("generator_minutes", "minutes"):
            key, what = (
                ("total", "time") if name == "minutes" else ("generator", "time of the generator")
            )
            spent = [seconds / 60 for seconds in record["seconds"][key]]
            checks.append(_every(record, what, "≤", goal, spent, "min"))
        elif name.startswith("long_"):
            if record["long"]:
                checks.append(_on_average(record, name.removeprefix("long_"), goal))
        elif name == "accuracy":
            values = _learned(record, name).get("values", [None])
            checks.append(_every(record, name, "≥", goal, values, "%"))
        elif name not in ("w1_share", "spread_error"):
            checks.append(_on_average(record, name, goal))
    return checks


def _spread_checks(experiment: Experiment, record: Mapping[str, Any]) -> list[Check]:
    """Every attribute's distance and spread in every seed, and how many seeds keep to all."""
    limits = {
        "w1_share": experiment.goals.get("w1_share", W1_SHARE),
        "spread_error": experiment.goals.get("spread_error", SPREAD_ERROR),
    }
    claims = {
        "w1_share": "Wasserstein-1 to the target as a share of the prior's, every attribute",
        "spread_error": "error of the spread as a share of the target's, every attribute",
    }
    kept = [bool(record["attributes"])] * len(record["seeds"])
    checks = []
    for key, limit in limits.items():
        worst: tuple[float, str] = (-math.inf, "")
        for name, item in record["attributes"].items():
            if key == "spread_error" and (item["target"] is None or not item["target"][1] > 1e-9):
                continue  # a target without spread has no error of it
            for i, value in enumerate(item[key]):
                value = math.inf if value is None else value
                kept[i] = kept[i] and value <= limit
                worst = max(worst, (value, f"{name}, seed {record['seeds'][i]}"))
        value, where = worst
        if where:
            met = value <= limit
            known = 100 * value if math.isfinite(value) else None
            checks.append(
                Check(f"{claims[key]} and seed", "≤", 100 * limit, known, met, where, "%")
            )
    count = len(kept)
    bad = ", ".join(str(s) for s, good in zip(record["seeds"], kept, strict=True) if not good)
    checks.append(
        Check(
            "seeds in which every attribute keeps to both",
            *("≥", float(count), float(sum(kept)), all(kept)),
            where=f"not seed {bad}" if bad else "",
        )
    )
    return checks


def _learned(record: Mapping[str, Any], name: str) -> dict:
    return record["rows"].get("learned", {}).get(name, {})


def _lost(difference: Mapping[str, Any]) -> list[float | None]:
    return [None if value is None else -value for value in difference["values"]]


def _on_average(record: Mapping[str, Any], name: str, goal: float) -> Check:
    mean = _learned(record, name).get("mean")
    met = mean is not None and _keeps(mean, "≥", goal)
    return Check(f"{name} of the learned, mean over seeds", "≥", goal, mean, met, "", "%")


def _every(
    record: Mapping[str, Any],
    what: str,
    relation: str,
    goal: float,
    values: Sequence[float | None],
    unit: str,
) -> Check:
    """A goal that each seed must keep to; a seed without the number does not."""
    claim = f"{what}{' of the learned' if unit == '%' else ''}, every seed"
    if None in values:
        missing = record["seeds"][list(values).index(None)]
        return Check(claim, relation, goal, None, False, f"seed {missing}", unit)
    known = [value for value in values if value is not None]
    pick: Callable[..., float] = min if relation == "≥" else max
    worst = pick(known)
    where = f"seed {record['seeds'][known.index(worst)]}"
    return Check(claim, relation, goal, worst, _keeps(worst, relation, goal), where, unit)


def _keeps(value: float, relation: str, goal: float) -> bool:
    """Within a billionth, so that 99.0 - 98.85 is not more than 0.15."""
    return value >= goal - 1e-9 if relation == "≥" else value <= goal + 1e-9


def _verdict(experiment: Experiment, record: Mapping[str, Any]) -> str:
    """One sentence: how many goals are met, and their numbers beside the paper's."""
    checks, count = record["checks"], len(record["seeds"])
    over = f"over {count} seed{'s' * (count > 1)}"
    if not checks:
        return f"Measured {over}; this experiment sets no goal."
    met = sum(check["met"] for check in checks)
    if met < len(checks):
        goals = f"{met} of {len(checks)} goals {'is' if met == 1 else 'are'} met"
    else:
        goals = {1: "The goal is met", 2: "Both goals are met"}.get(met, f"All {met} goals are met")
    details = []
    for name, learned in record["rows"].get("learned", {}).items():
        if name in experiment.goals and learned["mean"] is not None:
            paper = record["paper"].get("Meta-Sim", {}).get(name)
            beside = "" if paper is None else f" (paper {paper:.1f} %)"
            details.append(f"{name} {learned['mean']:.2f} %{beside}")
    if not details and record["attributes"]:
        details = [
            f"{checks[-1]['value']:.0f} of {count} seeds match the target's mean and spread in "
            f"all {len(record['attributes'])} attributes"
        ]
    return f"{goals} {over}{': ' if details else ''}{', '.join(details)}."
