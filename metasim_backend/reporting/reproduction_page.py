"""The page of an experiment over its seeds: verdict, tables beside the paper, pictures, curves."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from metasim_backend.reporting.animation import MOST_SCENES, frames_of, write_animation
from metasim_backend.reporting.charts import Line, line_chart
from metasim_backend.reporting.numbers import duration, number
from metasim_backend.reporting.plots import data_uri
from metasim_backend.reporting.run_record import RunRecord, as_number, read_run
from metasim_backend.run_files.atomic_files import write_text

ANIMATION = "training.gif"
MOST_STEPS = 6

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
.turning { display:grid; grid-template-columns:6.5em repeat(var(--columns),minmax(28px,96px));
  gap:4px; align-items:center; margin:12px 0; overflow-x:auto }
.turning span { font-size:.85rem; color:var(--soft) }
.turning .prior,.turning .learned,.turning .target { font-weight:650; color:var(--ink) }
.turning img,.film { image-rendering:pixelated; border-radius:2px }
.film { width:auto; max-width:100%; background:#fff; margin:12px 0 }
.numbers td small { white-space:normal; min-width:9em }
a { color:var(--learned) }
"""
_HEADS = {
    "prior": "prior<small>the grammar alone</small>",
    "matched": "matched<small>task phase off</small>",
    "learned": "learned<small>task phase on</small>",
    "oracle": "oracle<small>the target's own data</small>",
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
    found = [read_run(run) for run in runs]
    path = folder / "report.html"
    film = _film(folder, found[0]) if found else ""
    write_text(path, _page(folder, record, found, film))
    return path


def _page(folder: Path, record: Mapping[str, Any], runs: Sequence[RunRecord], film: str) -> str:
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    met = [bool(check["met"]) for check in record["checks"]]
    mood = "unknown" if not met else "good" if all(met) else "mixed" if any(met) else "bad"
    title = escape(f"{record['title']}: {record['experiment']}{', long' * record['long']}")
    parts = [_tiles(record)]
    if record["rows"]:
        parts += ["<h2>Beside the paper</h2>", _scores(record), _differences(record)]
    parts += ["<h2>Goals</h2>", _checks(record)]
    parts += ["<h2>While learning</h2>", film, _grid(runs[0]) if runs else _absent("No run.")]
    parts += ["<h2>Curves</h2>", _curves(record, runs)]
    parts += ["<h2>Attributes</h2>", _attributes(record)]
    parts += ["<h2>What was run</h2>", _facts(folder, record, runs)]
    body = "\n".join(part for part in parts if part)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title}</title>
