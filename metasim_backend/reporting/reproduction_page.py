"""The page of an experiment over its seeds: verdict, tables beside the paper, pictures, curves."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from metasim_backend.reporting.animation import MOST_SCENES, Frames, frames_of, write_animation
from metasim_backend.reporting.charts import Line, line_chart
from metasim_backend.reporting.page import render
from metasim_backend.reporting.run_record import RunRecord, as_number, read_run
from metasim_backend.run_files.atomic_files import write_text

ANIMATION = "training.gif"
MOST_STEPS = 6

_HEADS = {
    "prior": "the grammar alone",
    "matched": "task phase off",
    "learned": "task phase on",
    "oracle": "the target's own data",
}


def write_reproduction_page(folder: Path, record: Mapping[str, Any], runs: Sequence[Path]) -> Path:
    """Write ``report.html`` and the animated picture ``training.gif`` into an experiment's folder.

    Args:
        folder: where they are written.
        record: of ``reproduction.record.record_of``.
        runs: the seeds' folders in order; pictures are the first's, curves all of theirs.

    Returns:
        The page's path.

    Raises:
        ReportError: when one of the runs is not a run's folder, or a file in it is damaged.
        ValueError: when a picture cannot be read.
    """
    records = [read_run(run) for run in runs]
    path = folder / "report.html"
    write_text(path, _page(folder, record, records))
    return path


def _page(folder: Path, record: Mapping[str, Any], runs: Sequence[RunRecord]) -> str:
    met = [bool(check["met"]) for check in record["checks"]]
    paper, rows, differences = record["paper"], record["rows"], record["differences"]
    frames = frames_of(runs[0]) if runs else None
    grid = _grid(runs[0]) if runs else []
    unseen = (record["mmd2"].get(row, {}).get("unseen", {}) for row in ("prior", "learned"))
    return render(
        "reproduction.html",
        title=f"{record['title']}: {record['experiment']}{', long' * record['long']}",
        verdict=record["verdict"],
        mood="unknown" if not met else "good" if all(met) else "mixed" if any(met) else "bad",
        record=record,
        runs=runs,
        unseen=[distance.get("mean") for distance in unseen],
        heads=[*((name, "paper") for name in paper), *((row, _head(record, row)) for row in rows)],
        scores=_names(rows),
        compared=_names(differences),
        film=_film(folder, frames) if frames else None,
        filmed=len(frames.rows[0]) if frames else 0,
        film_name=ANIMATION,
        grid=grid,
        columns=min(max((len(pictures) for *_, pictures in grid), default=0), MOST_SCENES),
        curves=_curves(record, runs),
        reports=_reports(folder, record, runs),
    )


def _head(record: Mapping[str, Any], row: str) -> str:
    if row == "learned" and "task" not in record["seconds"]["parts"]:
        return "no task phase"
    return _HEADS[row]


def _names(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Of numbers that any row has, in order of appearance."""
    return list(dict.fromkeys(name for scores in rows.values() for name in scores))


def _reports(
    folder: Path, record: Mapping[str, Any], runs: Sequence[RunRecord]
) -> list[tuple[str, str | None]]:
    """Each seed and the address of its report, None where it has none."""
    reports = []
    for seed, run in zip(record["seeds"], runs, strict=False):
        page = run.folder / "report.html"
        address = Path(os.path.relpath(page, folder)).as_posix()
        reports.append((f"seed {seed}", address if page.is_file() else None))
    return reports


def _film(folder: Path, frames: Frames) -> str:
    """The data URI of the animation, which is written beside the page."""
    path = write_animation(folder / ANIMATION, frames)
    return f"data:image/gif;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _grid(run: RunRecord) -> list[tuple[str, str, Sequence[Path | None]]]:
    """Rows prior, steps, learned, target as title, style and pictures; a column a scene (the
    target's are other scenes)."""
    followed = list(run.progress.values())
    steps = spread_steps(sorted({step for scene in followed for step, _ in scene}))
    rows: list[tuple[str, str, Sequence[Path | None]]] = [("prior", "prior", run.pictures["prior"])]
    for step in steps:
        rows.append((f"step {step}", "step", [dict(scene).get(step) for scene in followed]))
    rows += [(kind, kind, run.pictures[kind]) for kind in ("learned", "target")]
    return [row for row in rows if row[2]]


def spread_steps(steps: Sequence[int], most: int = MOST_STEPS) -> list[int]:
    """At most so many of the steps, evenly by their logarithm: what changes changes early."""
    if len(steps) <= most:
        return list(steps)
    low, high = math.log(max(steps[0], 1)), math.log(max(steps[-1], 1))
    wanted = [math.exp(low + (high - low) * i / (most - 1)) for i in range(most)]
    return sorted({min(steps, key=lambda step: abs(step - want)) for want in wanted})


def _curves(record: Mapping[str, Any], runs: Sequence[RunRecord]) -> list[tuple[str, str, Markup]]:
    """Title, note and chart of each; none where no MMD² was recorded."""
    lines = _lines(record, runs, "match", "mmd2")
    if not lines:
        return []
    last = max(step for line in lines for step, _ in line.points)
    early = [
        Line(line.name, [point for point in line.points if point[0] <= last / 10], line.style)
        for line in lines
    ]
    scores = _lines(record, runs, "task", "score")
    figures = [
        ("MMD² to matched targets", "all steps of matching, a line a seed", lines),
        ("MMD² to matched targets", "its first tenth", early if last >= 50 else []),
        ("Task network's score", "meta-epochs, a line a seed", scores),
    ]
    return [
        (title, note, Markup(line_chart(some, title=f"{title}: {note}")))
        for title, note, some in figures
        if some
    ]


def _lines(
    record: Mapping[str, Any], runs: Sequence[RunRecord], phase: str, name: str
) -> list[Line]:
    lines = []
    for seed, run in zip(record["seeds"], runs, strict=False):
        points = [
            (step, value)
            for entry in run.metrics
            if entry.get("phase") == phase
            and (step := as_number(entry.get("step"))) is not None
            and (value := as_number(entry.get(name))) is not None
        ]
        if points:
            lines.append(Line(f"seed {seed}", points, "two"))
    return lines
