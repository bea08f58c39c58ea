"""The page of an experiment on structure: distances, goals, histograms, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from metasim_backend.reporting.count_bars import COLOURS, bars
from metasim_backend.reporting.numbers import duration
from metasim_backend.reporting.plots import data_uri
from metasim_backend.run_files.atomic_files import write_text

SHOWN = 8
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_TITLES = {
    "prior": "prior",
    "density": "learned, density reward",
    "mmd": "learned, MMD reward",
    "target": "target",
}


def write_structure_page(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write ``report.html`` into an experiment's folder.

    Args:
        folder: below which the seeds' folders lie; pictures are the first seed's.
        record: of ``reproduction.structure_record.structure_record``.

    Returns:
        The page's path.
    """
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    met = [bool(check["met"]) for check in record["checks"]]
    mood = "good" if all(met) else "mixed" if any(met) else "bad"
    title = escape(f"{record['title']}: {record['experiment']}")
    charts = "".join(
        f'<figure class="card"><figcaption><b>{escape(name)}</b></figcaption>{bars(rows)}</figure>'
        for name, rows in record["histograms"].items()
    )
    keys = " ".join(
        f'<span style="color:{COLOURS[row]}">■</span> {_TITLES[row]}' for row in record["distances"]
    )
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="verdict {mood}">{escape(record["verdict"])}</p>
<h2>Distances to the target</h2>
<p class="lead">Total variation: half the sum of the differences of all shares. Mean over seeds ±
half the width of its 95 % interval, and each seed's own. The target's row is what as many other
scenes of the target differ by chance.</p>
{_distances(record)}
<h2>Goals</h2>
{_checks(record)}
<h2>Histograms</h2>
<p class="lead">Shares, the mean over seeds. {keys}</p>
<div class="charts">{charts}</div>
<h2>Pictures</h2>
{_pictures(folder, record)}
<h2>What was run</h2>
<p><code>{escape(record["command"])}</code></p>
<p>{escape(record["machine"])}; {_times(record)}</p>
</main>
</body>
</html>
"""
    path = folder / "report.html"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def _distances(record: Mapping[str, Any]) -> str:
    names = list(record["histograms"])
    body = []
    for row, distances in record["distances"].items():
        cells = []
        for name in names:
            own = distances[name]
            half = own["half_width"]
            tail = "" if half is None else f" ± {half:.3f}"
            each = ", ".join(f"{value:.3f}" for value in own["values"])
            small = f"<small>{each}</small>" if len(own["values"]) > 1 else ""
            cells.append(f"<td><b>{own['mean']:.3f}</b>{tail}{small}</td>")
        body.append(f'<tr><th scope="row">{_TITLES[row]}</th>{"".join(cells)}</tr>')
    return _table(["", *map(escape, names)], body)


def _checks(record: Mapping[str, Any]) -> str:
    body = []
    for check in record["checks"]:
        mark = '<b class="good">met</b>' if check["met"] else '<b class="bad">not met</b>'
        unit = f" {check['unit']}" if check["unit"] else ""
        body.append(
            f'<tr><th scope="row">{escape(check["claim"])}</th>'
            f"<td>{check['relation']} {check['goal']:g}{unit}</td>"
            f"<td>{check['value']:.3f}{unit}<small>{escape(check['where'])}</small></td>"
            f"<td>{mark}</td></tr>"
        )
    return _table(["", "goal", "worst", ""], body)


def _pictures(folder: Path, record: Mapping[str, Any]) -> str:
    first = folder / f"seed_{record['seeds'][0]}"
    rows = []
    for title, run, kind in (
        ("prior", "density", "prior"),
        ("learned, density reward", "density", "learned"),
        ("learned, MMD reward", "mmd", "learned"),
        ("target", "density", "target"),
    ):
        found = sorted((first / run / "report_data" / "pictures" / kind).glob("*.png"))[:SHOWN]
        images = "".join(
            f'<img src="{uri}" alt="{title}" style="image-rendering:pixelated">'
            for path in found
            if (uri := data_uri(path))
        )
        if images:
            strip = f'<div class="strips" style="--columns:{SHOWN}">{images}</div>'
            rows.append(f"<h3>{title}</h3>{strip}")
    return "".join(rows) or '<p class="absent">No pictures were kept.</p>'


def _times(record: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{escape(_TITLES[row])} {duration(spent['mean'])} a seed"
        for row, spent in record["seconds"].items()
    )


def _table(heads: list[str], body: list[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return (
        f'<div class="wide"><table class="numbers"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