<style>{style}{_STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="verdict {mood}">{escape(record["verdict"])}</p>
{body}
</main>
</body>
</html>
"""


# Tables ---------------------------------------------------------------------------------------


def _tiles(record: Mapping[str, Any]) -> str:
    seconds, mmd2 = record["seconds"], record["mmd2"]
    tiles = [f"<span>seeds</span><b>{len(record['seeds'])}</b>"]
    for name, key in (("generator, a seed", "generator"), ("all of a seed", "total")):
        values = seconds[key]
        tiles.append(f"<span>{name}</span><b>{duration(sum(values) / len(values))}</b>")
    before, after = (
        mmd2.get(part, {}).get("unseen", {}).get("mean") for part in ("prior", "learned")
    )
    if before is not None and after is not None:
        tiles.append(
            f"<span>MMD² to unseen targets</span><b>{number(before)} → {number(after)}</b>"
        )
    inside = "".join(f'<div class="tile">{tile}</div>' for tile in tiles)
    return f'<div class="tiles">{inside}</div>'


def _scores(record: Mapping[str, Any]) -> str:
    rows, paper = record["rows"], record["paper"]
    heads = [f"{escape(name)}<small>paper</small>" for name in paper]
    heads += [_head(record, row) for row in rows]
    names = dict.fromkeys(name for scores in rows.values() for name in scores)
    body = []
    for name in names:
        cells = [f"<td>{_fixed(scores.get(name), 1)}</td>" for scores in paper.values()]
        cells += [f"<td>{_summary(scores.get(name))}</td>" for scores in rows.values()]
        body.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>')
    lead = (
        f'<p class="lead">{escape(record["metric"])}; mean over seeds ± half the width of its 95 % '
        "interval, and each seed's own. The same task network with the same budget in every "
        "column; the pictures it is scored on no training saw.</p>"
    )
    return lead + _table(["", *heads], body)


def _differences(record: Mapping[str, Any]) -> str:
    found = record["differences"]
    if not found:
        return ""
    names = list(dict.fromkeys(name for scores in found.values() for name in scores))
    body = []
    for title, scores in found.items():
        cells = "".join(f"<td>{_summary(scores.get(name), sign=True)}</td>" for name in names)
        shown = escape(title).replace(" - ", " \N{MINUS SIGN} ")
        body.append(f'<tr><th scope="row">{shown}</th>{cells}</tr>')
    return f"<h3>Differences, seed by seed</h3>{_table(['', *map(escape, names)], body)}"


def _checks(record: Mapping[str, Any]) -> str:
    if not record["checks"]:
        return _absent("This experiment sets no goal.")
    body = []
    for check in record["checks"]:
        unit = f"\N{NO-BREAK SPACE}{check['unit']}" if check["unit"] else ""
        mark = '<b class="good">met</b>' if check["met"] else '<b class="bad">not met</b>'
        found = _fixed(check["value"], 3 if unit else 0)
        found += unit if check["value"] is not None else ""
        where = f"<small>{escape(check['where'])}</small>" if check["where"] else ""
        body.append(
            f'<tr><th scope="row">{escape(check["claim"])}</th>'
            f"<td>{check['relation']} {check['goal']:g}{unit}</td>"
            f"<td>{found}{where}</td><td>{mark}</td></tr>"
        )
    return _table(["", "goal", "measured (the worst, where each seed counts)", ""], body)


def _attributes(record: Mapping[str, Any]) -> str:
    if not record["attributes"]:
        return _absent("No attributes were recorded.")
    body = []
    for name, item in record["attributes"].items():
        cells = [f"<td>{_moments(item[part])}</td>" for part in ("prior", "learned", "target")]
        cells += [f"<td>{_shares(item, key)}</td>" for key in ("w1_share", "spread_error")]
        body.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>')
    lead = (
        '<p class="lead">Mean ± spread, the mean over seeds. W1 is the Wasserstein-1 distance of '
        "learned to target as a share of the prior's; the spread's error is a share of the "
        "target's spread. The worst seed first, then each.</p>"
    )
    heads = ["attribute", "prior", "learned", "target", "W1", "spread's error"]
    return lead + _table(heads, body)


def _facts(folder: Path, record: Mapping[str, Any], runs: Sequence[RunRecord]) -> str:
    parts = record["seconds"]["parts"].items()
    spent = ", ".join(f"{escape(part)} {duration(seconds)}" for part, seconds in parts)
    versions = ", ".join(f"{escape(k)} {escape(str(v))}" for k, v in record["versions"].items())
    links = []
    for seed, run in zip(record["seeds"], runs, strict=False):
        own = run.folder / "report.html"
        address = Path(os.path.relpath(own, folder)).as_posix()
        words = f"seed {seed}"
        links.append(
            f'<a href="{escape(address)}">{words}</a>'
            if own.is_file()
            else f'{words} <span class="absent">(no report)</span>'
        )
    rows = (
        ("each seed's report", ", ".join(links) or _absent("none")),
        ("command", f"<code>{escape(record['command'])}</code>"),
        ("machine", escape(record["machine"])),
        ("time of a part, mean", spent or _absent("not recorded")),
        ("versions", versions),
    )
    body = "".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
    return f'<table class="facts"><tbody>{body}</tbody></table>'


# Pictures and curves --------------------------------------------------------------------------


def _film(folder: Path, run: RunRecord) -> str:
    frames = frames_of(run)
    if frames is None:
        return _absent("No pictures were kept while learning.")
    path = write_animation(folder / ANIMATION, frames)
    data = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<img class="film" src="data:image/gif;base64,{data}" '
        'alt="scenes turning from prior to learned, target pictures beneath">'
        f'<p class="note"><small>{len(frames.rows[0])} scenes of the first seed over training, '
        f"and target pictures (other scenes). Also in {ANIMATION}.</small></p>"
    )


def _grid(run: RunRecord) -> str:
    """Rows prior, steps, learned, target; a column a scene (the target's are other scenes)."""
    followed = list(run.progress.values())
    steps = spread_steps(sorted({step for scene in followed for step, _ in scene}))
    rows: list[tuple[str, str, Sequence[Path | None]]] = [("prior", "prior", run.pictures["prior"])]
    for step in steps:
        rows.append((f"step {step}", "step", [dict(scene).get(step) for scene in followed]))
    rows += [(kind, kind, run.pictures[kind]) for kind in ("learned", "target")]
    columns = min(max(len(pictures) for _, _, pictures in rows), MOST_SCENES)
    if columns == 0:
        return _absent("No pictures were recorded in this run.")
    cells = []
    for title, style, pictures in rows:
        if pictures:
            cells.append(f'<span class="{style}">{title}</span>')
            shown = [*pictures[:columns], *([None] * (columns - len(pictures)))]
            cells += [_cell(path, title) for path in shown]
    return f'<div class="turning" style="--columns:{columns}">{"".join(cells)}</div>'


def spread_steps(steps: Sequence[int], most: int = MOST_STEPS) -> list[int]:
    """At most so many of the steps, evenly by their logarithm: what changes changes early."""
    if len(steps) <= most:
        return list(steps)
    low, high = math.log(max(steps[0], 1)), math.log(max(steps[-1], 1))
    wanted = [math.exp(low + (high - low) * i / (most - 1)) for i in range(most)]
    return sorted({min(steps, key=lambda step: abs(step - want)) for want in wanted})


def _cell(path: Path | None, words: str) -> str:
    uri = data_uri(path) if path is not None else None
    return "<i></i>" if uri is None else f'<img src="{uri}" alt="{escape(words)}">'


def _curves(record: Mapping[str, Any], runs: Sequence[RunRecord]) -> str:
    lines = _lines(record, runs, "match", "mmd2")
    if not lines:
        return _absent("No MMD² was recorded while matching.")
    last = max(step for line in lines for step, _ in line.points)
    early = [
        Line(line.name, [point for point in line.points if point[0] <= last / 10], line.style)
        for line in lines
    ]
    figures = [
        _figure("MMD² to matched targets", "all steps of matching, a line a seed", lines),
        _figure("MMD² to matched targets", "its first tenth", early) if last >= 50 else "",
    ]
    scores = _lines(record, runs, "task", "score")
    if scores:
        figures.append(_figure("Task network's score", "meta-epochs, a line a seed", scores))
    return f'<div class="charts">{"".join(figures)}</div>'


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


def _figure(title: str, note: str, lines: Sequence[Line]) -> str:
    chart = line_chart(lines, title=f"{title}: {note}")
    caption = f"<figcaption><b>{title}</b> {note}</figcaption>"
    return f'<figure class="card">{caption}{chart}</figure>'


# Small parts ----------------------------------------------------------------------------------


def _head(record: Mapping[str, Any], row: str) -> str:
    if row == "learned" and "task" not in record["seconds"]["parts"]:
        return "learned<small>no task phase</small>"
    return _HEADS[row]


def _table(heads: Sequence[str], body: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return (
        f'<div class="wide"><table class="numbers"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _fixed(value: float | None, digits: int, sign: bool = False) -> str:
    """With a fixed number of digits, needless zeros of more than two cut."""
    if value is None:
        return _absent("unknown", "span")
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    if digits > 2 and text.endswith("0"):
        text = text[:-1]
    shown = text.replace("-", "\N{MINUS SIGN}")
    return f'<data value="{value!r}">{shown}</data>'


def _summary(summary: Mapping[str, Any] | None, sign: bool = False) -> str:
    if summary is None or summary["mean"] is None:
        return _absent("unknown", "span")
    half = summary["half_width"]
    tail = "" if half is None else f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{_fixed(half, 2)}"
    each = ", ".join("?" if v is None else _fixed(v, 2, sign) for v in summary["values"])
    own = f"<small>{each}</small>" if len(summary["values"]) > 1 else ""
    return f"<b>{_fixed(summary['mean'], 2, sign)}</b>{tail}{own}"


def _moments(moments: Sequence[float] | None) -> str:
    if moments is None:
        return _absent("unknown", "span")
    return f"{number(moments[0])} ±\N{NO-BREAK SPACE}{number(moments[1])}"


def _shares(item: Mapping[str, Any], key: str) -> str:
    worst = item[f"worst_{key}"]
    if worst is None:
        return _absent("no spread" if key == "spread_error" else "unknown", "span")
    each = ", ".join("?" if v is None else f"{100 * v:.1f}" for v in item[key])
    own = f"<small>{each}</small>" if len(item[key]) > 1 else ""
    return f"<b>{100 * worst:.1f}\N{NO-BREAK SPACE}%</b>{own}"


def _absent(words: str, tag: str = "p") -> str:
    return f'<{tag} class="absent">{words}</{tag}>'
