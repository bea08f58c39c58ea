"""A film of a run: one street and the distributions of its attributes, from prior to learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from metasim_backend.reporting.animation import write_frames
from metasim_backend.reporting.attributes import AttributeSamples, attribute_table
from metasim_backend.reporting.run_record import RunRecord
from metasim_backend.statistics.circular import circular_mean, unrolled

SHOWN = 6
"""Attributes, each in a panel of its own."""
BINS = 28
_STREET, _PANEL, _GAP, _HEAD = (480, 288), (176, 150), 10, 26
_PAPER, _INK, _SOFT, _TARGET, _NOW = "#ffffff", "#1d2127", "#667080", "#d5dbe3", "#c2410c"
_COLUMNS = 3


@dataclass(frozen=True)
class Panel:
    """One attribute.

    Attributes:
        name: with its unit.
        edges: [BINS + 1] of the histograms.
        target: shares [BINS] of the truth; None where none is known.
        steps: shares [BINS] at each of the film's steps.
    """

    name: str
    edges: np.ndarray
    target: np.ndarray | None
    steps: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Film:
    """What is shown, step by step.

    Attributes:
        captions: such as "round 2".
        streets: the picture at each step.
        target: a picture of the target; another street.
        panels: attributes' distributions.
    """

    captions: tuple[str, ...]
    streets: tuple[Path, ...]
    target: Path
    panels: tuple[Panel, ...]


def film_of(record: RunRecord) -> Film | None:
    """The film of a run that was followed; None for one that was not, or is not finished."""
    pictures = record.pictures
    if not (record.progress and record.steps and all(pictures[k] for k in pictures)):
        return None
    followed = dict(next(iter(record.progress.values())))
    steps = sorted(followed.keys() & record.steps.keys())
    chosen = _chosen(record.attributes)
    if not (steps and chosen):
        return None
    captions = ("prior", *(f"step {step}" for step in steps), "learned")
    streets = (pictures["prior"][0], *(followed[step] for step in steps), pictures["learned"][0])
    panels = tuple(_panel(item, [record.steps[step] for step in steps]) for item in chosen)
    return Film(captions, streets, pictures["target"][0], panels)


def _chosen(attributes: Sequence[AttributeSamples]) -> list[AttributeSamples]:
    """Those of which the truth is known to be another than the prior, else those that moved
    farthest; by how far, in the prior's standard deviations."""
    by_name = {item.name: item for item in attributes}
    rows = [row for row in attribute_table(attributes) if row.kind != "categorical"]
    told = [row for row in rows if row.differs] or [row for row in rows if row.target is None]

    def way(row) -> float:
        far = row.prior_to_target if row.target is not None else row.moved
        return (far or 0.0) / max(row.prior.spread if row.prior else 0.0, 1e-9)

    return [by_name[row.name] for row in sorted(told, key=way, reverse=True)[:SHOWN]]


