"""A record as a table for the terminal, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from metasim_backend.reporting.numbers import duration, short

WIDTH = 100
ROW_NAMES = {
    "prior": "prior (the grammar alone)",
    "matched": "matched (task phase off)",
    "learned": "learned (task phase on)",
    "oracle": "oracle (target's own data)",
}


def result_table(record: Mapping[str, Any]) -> str:
    """The paper's rows beside prior, matched, learned and oracle, then the goals.

    Args:
        record: of ``record.record_of``. Without rows of scores (the experiments on spreads) its
            attributes are shown in their place.
    """
    parts = [_head(record)]
    if record["rows"]:
        parts.append(_scores(record))
    elif record["attributes"]:
        parts.append(_attributes(record))
    if record["checks"]:
        parts.append("\n".join(check_line(check) for check in record["checks"]))
    parts += [_times(record), textwrap.fill(record["verdict"], WIDTH)]
    return "\n\n".join(parts)


def row_name(record: Mapping[str, Any], row: str) -> str:
    """A row's name for people; whether the task phase was on is seen from the time it took."""
    if row == "learned" and record.get("long"):
        return "learned"
    if row == "learned" and "task" not in record["seconds"]["parts"]:
        return "learned (no task phase)"
    return ROW_NAMES[row]


def summary_text(summary: Mapping[str, Any] | None, sign: bool = False) -> str:
    """Such as ``99.31 ± 0.05``; a dash for a number that is not there."""
    if summary is None or summary["mean"] is None:
        return "-"
    mean = f"{summary['mean']:{'+' if sign else ''}.2f}"
    half = summary["half_width"]
    return mean if half is None else f"{mean} ± {half:.2f}"


def check_text(check: Mapping[str, Any]) -> str:
    """Such as ``accuracy of the learned, every seed: ≥ 99 %; worst 99.12 % (seed 3)``."""
    unit = f" {check['unit']}" if check["unit"] else ""
    if check["value"] is None:
        found = "unknown"
    else:
        # Not rounded to four digits: 98.996 must not read as the 99.0 that it misses.
        digits = f"{check['value']:.3f}".rstrip("0").rstrip(".")
        found = f"{'worst ' if check['where'] and unit else ''}{digits}{unit}"
    where = f" ({check['where']})" if check["where"] else ""
    return f"{check['claim']}: {check['relation']} {check['goal']:g}{unit}; {found}{where}"


def check_line(check: Mapping[str, Any]) -> str:
    """A goal in one line, or two where it is long: met or NOT met, and the worst value."""
    mark, text = ("met    " if check["met"] else "NOT met"), check_text(check)
    line = f"{mark}  {text}"
    if len(line) <= WIDTH:
        return line
    claim, rest = text.split(": ", 1)
    return f"{mark}  {claim}:\n         {rest}"


def moments_text(moments: Sequence[float] | None) -> str:
    """Mean ± standard deviation, such as ``89.8 ± 24.6``."""
    return "-" if moments is None else f"{short(moments[0])} ± {short(moments[1])}"


def percent(share: float | None, none: str = "-") -> str:
    """A share as ``3.1 %``."""
    return none if share is None else f"{100 * share:.1f} %"


def _head(record: Mapping[str, Any]) -> str:
    count = len(record["seeds"])
    long = ", long" if record["long"] else ""
    words = f"{record['title']} ({record['experiment']}{long}, {count} seed{'s' * (count > 1)})"
    if not record["rows"]:
        what = "mean ± standard deviation of each attribute; mean over seeds, worst of any seed"
        return f"{words}\n{what}"
    interval = "; mean ± half width of its 95 % interval" if count > 1 else ""
    return f"{words}\n{record['metric']}{interval}"


def _scores(record: Mapping[str, Any]) -> str:
    """A line a row and a column a number; where there are too many numbers the other way round."""
    rows, paper, differences = record["rows"], record["paper"], record["differences"]
    names = list(dict.fromkeys(name for scores in rows.values() for name in scores))
    lines = [["", *names]]
    for title, scores in paper.items():
        published = [f"{scores[name]:.1f}" if name in scores else "-" for name in names]
        lines.append([f"paper: {title}", *published])
    for row, scores in rows.items():
        lines.append([row_name(record, row), *(summary_text(scores.get(n)) for n in names)])
    ours = len(lines)
    for title, scores in differences.items():
        lines.append([title, *(summary_text(scores.get(n), sign=True) for n in names)])
    table = _columns(lines, rules=(1, 1 + len(paper), ours))
    if max(map(len, table.splitlines())) <= WIDTH:
        return table
    short_names = ["", *paper, *rows, *differences]
    for line, name in zip(lines, short_names, strict=True):
        line[0] = name
    upper = _columns(list(zip(*lines[:ours], strict=True)), rules=(1,))
    lower = _columns(list(zip(lines[0], *lines[ours:], strict=True)), rules=(1,))
    note = f"{' and '.join(paper)}: the paper's\n" if paper else ""
    return f"{note}{upper}\n\n{lower}" if differences else f"{note}{upper}"


def _attributes(record: Mapping[str, Any]) -> str:
    lines = [["attribute", "prior", "learned", "target", "W1 share", "deviation error"]]
    for name, item in record["attributes"].items():
        lines.append(
            [
                name,
                *(moments_text(item[part]) for part in ("prior", "learned", "target")),
                percent(item["worst_w1_share"]),
                percent(item["worst_spread_error"]),
            ]
        )
    return _columns(lines, rules=(1,))


def _times(record: Mapping[str, Any]) -> str:
    seconds = record["seconds"]

    def spent(values: Sequence[float]) -> str:
        mean = sum(values) / len(values)
        most = f" (at most {duration(max(values))})" if len(values) > 1 else ""
        return f"{duration(mean)}{most}"

    text = f"time for one seed: generator {spent(seconds['generator'])}"
    if record["rows"]:
        text += f"\n  with all task networks {spent(seconds['total'])}"
    return f"{text}\nmachine: {record['machine']}"


def _columns(lines: Sequence[Sequence[str]], rules: Sequence[int]) -> str:
    """Lines with the first column flush left and the others flush right; rules before some."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = []
    for i, line in enumerate(lines):
        if i in rules:
            text.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)
