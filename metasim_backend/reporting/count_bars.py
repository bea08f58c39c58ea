"""Histograms of how many things scenes have, as bars side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from metasim_backend.statistics.histograms import value_order

COLOURS = {
    "prior": "#9a9a9a",
    "learned": "#2a7de1",
    "density": "#2a7de1",
    "both": "#2a7de1",
    "mmd": "#8fbdf0",
    "attributes": "#8fbdf0",
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


def bars_of_counts(rows: Mapping[str, Sequence[float]]) -> str:
    """The same of shares of 0, 1, 2, ... things; numbers that nothing has are left out."""
    return bars(
        {
            row: {str(count): share for count, share in enumerate(shares) if share > 0}
            for row, shares in rows.items()
        }
    )


def count_heads(rows: Sequence[str]) -> list[str]:
    """Of a table's columns: the mean of each row, and the distances that are shown."""
    to_target = ["prior to target", "learned to target"]
    return [f"mean, {row}" for row in rows] + (to_target if "target" in rows else ["moved by"])


def mean_count(shares: Sequence[float]) -> float:
    """Of shares of 0, 1, 2, ... things."""
    return sum(count * share for count, share in enumerate(shares))
