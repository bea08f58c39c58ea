"""Line charts and histograms as inline SVG, coloured by the page's style (light and dark)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from metasim_backend.reporting.attributes import AttributeSamples
from metasim_backend.reporting.numbers import short
from metasim_backend.statistics.circular import circular_mean, unrolled

_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 8, 8, 22
BINS = 24


@dataclass(frozen=True)
class Line:
    """One curve: points (step, value) in order, and the style's class for its colour."""

    name: str
    points: Sequence[tuple[float, float]]
    style: str


def line_chart(lines: Sequence[Line], *, title: str, width: int = 330, height: int = 172) -> str:
    """An SVG with axes, at least one point; a single point is drawn as a dot.

    Raises:
        ValueError: when no line has a point.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        raise ValueError(f"The chart {title!r} has no points.")
    x_low, x_high = _padded([x for x, _ in points], 0.0)
    ys = [y for _, y in points]
    if min(ys) >= 0 and min(ys) < 0.5 * max(ys):
        ys = [*ys, 0.0]
    y_low, y_high = _padded(ys, 0.06)
    if min(ys) >= 0:
        y_low = max(y_low, 0.0)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (x - x_low) / (x_high - x_low) * (width - _LEFT - _RIGHT),
            height - _BOTTOM - (y - y_low) / (y_high - y_low) * (height - _TOP - _BOTTOM),
        )

    parts = [_open(width, height, title, "chart")]
    for tick in ticks(y_low, y_high):
        _, y = place(x_low, tick)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{short(tick)}</text>'
        )
    for tick in ticks(x_low, x_high, whole=True):
        x, _ = place(tick, y_low)
        parts.append(
            f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{short(tick)}</text>'
        )
    for line in lines:
        placed = [place(x, y) for x, y in line.points]
        if len(placed) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            parts.append(f'<polyline class="line {line.style}" points="{path}"/>')
        if 0 < len(placed) <= 60:
            for (x, y), (step, value) in zip(placed, line.points, strict=True):
                hint = escape(f"{line.name}, step {short(step)}: {value:.6g}")
                parts.append(
                    f'<circle class="dot {line.style}" cx="{x:.1f}" cy="{y:.1f}" r="2.2">'
                    f"<title>{hint}</title></circle>"
                )
    parts.append("</svg>")
    return "".join(parts)


def histogram(item: AttributeSamples, *, width: int = 200, height: int = 58) -> str:
    """The prior's, learned and target's values of one attribute over each other, as an SVG."""
    if item.kind == "categorical":
        return _category_bars(item, width)
    samples, whole = _unwrapped(item)
    values = np.concatenate(list(samples.values()))
    low, high = _padded(values.tolist(), 0.02)
    if whole is not None and max(low, whole[0]) < min(high, whole[1]):
        low, high = max(low, whole[0]), min(high, whole[1])
    edges = np.linspace(low, high, BINS + 1)
    shares = {
        name: np.histogram(np.clip(sample, low, high), edges)[0] / len(sample)
        for name, sample in samples.items()
    }
    top = max(float(share.max()) for share in shares.values()) or 1.0
    floor = height - 13
    parts = [_open(width, height, f"{item.name}: {', '.join(samples)}", "histogram")]
    for name, share in shares.items():
        outline = [f"M0,{floor}"]
        for i, part in enumerate(share):
            y = floor - float(part) / top * (floor - 3)
            outline.append(f"L{i * width / BINS:.1f},{y:.1f}L{(i + 1) * width / BINS:.1f},{y:.1f}")
        outline.append(f"L{width},{floor}")
        parts.append(f'<path class="area {name}" d="{"".join(outline)}"/>')
    parts.append(f'<line class="axis" x1="0" x2="{width}" y1="{floor}" y2="{floor}"/>')
    for x, anchor, end in ((0, "start", low), (width, "end", high)):
        parts.append(f'<text x="{x}" y="{height - 2}" text-anchor="{anchor}">{short(end)}</text>')
    parts.append("</svg>")
    return "".join(parts)


def ticks(low: float, high: float, *, whole: bool = False, count: int = 4) -> list[float]:
    """Round numbers within [low, high], about ``count`` of them; whole ones when asked."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    if whole:
        step = max(1.0, round(step))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def _category_bars(item: AttributeSamples, width: int) -> str:
    counts: Mapping[str, Counter] = {name: Counter(values) for name, values in item.samples.items()}
    names = sorted({name for counter in counts.values() for name in counter})
    row = 5 * len(counts) + 4
    height = row * len(names) + 2
    top = max(n / counter.total() for counter in counts.values() for n in counter.values())
    bars = (width - 78) / top
    parts = [_open(width, height, f"{item.name}: {', '.join(counts)}", "histogram")]
    for i, name in enumerate(names):
        y = i * row + 2
        parts.append(
            f'<text x="72" y="{y + row / 2 + 2:.1f}" text-anchor="end">{escape(name[:13])}</text>'
        )
        for k, (which, counter) in enumerate(counts.items()):
            share = counter[name] / counter.total()
            parts.append(
                f'<rect class="bar {which}" x="76" y="{y + 5 * k}" height="4" '
                f'width="{max(share * bars, 0.5):.1f}"><title>{which}, {escape(name)}: '
                f"{share:.1%}</title></rect>"
            )
    parts.append("</svg>")
    return "".join(parts)


def _unwrapped(
    item: AttributeSamples,
) -> tuple[dict[str, np.ndarray], tuple[float, float] | None]:
    """Values for drawing and the range they may take, when it is known.

    Circular ones are cut open opposite to the samples' common mean.
    """
    samples = {name: np.asarray(values, float) for name, values in item.samples.items()}
    if item.kind == "circular" and item.period:
        centre = circular_mean(np.concatenate(list(samples.values())), item.period)
        half = item.period / 2
        samples = {n: unrolled(values, item.period, centre) for n, values in samples.items()}
        return samples, (centre - half, centre + half)
    return samples, item.range


def _padded(values: Sequence[float], share: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low == high:
        margin = max(abs(low) * 0.1, 1e-6 if low else 0.5)
        return low - margin, high + margin
    return low - share * (high - low), high + share * (high - low)


def _open(width: float, height: float, title: str, style: str) -> str:
    return (
        f'<svg class="{style}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title)}">'
    )