def _panel(item: AttributeSamples, steps: Sequence[Mapping[str, Sequence[float]]]) -> Panel:
    truth = item.target
    shown = [item.prior or (), *(step.get(item.name, ()) for step in steps), item.learned or ()]
    every = [np.asarray(values, float) for values in (*shown, truth or ())]
    if item.kind == "circular":
        period = float(item.period or 360)
        centre = circular_mean(every[-1] if truth else every[-2], period)
        every = [unrolled(values, period, centre) for values in every]
    both = np.concatenate([every[0], every[-1] if truth else every[-2]])
    low, high = np.percentile(both, (0.5, 99.5))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    shares = [_shares(values, edges) for values in every]
    name = f"{item.name}, {item.unit}" if item.unit else item.name
    return Panel(name, edges, shares[-1] if truth else None, tuple(shares[:-1]))


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """A histogram in shares, over three bins each; what lies outside is counted at the ends."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    smooth = np.convolve(counts, (0.25, 0.5, 0.25), mode="same")
    return smooth / max(len(values), 1)


def write_film(path: Path, film: Film, *, seconds: float = 1.0, hold: float = 3.0) -> Path:
    """Write it as GIF or WebP, by the path's suffix; it repeats for ever.

    Args:
        seconds: that a step stays; hold: that the last one does.

    Raises:
        ValueError: when a picture cannot be read, or the suffix is neither.
    """
    sheets = [_sheet(film, step) for step in range(len(film.captions))]
    durations = [seconds] * (len(sheets) - 1) + [hold]
    return write_frames(path, sheets, durations)


def _sheet(film: Film, step: int) -> Image.Image:
    width = _STREET[0] + _GAP + _COLUMNS * (_PANEL[0] + _GAP)
    height = _HEAD + 2 * (_STREET[1] + _GAP)
    lines = -(-len(film.panels) // _COLUMNS)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(size=17), ImageFont.load_default(size=12)
    draw.text((4, _HEAD / 2), film.captions[step], _INK, large, anchor="lm")
    told = ["prior", "learned so far", *["truth"] * any(p.target is not None for p in film.panels)]
    _draw_key(draw, told, width, small)
    for row, picture in enumerate((film.streets[step], film.target)):
        top = _HEAD + row * (_STREET[1] + _GAP)
        sheet.paste(_fitted(picture), (0, top))
        if row:
            draw.rectangle((4, top + 4, 124, top + 22), fill=_PAPER)
            draw.text((8, top + 13), "a target picture", _INK, small, anchor="lm")
    room = (height - _HEAD) // max(lines, 1)
    for place, panel in enumerate(film.panels):
        left = _STREET[0] + _GAP + place % _COLUMNS * (_PANEL[0] + _GAP)
        top = _HEAD + place // _COLUMNS * room
        _draw_panel(draw, panel, step, (left, top, _PANEL[0], room - _GAP), small)
    return sheet


def _draw_key(
    draw: ImageDraw.ImageDraw,
    names: Sequence[str],
    right: float,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    for name, colour, thick in zip(names, (_SOFT, _NOW, _TARGET), (1, 3, 11), strict=False):
        right -= draw.textlength(name, font) + 46
        draw.line((right, _HEAD / 2, right + 24, _HEAD / 2), fill=colour, width=thick)
        draw.text((right + 30, _HEAD / 2), name, _INK, font, anchor="lm")


def _draw_panel(
    draw: ImageDraw.ImageDraw,
    panel: Panel,
    step: int,
    place: tuple[int, int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    left, top, width, height = place
    base, head = top + height - 18, top + 20
    draw.text((left, top + 8), panel.name, _INK, font, anchor="lm")
    known = [panel.steps[0], panel.steps[-1], *([] if panel.target is None else [panel.target])]
    tallest = max(float(shares.max()) for shares in known) or 1.0

    def outline(shares: np.ndarray) -> list[tuple[float, float]]:
        xs = left + width * (np.arange(BINS) + 0.5) / BINS
        ys = base - (base - head) * np.minimum(shares / tallest, 1)
        return list(zip(xs.tolist(), ys.tolist(), strict=True))

    if panel.target is not None:
        points = outline(panel.target)
        draw.polygon([(points[0][0], base), *points, (points[-1][0], base)], fill=_TARGET)
    draw.line(outline(panel.steps[0]), fill=_SOFT, width=1)
    draw.line(outline(panel.steps[step]), fill=_NOW, width=3)
    draw.line((left, base, left + width, base), fill=_SOFT)
    for value, anchor, x in (
        (panel.edges[0], "lm", left),
        (panel.edges[-1], "rm", left + width),
    ):
        draw.text((x, base + 9), f"{value:.3g}", _SOFT, font, anchor=anchor)


def _fitted(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB").resize(_STREET, Image.Resampling.LANCZOS)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} is not a readable picture ({error}); remove it.") from None
