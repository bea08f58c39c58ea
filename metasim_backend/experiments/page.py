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


def write_page(
    folder: Path, record: Mapping[str, Any], runs: Mapping[int, Mapping[str, Path]]
) -> Path:
    """Write ``report.html`` and the animated picture ``training.gif`` into an experiment's folder.

    Args:
        folder: where they are written.
        record: of ``record.record_of``.
        runs: by seed its runs' folders, by the words for them; pictures are the first seed's,
            curves all of theirs.

    Returns:
        The page's path.

    Raises:
        ReportError: when one of the runs is not a run's folder, or a file in it is damaged.
        ValueError: when a picture cannot be read.
    """
    read = {
        f"seed {seed}{f', {words}' if words else ''}": read_run(path)
        for seed, named in runs.items()
        for words, path in named.items()
    }
    first = list(read.items())[: len(next(iter(runs.values()), ()))]
    frames = next((frames for _, run in first if (frames := frames_of(run))), None)
    met = [bool(check["met"]) for check in record["checks"]]
    rows = record["rows"]
    unseen = [record.get("mmd2", {}).get(row, {}).get("unseen") for row in ("prior", "learned")]
    text = render(
        "experiment.html",
        title=f"{record['title']}: {record['experiment']}{', long' * record['long']}",
        verdict=record["verdict"],
        mood="unknown" if not met else "good" if all(met) else "mixed" if any(met) else "bad",
        record=record,
        unseen=[summary["mean"] for summary in unseen if summary],
        heads=[(name, "paper") for name in record["paper"]]
        + [(row, _head(row, label)) for row, label in record["labels"].items()],
        scores=list(dict.fromkeys(name for numbers in rows.values() for name in numbers)),
        film=_film(folder, frames) if frames else None,
        filmed=len(frames.rows[0]) if frames else 0,
        film_name=ANIMATION,
        grids=[(words, _grid(run)) for words, run in first],
        most=MOST_SCENES,
        curves=[*_run_curves(read), *_record_curves(record)],
        reports=[(words, _address(folder, run)) for words, run in read.items()],
    )
    path = folder / "report.html"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return path


def _head(row: str, label: str) -> str:
    """What stands small below a column's head: the label without the row's name."""
    words = label.removeprefix(row).strip()
    return words.removeprefix("(").removesuffix(")") if words.startswith("(") else words


def _address(folder: Path, run: RunRecord) -> str | None:
    """Of a run's report, None where it has none."""
    page = run.folder / "report.html"
    return Path(os.path.relpath(page, folder)).as_posix() if page.is_file() else None


def _film(folder: Path, frames: Frames) -> str:
    """The data URI of the animation, which is written beside the page."""
    folder.mkdir(parents=True, exist_ok=True)
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


def _run_curves(runs: Mapping[str, RunRecord]) -> list[tuple[str, str, Markup]]:
    """Title, note and chart of each; MMD² of matching and the task network's score, where they
    were recorded."""
    lines = _lines(runs, "match", "mmd2")
    last = max((step for line in lines for step, _ in line.points), default=0)
    early = [
        Line(line.name, [point for point in line.points if point[0] <= last / 10], line.style)
        for line in lines
    ]
    return _charts(
        [
            ("MMD² to matched targets", "all steps of matching, a line a seed", lines),
            ("MMD² to matched targets", "its first tenth", early if last >= 50 else []),
            ("Task network's score", "meta-epochs, a line a seed", _lines(runs, "task", "score")),
        ]
    )


def _record_curves(record: Mapping[str, Any]) -> list[tuple[str, str, Markup]]:
    """Of the record's own ``curves``, a chart a row."""
    return _charts(
        [
            (row, title, [Line(row, points, "two") for points in each])
            for title, rows in record.get("curves", {}).items()
            for row, each in rows.items()
        ]
    )


def _charts(
    figures: Sequence[tuple[str, str, Sequence[Line]]],
) -> list[tuple[str, str, Markup]]:
    return [
        (title, note, Markup(line_chart(lines, title=f"{title}: {note}")))
        for title, note, lines in figures
        if lines
    ]


def _lines(runs: Mapping[str, RunRecord], phase: str, name: str) -> list[Line]:
    lines = []
    for words, run in runs.items():
        points = [
            (step, value)
            for entry in run.metrics
            if entry.get("phase") == phase
            and (step := as_number(entry.get("step"))) is not None
            and (value := as_number(entry.get(name))) is not None
        ]
        if points:
            lines.append(Line(words, points, "two"))
    return lines
