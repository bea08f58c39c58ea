"""The result of an experiment on structure over its seeds: distances, intervals, goals."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from metasim_backend.reporting.numbers import duration
from metasim_backend.reproduction.record import Check, provenance
from metasim_backend.reproduction.structure_experiments import StructureExperiment
from metasim_backend.reproduction.table import WIDTH, check_line
from metasim_backend.statistics.histograms import mean_shares
from metasim_backend.statistics.intervals import summary_over_seeds

ROWS = {
    "prior": "prior (the grammar alone)",
    "density": "learned, density reward",
    "mmd": "learned, MMD reward (ablation)",
    "target": "target (other scenes of it)",
}


def structure_record(
    experiment: StructureExperiment, seeds: Mapping[int, dict], command: Sequence[str]
) -> dict[str, Any]:
    """What the seeds' results say together, as plain data.

    Args:
        seeds: by seed what ``structure_seed.run_structure_seed`` returns.

    Raises:
        ValueError: when there is no seed.
    """
    if not seeds:
        raise ValueError("A record needs the result of at least one seed; none was given.")
    results = list(seeds.values())
    names = [quantity.name for quantity in experiment.quantities]
    rows = [row for row in ROWS if row in ("prior", *experiment.rewards, "target")]
    distances = {
        row: {
            name: summary_over_seeds([r["distances"][row][name] for r in results]) for name in names
        }
        for row in rows
    }
    seconds = {
        row: summary_over_seeds([r["seconds"][row]["whole"] for r in results])
        for row in experiment.rewards
    }
    record: dict[str, Any] = {
        "experiment": experiment.name,
        "title": experiment.title,
        "metric": "total variation distance to the target",
        **provenance(command),
        "seeds": list(seeds),
        "distances": distances,
        "histograms": {
            name: {row: mean_shares([r["histograms"][row][name] for r in results]) for row in rows}
            for name in names
        },
        "seconds": seconds,
    }
    checks = [_distance_check(experiment, record, name) for name in names]
    spent = [value / 60 for value in seconds["density"]["values"]]
    slowest = max(spent)
    where = f"seed {record['seeds'][spent.index(slowest)]}"
    checks.append(
        Check(
            "time of a seed with the density reward, every seed",
            *("≤", experiment.minutes, slowest, slowest <= experiment.minutes, where, "min"),
        )
    )
    record["checks"] = [asdict(check) for check in checks]
    met = sum(check.met for check in checks)
    record["verdict"] = (
        f"{met} of {len(checks)} goals are met over {len(seeds)} seed{'s' * (len(seeds) > 1)}: "
        + ", ".join(
            f"{name} {distances['prior'][name]['mean']:.3f} → {own['mean']:.3f}"
            for name, own in distances["density"].items()
        )
        + " (prior → learned, mean total variation to the target)."
    )
    return record


def structure_table(record: Mapping[str, Any]) -> str:
    """A record for the terminal: a line a row, a column a quantity, then the goals."""
    names = list(record["histograms"])
    lines = [["", *names]]
    for row in record["distances"]:
        lines.append([ROWS[row], *(_fixed(record["distances"][row][name]) for name in names)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    if sum(widths) + 2 * len(widths) > WIDTH:  # the other way round
        lines = [list(line) for line in zip(*lines, strict=True)]
        lines[0] = ["", *record["distances"]]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    count = len(record["seeds"])
    head = f"{record['title']} ({record['experiment']}, {count} seed{'s' * (count > 1)})"
    text = [head, record["metric"] + ("; mean ± half width of 95 %" if count > 1 else ""), ""]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        text.append("  ".join(cells).rstrip())
    text += ["", *(check_line(check) for check in record["checks"])]
    times = ", ".join(f"{row} {duration(s['mean'])}" for row, s in record["seconds"].items())
    return "\n".join(
        [*text, "", f"time for one seed: {times}", textwrap.fill(record["verdict"], WIDTH)]
    )


def _distance_check(experiment: StructureExperiment, record: Mapping[str, Any], name: str) -> Check:
    values = record["distances"]["density"][name]["values"]
    worst = max(values)
    goal = experiment.largest_distance
    where = f"seed {record['seeds'][values.index(worst)]}"
    return Check(f"total variation of {name}, every seed", "≤", goal, worst, worst <= goal, where)


def _fixed(summary: Mapping[str, Any]) -> str:
    half = summary["half_width"]
    return f"{summary['mean']:.3f}" + ("" if half is None else f" ± {half:.3f}")
