"""The report's tables: attributes, with and without optimisation, and what was run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape

import yaml

from metasim_backend.reporting.attributes import AttributeRow, AttributeSamples
from metasim_backend.reporting.charts import histogram
from metasim_backend.reporting.numbers import duration, number, short
from metasim_backend.reporting.run_record import RunRecord, as_number
from metasim_backend.reporting.verdict import Comparison
from metasim_backend.statistics.moments import Moments

_KEYS = (
    '<p class="keys"><span class="key prior">prior</span>'
    '<span class="key learned">learned</span><span class="key target">target</span></p>'
)


def attributes(samples: Sequence[AttributeSamples], rows: Sequence[AttributeRow]) -> str:
    """Histogram, mean ± spread and distances of every attribute, in the order of the rows."""
    if not rows:
        return (
            '<p class="absent">No attributes were recorded '
            "(report_data/attributes.json is absent or empty).</p>"
        )
    by_name = {item.name: item for item in samples}
    known = any(row.target is not None for row in rows)
    heads = ["attribute", "distribution", "prior", "learned"]
    heads += ["target"] if known else []
    heads += ["moved by"] + (["distance to target"] if known else [])
    body = []
    for row in rows:
        item = by_name[row.name]
        drawn = histogram(item) if item.samples else '<span class="absent">no values</span>'
        cells = [
            f'<th scope="row">{escape(row.name)}<small>{_kind(item)}</small></th>',
            f"<td>{drawn}</td>",
            f"<td>{_moments(row.prior, row.unit)}</td>",
            f"<td>{_moments(row.learned, row.unit)}</td>",
        ]
        if known:
            cells.append(f"<td>{_moments(row.target, row.unit)}</td>")
        cells.append(f"<td>{_moved(row)}</td>")
        if known:
            cells.append(f"<td>{_towards(row)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    absent = "" if known else '<p class="absent">The target\'s attributes are not known.</p>'
    return (
        f'{_KEYS}{absent}<div class="wide"><table class="attributes"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def off_and_on(comparisons: Sequence[Comparison]) -> str:
    """A row without optimisation (the prior), one with it (learned), and the difference."""
    measured = [c for c in comparisons if c.prior is not None or c.learned is not None]
    if not measured:
        return '<p class="absent">Nothing was measured with optimisation off and on.</p>'
    head = "".join(f'<th scope="col">{escape(c.name)}</th>' for c in measured)
    off = "".join(f"<td>{number(c.prior)}</td>" for c in measured)
    on = "".join(f"<td>{number(c.learned)}</td>" for c in measured)
    difference = "".join(f"<td>{_difference(c)}</td>" for c in measured)
    return (
        f'<div class="wide"><table class="numbers"><thead><tr><th scope="col">optimisation</th>'
        f'{head}</tr></thead><tbody><tr><th scope="row">off (prior)</th>{off}</tr>'
        f'<tr><th scope="row">on (learned)</th>{on}</tr>'
        f'<tr><th scope="row">difference</th>{difference}</tr></tbody></table></div>'
    )


def switches(record: RunRecord) -> str:
    """What was switched on and off in this run, as a row of marks."""
    items = record.section("switched_on")
    if not items:
        return '<p class="absent">What was switched on was not recorded.</p>'
    marks = []
    for name, value in items.items():
        off = value is False or value is None or value == "off" or value == 0
        words = "" if isinstance(value, bool) or value is None else f" {escape(_plain(value))}"
        state = "off" if off else "on"
        marks.append(
            f'<li class="{state}"><b>{state}</b> {escape(str(name))}{words if not off else ""}</li>'
        )
    return f'<ul class="switches">{"".join(marks)}</ul>'


def what_was_run(record: RunRecord) -> str:
    """Command, machine, features, phases, times, versions and the resolved settings."""
    summary = record.summary
    rows = []
    for key, name in (("command", "command"), ("features", "features φ"), ("machine", "machine")):
        value = summary.get(key)
        shown = f"<code>{escape(str(value))}</code>" if value and key == "command" else None
        rows.append((name, shown or (escape(str(value)) if value else _absent())))
    phases = summary.get("phases")
    named = isinstance(phases, list) and phases
    rows.append(("phases", escape(", ".join(map(str, phases or []))) if named else _absent()))
    times = {k: v for k, v in record.section("seconds").items() if as_number(v) is not None}
    spent = ", ".join(
        f'{escape(str(k))} <data value="{v!r}">{duration(v)}</data>' for k, v in times.items()
    )
    rows.append(("time", spent or _absent()))
    counts = record.section("pictures")
    counted = ", ".join(f"{escape(str(k))} {escape(_plain(v))}" for k, v in counts.items())
    if counted:
        rows.append(("target pictures", counted))
    weights = record.section("detector").get("weights")
    if weights:
        rows.append(("detector's weights", escape(_plain(weights))))
    versions = record.section("versions")
    listed = ", ".join(f"{escape(str(k))} {escape(_plain(v))}" for k, v in versions.items())
    rows.append(("versions", listed or _absent()))
    body = "".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
    settings = (
        "<details><summary>all settings (config.yaml)</summary><pre>"
        f"{escape(yaml.safe_dump(dict(record.config), sort_keys=False, allow_unicode=True))}"
        "</pre></details>"
        if record.config
        else '<p class="absent">The settings (config.yaml) were not recorded.</p>'
    )
    return f'<table class="facts"><tbody>{body}</tbody></table>{settings}'


def _moments(found: Moments | None, unit: str) -> str:
    if found is None:
        return '<span class="absent">unknown</span>'
    if isinstance(found.mean, str):
        return f"{escape(found.mean)}<small>mix {number(found.spread)}</small>"
    return f"{number(found.mean)}<br>±\N{NO-BREAK SPACE}{number(found.spread, unit)}"


def _moved(row: AttributeRow) -> str:
    if row.moved is None or row.moved_share is None:
        return '<span class="absent">unknown</span>'
    share = min(row.moved_share, 1.0)
    return (
        f"{number(row.moved, row.unit)}"
        f'<span class="meter"><span style="width:{100 * share:.1f}%"></span></span>'
        f"<small>{short(100 * row.moved_share)} % of its range</small>"
    )


def _towards(row: AttributeRow) -> str:
    if row.prior_to_target is None or row.learned_to_target is None:
        return '<span class="absent">unknown</span>'
    mood = "good" if row.closer else "bad" if row.learned_to_target > row.prior_to_target else ""
    word = {"good": "nearer", "bad": "farther", "": "as far"}[mood]
    detail = []
    for name, closer in (("mean", row.mean_closer), ("spread", row.spread_closer)):
        if closer is not None:
            detail.append(f"{name} {'nearer' if closer else 'not nearer'}")
    return (
        f"{number(row.prior_to_target)} → {number(row.learned_to_target, row.unit)} "
        f'<br><b class="{mood}">{word}</b><small>{"<br>".join(detail)}</small>'
    )


def _difference(comparison: Comparison) -> str:
    if comparison.prior is None or comparison.learned is None:
        return _absent()
    value = comparison.learned - comparison.prior
    mood = {True: "good", False: "bad", None: ""}[comparison.better]
    sign = "+" if value > 0 else ""
    return f'<b class="{mood}">{sign}{number(value)}</b>'


def _kind(item: AttributeSamples) -> str:
    if item.kind == "circular" and item.period:
        return f"circular, {short(item.period)} {escape(item.unit)}"
    return f"{item.kind}{', ' + escape(item.unit) if item.unit else ''}"


def _plain(value: object) -> str:
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False)
    return short(value) if isinstance(value, float) else str(value)


def _absent() -> str:
    return '<span class="absent">not recorded</span>'
