"""The result of learning structure from photographs over its seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metasim_backend.statistics.histograms import count_shares, total_variation
from metasim_backend.statistics.intervals import summary_over_seeds

DRAWN = 2000  # samples of real frames
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
            row: summary_over_seeds([r["rows"][row]["mean"] for r in results]) for row in ROWS
        },
        "distances": {
            name: {
                row: summary_over_seeds([r["rows"][row]["distances"][name] for r in results])
                for row in ROWS
            }
            for name in names
        },
        # Intervals over pictures of one seed, then over seeds.
        "gains": {name: [r["gains"][name] for r in results] for name in names},
        "gains over seeds": {
            name: {
                against: summary_over_seeds([r["gains"][name][against]["value"] for r in results])
                for against in results[0]["gains"][name]
            }
            for name in names
        },
        "photographs": {"learned from": results[0]["seen"], "unseen": results[0]["unseen"]},
        "seconds": {
            phase: summary_over_seeds([r["seconds"][phase] for r in results])
            for phase in results[0]["seconds"]
        },
    }
    if truth is not None:
        record["truth"] = {
            "frames": len(truth),
            "mean": float(truth.mean()),
            "histogram": count_shares(truth).tolist(),
            "total variation of as few": sampling_distance(truth, results[0]["seen"]),
        }
    record["verdict"] = {
        name: {against: _verdict(gain) for against, gain in gains.items()}
        for name, gains in record["gains over seeds"].items()
    }
    return record


def sampling_distance(truth: np.ndarray, count: int) -> float:
    """Total variation, in the mean over samples, of that many real frames to all of them: what
    somebody who could read every photograph without error, and knew nothing else, would come to."""
    rng = np.random.default_rng(0)
    samples = (rng.choice(truth, count, replace=False) for _ in range(DRAWN))
    shares = count_shares(truth)
    return float(np.mean([total_variation(count_shares(sample), shares) for sample in samples]))


def _verdict(gain: Mapping[str, Any]) -> str:
    half = gain["half_width"]
    if half is None or abs(gain["mean"]) <= half:
        return "not clearly nearer or further"
    return "nearer" if gain["mean"] > 0 else "further"


def real_structure_table(record: Mapping[str, Any]) -> str:
    """A record for the terminal."""
    lines = ["Driving: structure learned from photographs", "", "number of vehicles, mean"]
    means = record["mean number of vehicles"]
    lines += [f"  {title}: {_text(means[row])}" for row, title in ROWS.items()]
    if "truth" in record:
        truth, seen = record["truth"], record["photographs"]["learned from"]
        few = truth["total variation of as few"]
        lines.append(f"  {truth['frames']} real frames: {truth['mean']:.4g}")
        lines.append(f"  ({seen} of them, as many as were learned from, are {few:.4g} from all)")
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
        told = ", ".join(
            f"{_text(gain, '+')} than {against} ({record['verdict'][name][against]})"
            for against, gain in record["gains over seeds"][name].items()
        )
        lines.append(f"  over seeds: lower by {told}")
    return "\n".join(lines)


def _text(summary: Mapping[str, Any], sign: str = "") -> str:
    half = summary["half_width"]
    return f"{summary['mean']:{sign}.4g}" + ("" if half is None else f" ± {half:.2g}")
