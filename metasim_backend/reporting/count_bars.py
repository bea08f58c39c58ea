"""Histograms of how many things scenes have, as bars side by side, and their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from metasim_backend.reporting.numbers import number
from metasim_backend.reporting.run_record import RunRecord
from metasim_backend.statistics.histograms import total_variation, value_order

COLOURS = {
    "prior": "#9a9a9a",
    "learned": "#2a7de1",
    "density": "#2a7de1",
    "mmd": "#8fbdf0",
    "target": "#d9822b",
}


def bars(rows: Mapping[str, Mapping[str, float]], width: int = 420, height: int = 150) -> str:
    """Histograms side by side as an SVG: a group of bars a value, a bar a row."""
    values = sorted({value for shares in rows.values() for value in shares}, key=value_order)
    top = max((share for shares in rows.values() for share in shares.values()), default=1.0)
    group = width / max(len(values), 1)
    bar = 0.8 * group / max(len(rows), 1)
    parts = []
    for i, value in enumerate(values):
        for k, (row, shares) in enumerate(rows.items()):
            share = shares.get(value, 0.0)
            tall = share / top * (height - 30)
            words = escape(f"{row}, {value}: {share:.3f}")
            x, y = i * group + 0.1 * group + k * bar, height - 18 - tall
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar:.1f}" height="{tall:.1f}" '
                f'fill="{COLOURS.get(row, "#888")}"><title>{words}</title></rect>'
            )
        middle = (i + 0.5) * group
        parts.append(
            f'<text x="{middle:.1f}" y="{height - 4}" font-size="11" text-anchor="middle" '
            f'fill="currentColor">{escape(value)}</text>'
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="100%" role="img" '
        f'aria-label="histogram">{"".join(parts)}</svg>'
    )


def structure_section(record: RunRecord) -> str:
    """The report's part on structure: for each class whose number varies its histograms, mean
    number and how far the learned has moved; nothing where no structure was learned."""
    classes = record.structure.get("classes")
    if not isinstance(classes, Mapping) or not classes:
        return ""
    read = record.structure.get("read")
    part = (
        "<h2>Structure</h2>"
        f'<p class="lead">How many things of each class {record.structure.get("scenes")} scenes '
        f"have. {_keys(classes)}. The distance is total variation, half the sum of the differences "
        f"of all shares.</p>{_table(classes, 'scenes with so many')}"
    )
    if isinstance(read, Mapping) and read:
        part += (
            "<h3>Counted in pictures</h3>"
            '<p class="lead">How many a small network, taught on the prior\'s renders, counts in '
            f"pictures; it errs, but in all of them alike. {_keys(read)}: pictures that training "
            f"did not see.</p>{_table(read, 'pictures with so many')}"
        )
    return part


def _keys(classes: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    rows = next(iter(classes.values()))
    return " ".join(f'<span style="color:{COLOURS[row]}">■</span> {row}' for row in rows)


def _table(classes: Mapping[str, Mapping[str, Sequence[float]]], what: str) -> str:
    """A line a class: histograms, means, and the total variation between rows."""
    names = list(next(iter(classes.values())))
    pairs = [("prior", "learned", "moved by")]
    if "target" in names:
        pairs = [(row, "target", f"{row} to target") for row in ("prior", "learned")]
    body = []
    for label, rows in classes.items():
        shares = {
            row: {str(count): share for count, share in enumerate(own) if share > 0}
            for row, own in rows.items()
        }
        cells = [number(_mean(own)) for own in rows.values()]
        cells += [number(total_variation(rows[first], rows[second])) for first, second, _ in pairs]
        body.append(
            f'<tr><th scope="row">{escape(str(label))}</th><td>{bars(shares)}</td>'
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>"
        )
    heads = ["", what, *(f"mean, {row}" for row in names), *(words for _, _, words in pairs)]
    head = "".join(f'<th scope="col">{words}</th>' for words in heads)
    return (
        f'<div class="wide"><table class="attributes"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _mean(shares: Sequence[float]) -> float:
    return sum(count * share for count, share in enumerate(shares))
