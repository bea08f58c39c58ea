"""The report's page: its style and the order of its parts. No script, no outside address."""

from __future__ import annotations

from html import escape
from importlib import resources

from metasim_backend.reporting import curves, gallery, tables
from metasim_backend.reporting.attributes import attribute_table
from metasim_backend.reporting.count_bars import structure_section
from metasim_backend.reporting.numbers import duration, number
from metasim_backend.reporting.run_record import RunRecord, as_number
from metasim_backend.reporting.verdict import (
    Comparison,
    collision_comparisons,
    detector_comparisons,
    distance_comparisons,
    mmd_comparisons,
    verdict,
)

# What the page may load: nothing but the pictures and the style within it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render_page(record: RunRecord) -> str:
    """The whole page for a run, as HTML."""
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    rows = attribute_table(record.attributes)
    mmd, detector = mmd_comparisons(record), detector_comparisons(record)
    others = [*distance_comparisons(record), *detector, *collision_comparisons(record)]
    sentence, mood = verdict(record, rows)
    title = str(record.summary.get("title") or record.folder.resolve().name)
    features = record.summary.get("features")
    measured_with = escape(str(features)) if features else "not recorded"
    detector_note = (
        "" if detector else '<p class="absent">No detector was trained and scored in this run.</p>'
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p class="verdict {mood}">{escape(sentence)}</p>
{_tiles(record, mmd, detector)}
<h2>Pictures</h2>
<p class="lead">The prior is what the grammar draws by itself; {gallery.learned_scenes(record)}</p>
{gallery.comparison(record)}
{gallery.progress(record)}
<h2>Optimisation off and on</h2>
<p class="lead">MMD² is the unbiased squared maximum mean discrepancy between rendered and target
pictures: lower is nearer, and round zero the two cannot be told apart. Unseen target pictures took
no part in learning. Features φ: {measured_with}. The Fréchet and the kernel distance are on φ too;
FID and KID are on the last pooling layer of Inception-v3. Collisions: things that stand in
another.</p>
{tables.off_and_on([*mmd, *others])}
{detector_note}
<h3>What was switched on</h3>
{tables.switches(record)}
<h2>Curves</h2>
{curves.curves(record)}
{structure_section(record)}
<h2>Attributes</h2>
<p class="lead">Each attribute over many scenes as mean ± spread, the one that moved farthest
first.</p>
{tables.attributes(record.attributes, rows)}
<p class="note"><small>Distances are Wasserstein-1, round the circle for circular attributes and
total variation for categories. The spread is the standard deviation; for circular attributes
√(−2 ln R) with R the length of the mean vector. For categories the most frequent one stands for the
mean, and mix is the chance that two draws differ. Half the period counts as a circular attribute's
range.</small></p>
<h2>What was run</h2>
{tables.what_was_run(record)}
</main>
</body>
</html>
"""


def _tiles(record: RunRecord, mmd: tuple[Comparison, ...], detector: tuple[Comparison, ...]) -> str:
    tiles = [
        f"<span>{escape(c.name)}</span><b>{number(c.prior)} → {number(c.learned)}</b>"
        for c in (mmd[1], *detector[:1])
        if c.prior is not None or c.learned is not None
    ]
    times = [as_number(value) for value in record.section("seconds").values()]
    total = as_number(record.section("seconds").get("total"))
    spent = total if total is not None else sum(time for time in times if time is not None)
    if spent:
        tiles.append(f"<span>time</span><b>{duration(spent)}</b>")
    features = record.summary.get("features")
    if features:
        tiles.append(f"<span>features φ</span>{escape(str(features))}")
    inside = "".join(f'<div class="tile">{tile}</div>' for tile in tiles)
    return f'<div class="tiles">{inside}</div>' if tiles else ""
