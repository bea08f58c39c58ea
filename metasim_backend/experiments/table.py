"""A record as a table for the terminal, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from metasim_backend.reporting.numbers import duration, short

WIDTH, NAME = 100, 42  # of a line, and of a name that begins one


def result_table(record: Mapping[str, Any]) -> str:
    """Published rows, ours, differences, attributes, notes, goals, times and the verdict.

    Args:
        record: of ``record.record_of``.
    """
    goals = "\n".join(check_line(check) for check in record["checks"])
    notes = "\n".join(textwrap.fill(note, WIDTH) for note in record.get("notes", ()))
    parts = [_head(record), _rows(record), "" if record["rows"] else _attributes(record)]
    parts += [notes, goals, _times(record), textwrap.fill(record["verdict"], WIDTH)]
    return "\n\n".join(part for part in parts if part)


def summary_text(summary: Mapping[str, Any] | None, digits: int, sign: str = "") -> str:
    """Such as ``99.31 ± 0.05``; a dash for a number that is not there."""
    if summary is None or summary["mean"] is None:
        return "-"
    digits = 0 if abs(summary["mean"]) >= 1000 else digits
    half = summary["half_width"]
    return f"{summary['mean']:{sign}.{digits}f}" + ("" if half is None else f" ± {half:.{digits}f}")


def check_line(check: Mapping[str, Any]) -> str:
    """Such as ``met      accuracy of the learned, every seed: ≥ 99 %; worst 99.12 % (seed 3)``; in
    two lines where it is long."""
    unit = f" {check['unit']}" if check["unit"] else ""
    value = "unknown"
    if check["value"] is not None:
        # Not rounded to four digits: 98.996 must not read as the 99.0 that it misses.
        digits = f"{check['value']:.3f}".rstrip("0").rstrip(".")
        value = f"{'worst ' if check['where'] and unit else ''}{digits}{unit}"
    where = f" ({check['where']})" if check["where"] else ""
    mark = "met    " if check["met"] else "NOT met"
    claim, figures = check["claim"], f"{check['relation']} {check['goal']:g}{unit}; {value}{where}"
    line = f"{mark}  {claim}: {figures}"
    return line if len(line) <= WIDTH else f"{mark}  {claim}:\n         {figures}"


def _head(record: Mapping[str, Any]) -> str:
    count = len(record["seeds"])
    long = ", long" if record["long"] else ""
    words = f"{record['title']} ({record['experiment']}{long}, {count} seed{'s' * (count > 1)})"
    if not record["rows"]:
        what = "mean ± standard deviation of each attribute; mean over seeds, worst of any seed"
        return f"{words}\n{what}"
    interval = "; mean ± half width of its 95 % interval" if count > 1 else ""
    return f"{words}\n{record['metric']}{interval}"


def _rows(record: Mapping[str, Any]) -> str:
    """A line a row and a column a number; where there are too many numbers the other way round."""
    rows, paper, differences = record["rows"], record["paper"], record["differences"]
    if not rows:
        return ""
    names = list(dict.fromkeys(name for numbers in rows.values() for name in numbers))
    digits = record["digits"]
    lines = [["", *names]]
    for title, scores in paper.items():
        published = [f"{scores[name]:.1f}" if name in scores else "-" for name in names]
        lines.append([f"paper: {title}", *published])
    for row, numbers in rows.items():
        texts = [summary_text(numbers.get(name), digits) for name in names]
        lines.append([record["labels"][row], *texts])
    ours = len(lines)
    for title, numbers in differences.items():
        lines.append([title, *(summary_text(numbers.get(name), digits, "+") for name in names)])
    table = _columns(lines, rules=(1, 1 + len(paper), ours))
    if max(map(len, table.splitlines())) <= WIDTH:
        return table
    for line, name in zip(lines, ["", *paper, *rows, *differences], strict=True):
        line[0] = name
    lines[0] = [name if len(name) <= NAME else f"{name[: NAME - 1]}…" for name in lines[0]]
    note = f"{' and '.join(paper)}: the paper's\n" if paper else ""
    upper = note + _columns(list(zip(*lines[:ours], strict=True)), rules=(1,))
    if not differences:
        return upper
    return f"{upper}\n\n{_columns(list(zip(lines[0], *lines[ours:], strict=True)), rules=(1,))}"


def _attributes(record: Mapping[str, Any]) -> str:
    def moments(pair: Sequence[float] | None) -> str:
        return "-" if pair is None else f"{short(pair[0])} ± {short(pair[1])}"

    def percent(share: float | None) -> str:
        return "-" if share is None else f"{100 * share:.1f} %"

    lines = [["attribute", "prior", "learned", "target", "W1 share", "deviation error"]]
    for name, item in record["attributes"].items():
        parts = [moments(item[part]) for part in ("prior", "learned", "target")]
        errors = [percent(item[f"worst_{key}"]) for key in ("w1_share", "spread_error")]
        lines.append([name, *parts, *errors])
    return _columns(lines, rules=(1,)) if len(lines) > 1 else ""


def _times(record: Mapping[str, Any]) -> str:
    total, parts = record["seconds"]["total"], record["seconds"]["parts"]
    most = f" (at most {duration(max(total))})" if len(total) > 1 else ""
    spent = [f"{part} {duration(one['mean'])}" for part, one in parts.items() if one["mean"]]
    text = f"time for one seed: {duration(sum(total) / len(total))}{most}"
    parts_too = f"{text}; {', '.join(spent)}" if len(spent) > 1 else text
    return "\n".join([*textwrap.wrap(parts_too, WIDTH), f"machine: {record['machine']}"])


def _columns(lines: Sequence[Sequence[str]], rules: Sequence[int]) -> str:
    """Lines with the first column flush left and the others flush right; rules before some."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = []
    for i, line in enumerate(lines):
        if i in rules:
            text.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)
