"""The result of an experiment over its seeds as plain data: numbers, intervals, goals met or not.

The form of ``docs/results/EXPERIMENT.json``. Every list of ``values`` is in the order of ``seeds``,
with null where a seed has no such number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from metasim_backend.experiments.experiment import Experiment, Measurement, Options
from metasim_backend.experiments.nearness import CUT_OPEN
from metasim_backend.statistics.circular import unrolled
from metasim_backend.statistics.histograms import mean_shares
from metasim_backend.statistics.intervals import summary_over_seeds


def record_of(
    experiment: Experiment, seeds: Mapping[int, Mapping[str, Any]], options: Options
) -> dict[str, Any]:
    """What the seeds' results say together.

    Args:
        seeds: by seed what the experiment's ``measure`` gave.

    Raises:
        ValueError: when there is no seed.
    """
    if not seeds:
        raise ValueError("A record needs the result of at least one seed; none was given.")
    measurements = [experiment.measurement(content) for content in seeds.values()]
    rows = _rows(experiment, measurements)
    record: dict[str, Any] = {
        "experiment": experiment.name,
        "title": experiment.title,
        "metric": experiment.metric,
        "command": " ".join(options.command),
        **provenance(),
        "long": experiment.long,
        "digits": experiment.digits,
        "seeds": list(seeds),
        "paper": {row: dict(scores) for row, scores in experiment.paper.items()},
        "labels": {row: experiment.label(row, measurements) for row in rows},
        "rows": rows,
        "differences": _differences(experiment, rows),
        "attributes": _attributes(measurements),
        "histograms": _histograms(measurements),
        "seconds": {
            "parts": summaries([m.seconds for m in measurements]),
            "total": [round(sum(m.seconds.values()), 1) for m in measurements],
        },
    }
    record |= experiment.more(list(seeds.values()), record, options)
    checks = [check for goal in experiment.goals if (check := goal.check(record)) is not None]
    record["checks"] = [asdict(check) for check in checks]
    record["verdict"] = _verdict(experiment, record)
    return record


def direction(difference: Mapping[str, Any]) -> int:
    """1 or -1 where the 95 % interval of a difference lies above or below 0, else 0."""
    mean, half = difference["mean"], difference["half_width"]
    return 0 if half is None or abs(mean) <= half else 1 if mean > 0 else -1


def provenance() -> dict[str, Any]:
    """What measures here: versions and kind of machine."""
    from metasim_backend.training.results import machine, versions

    return {"versions": versions(), "machine": machine()}


def _rows(experiment: Experiment, measurements: Sequence[Measurement]) -> dict[str, Any]:
    each = {row: [m.rows.get(row, {}) for m in measurements] for row in experiment.rows}
    return {row: summaries(numbers) for row, numbers in each.items() if any(numbers)}


def summaries(numbers: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Values, mean and interval over seeds, of every name that any seed has.

    Args:
        numbers: of each seed, by name; a number that is not finite counts as absent.
    """
    return {
        name: summary_over_seeds([_finite(one.get(name)) for one in numbers])
        for name in _names(numbers)
    }


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """In order of appearance."""
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _differences(experiment: Experiment, rows: Mapping[str, Any]) -> dict[str, Any]:
    """Per seed, so that what two rows of a seed have in common cancels."""
    return {
        f"{first} - {second}": {
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
        for first, second in experiment.differences
        if first in rows and second in rows
    }


def _histograms(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Mean shares by quantity and row."""
    return {
        quantity: {
            row: mean_shares([m.histograms[quantity][row] for m in measurements])
            for row in measurements[0].histograms[quantity]
        }
        for quantity in measurements[0].histograms
    }


def _attributes(measurements: Sequence[Measurement]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name in _names(m.attributes for m in measurements):
        entries = [m.attributes.get(name, {}) for m in measurements]
        item: dict[str, Any] = _moments(entries)
        for key in ("w1_prior", "w1_learned", "w1_share", "spread_error"):
            item[key] = [_finite(entry.get(key)) for entry in entries]
        for key in ("w1_share", "spread_error"):
            item[f"worst_{key}"] = max((v for v in item[key] if v is not None), default=None)
        if any(entry.get("period") for entry in entries):
            # Seeds kept from earlier versions stand in the same table; each says what it is.
            item["definition"] = [entry.get("definition", CUT_OPEN) for entry in entries]
        attributes[name] = item
    return attributes


def _moments(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[float] | None]:
    """(mean, standard deviation) of prior, learned and target, each the mean over seeds.

    Circular means of different seeds may lie a period apart: they are taken round the first seed's
    target.
    """
    moments: dict[str, list[float] | None] = {}
    period = next((e["period"] for e in entries if e.get("period")), None)
    centre = next((e["target"][0] for e in entries if "target" in e), 0.0)
    for part in ("prior", "learned", "target"):
        pairs = [entry[part] for entry in entries if part in entry]
        means = [pair[0] for pair in pairs]
        if period:
            means = list(unrolled(means, period, centre))
        moments[part] = [_mean(means), _mean([pair[1] for pair in pairs])] if pairs else None
    return moments


def _mean(values: Sequence[float]) -> float:
    return float(sum(values) / len(values))


def _verdict(experiment: Experiment, record: Mapping[str, Any]) -> str:
    """One sentence: how many goals are met, and the numbers that matter."""
    checks, count = record["checks"], len(record["seeds"])
    met = sum(check["met"] for check in checks)
    if not checks:
        goals = "Measured"
    elif met < len(checks):
        goals = f"{met} of {len(checks)} goals {'is' if met == 1 else 'are'} met"
    else:
        goals = {1: "The goal is met", 2: "Both goals are met"}.get(met, f"All {met} goals are met")
    highlights = experiment.highlights(record)
    over = f"over {count} seed{'s' * (count > 1)}"
    return f"{goals} {over}{': ' if highlights else ''}{highlights}."
