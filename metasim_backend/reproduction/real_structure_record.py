"""The result of learning structure from photographs over its seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metasim_backend.reproduction.statistics import mean_interval

ROWS = {
    "prior": "prior (the grammar alone)",
    "attributes": "attributes learned",
    "both": "attributes and structure learned",
}


def real_structure_record(seeds: Mapping[int, dict], truth: np.ndarray | None) -> dict[str, Any]:
    """What the seeds' results say together, as plain data.

    Args:
        seeds: by seed what ``real_structure.run_real_structure_seed`` returns.
        truth: [frames] vehicles in real frames, or None.
    """
    results = list(seeds.values())
    names = list(results[0]["rows"]["prior"]["distances"])
    record: dict[str, Any] = {
        "seeds": list(seeds),
        "mean number of vehicles": {
            row: _summary([r["rows"][row]["mean"] for r in results]) for row in ROWS
        },
        "distances": {
            name: {
                row: _summary([r["rows"][row]["distances"][name] for r in results]) for row in ROWS
            }
            for name in names
        },
        # Intervals over pictures of one seed; those over seeds stand above.
        "gains": {name: [r["gains"][name] for r in results] for name in names},
        "photographs": {"learned from": results[0]["seen"], "unseen": results[0]["unseen"]},
        "seconds": {
            arm: _summary([r["seconds"][arm] for r in results]) for arm in results[0]["seconds"]
        },
    }
    if truth is not None:
        record["truth"] = {
            "frames": len(truth),
            "mean": float(truth.mean()),
            "histogram": (np.bincount(truth) / len(truth)).tolist(),
        }
    nearer = {
        name: sum(all(gain["value"] > 0 for gain in r["gains"][name].values()) for r in results)
        for name in names
    }
    record["verdict"] = "; ".join(
        f"{name}: nearest with the structure learned in {count} of {len(results)} seeds"
        for name, count in nearer.items()
    )
    return record


def real_structure_table(record: Mapping[str, Any]) -> str:
    """A record for the terminal."""
    lines = ["Driving: structure learned from photographs", ""]
    if "truth" in record:
        truth = record["truth"]
        lines.append(f"vehicles in {truth['frames']} real frames: {truth['mean']:.2f} in the mean")
    means = record["mean number of vehicles"]
    lines += [f"  {title}: {_text(means[row])}" for row, title in ROWS.items()]
    for name, rows in record["distances"].items():
        lines += ["", name]
        lines += [f"  {title}: {_text(rows[row])}" for row, title in ROWS.items()]
        for seed, gains in zip(record["seeds"], record["gains"][name], strict=True):
            told = ", ".join(
                f"{gain['value']:+.4f} [{gain['interval'][0]:+.4f}, {gain['interval'][1]:+.4f}] "
                f"than {against}"
                for against, gain in gains.items()
            )
            lines.append(f"  seed {seed}: lower by {told}")
    return "\n".join([*lines, "", record["verdict"]])


def _summary(values: list[float]) -> dict[str, Any]:
    mean, half = mean_interval(values)
    return {"values": values, "mean": mean, "half_width": half}


def _text(summary: Mapping[str, Any]) -> str:
    half = summary["half_width"]
    return f"{summary['mean']:.4f}" + ("" if half is None else f" ± {half:.4f}")
