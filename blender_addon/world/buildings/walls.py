"""Upright walls with openings: windows, doors and gates set back into them.

A wall is made in a frame of its own: x = 0 and outward along +x, y along the wall, z up; metres.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..shapes import COLOUR, Shape, box, join, polygons

_PROUD = 0.015  # glass before its frame


@dataclass(frozen=True)
class WindowStyle:
    """How a building's windows look; metres.

    Attributes:
        width, height: of the opening.
        sill: height of its lower edge above the floor.
        panes: panes side by side.
        depth: how far the glass lies behind the wall.
        frame: surface of the frame.
        shutters: surface of a pair of shutters, "" for none.
        ledge: whether a sill stands out below.
        lintel: surface of a lintel above, "" for none.
    """

    width: float = 1.15
    height: float = 1.35
    sill: float = 0.85
    panes: int = 2
    depth: float = 0.12
    frame: str = "frame"
    shutters: str = ""
    ledge: bool = True
    lintel: str = ""


@dataclass(frozen=True)
class Opening:
    """A hole in a wall and what fills it; metres in the wall's frame.

    Attributes:
        left, right: its ends along the wall, left < right.
        bottom, top: its lower and upper edge.
        fill: "window", or the surface of a door leaf or a gate.
        glass: surface of the panes.
        cover: "", "curtain" or "blind": what hangs in the window.
        style: of a window.
    """

    left: float
    right: float
    bottom: float
    top: float
    fill: str = "window"
    glass: str = "window"
    cover: str = ""
    style: WindowStyle = field(default_factory=WindowStyle)


def sheet(y0: float, y1: float, z0: float, z1: float, x: float, surface: str) -> Shape:
    """A rectangle that looks along +x."""
    points = np.array([(x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)])
    return polygons(points, [(0, 1, 2, 3)], surface)


def wall(
    width: float,
    height: float,
    openings: Sequence[Opening] = (),
    *,
    bands: Sequence[tuple[float, str]] = ((0.35, "plinth"),),
) -> Shape:
    """A wall with its centre at y = 0, standing on z = 0.

    Args:
        width, height: metres.
        openings: must not overlap.
        bands: (upper edge in metres, surface) from the ground up; COLOUR above them.
    """
    y_cuts = {-width / 2, width / 2}
    z_cuts = {0.0, height, *(top for top, _ in bands if top < height)}
    for hole in openings:
        y_cuts |= {hole.left, hole.right}
        z_cuts |= {hole.bottom, hole.top}
    ys, zs = _cuts(y_cuts), _cuts(z_cuts)
    points = np.array([(0.0, y, z) for z in zs for y in ys])
    faces, names = [], []
    for r in range(len(zs) - 1):
        z = (zs[r] + zs[r + 1]) / 2
        name = next((surface for top, surface in bands if z < top), COLOUR)
        for c in range(len(ys) - 1):
            y = (ys[c] + ys[c + 1]) / 2
            if any(o.left < y < o.right and o.bottom < z < o.top for o in openings):
                continue
            first = r * len(ys) + c
            faces.append((first, first + 1, first + 1 + len(ys), first + len(ys)))
            names.append(name)
    used = np.unique(np.array(faces))
    number = {int(old): new for new, old in enumerate(used)}
    kept = [tuple(number[i] for i in face) for face in faces]
    return join(polygons(points[used], kept, names), *(_filled(hole) for hole in openings))


def _cuts(values: Iterable[float]) -> list[float]:
    """Sorted, without those that differ by rounding only."""
    ordered = sorted(values)
    return [v for i, v in enumerate(ordered) if i == 0 or v - ordered[i - 1] > 1e-6]


def _filled(hole: Opening) -> Shape:
    back = -hole.style.depth
    y0, y1, z0, z1 = hole.left, hole.right, hole.bottom, hole.top
    corners = [(y0, z0), (y1, z0), (y1, z1), (y0, z1)]
    rim = [(x, y, z) for x in (0.0, back) for y, z in corners]
    reveal = [(i, 4 + i, 4 + (i + 1) % 4, (i + 1) % 4) for i in range(4)]
    parts = [polygons(np.array(rim), [face[::-1] for face in reveal], COLOUR)]
    if hole.fill == "window":
        parts.append(_glazing(hole, back))
        parts += _surround(hole)
    else:
        parts.append(sheet(y0, y1, z0, z1, back, hole.fill))
    return join(*parts)


def _glazing(hole: Opening, back: float) -> Shape:
    """Frame and panes; a curtain or a blind lies before the panes, as seen from afar."""
    style = hole.style
    bar = min(0.07, 0.1 * (hole.top - hole.bottom))
    y0, y1, z0, z1 = hole.left, hole.right, hole.bottom, hole.top
    parts = [sheet(y0, y1, z0, z1, back, style.frame)]
    step = (y1 - y0 - bar) / style.panes
    front = back + _PROUD
    for i in range(style.panes):
        a, b = y0 + bar + i * step, y0 + (i + 1) * step
        parts.append(sheet(a, b, z0 + bar, z1 - bar, front, hole.glass))
    inner = (y0 + bar, y1 - bar, z0 + bar, z1 - bar)
    if hole.cover == "blind":
        low = z0 + 0.45 * (z1 - z0)
        parts.append(sheet(inner[0], inner[1], low, inner[3], front + _PROUD, "blind"))
    elif hole.cover == "curtain":
        reach = 0.24 * (y1 - y0)
        for a, b in ((inner[0], inner[0] + reach), (inner[1] - reach, inner[1])):
            parts.append(sheet(a, b, inner[2], inner[3], front + _PROUD, "curtain"))
    return join(*parts)


def _surround(hole: Opening) -> list[Shape]:
    style = hole.style
    y0, y1, z0, z1 = hole.left, hole.right, hole.bottom, hole.top
    parts = []
    if style.ledge:
        parts.append(box((-0.02, y0 - 0.06, z0 - 0.07), (0.09, y1 + 0.06, z0), "sill"))
    if style.lintel:
        parts.append(box((-0.02, y0 - 0.1, z1), (0.06, y1 + 0.1, z1 + 0.16), style.lintel))
    if style.shutters:
        leaf = 0.42 * (y1 - y0)
        for a, b in ((y0 - leaf - 0.02, y0 - 0.02), (y1 + 0.02, y1 + leaf + 0.02)):
            parts.append(box((-0.02, a, z0), (0.05, b, z1), style.shutters))
    return parts


def turned(shape: Shape, quarters: int, x: float, y: float, z: float = 0.0) -> Shape:
    """Turned anticlockwise by quarters of a circle, then moved; a wall then looks that way."""
    cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarters % 4]
    points = shape.vertices
    moved = np.stack(
        [cos * points[:, 0] - sin * points[:, 1] + x,
         sin * points[:, 0] + cos * points[:, 1] + y, points[:, 2] + z], axis=-1)  # fmt: skip
    return Shape(moved, shape.faces, shape.surfaces, shape.smooth)


def block(
    x: tuple[float, float],
    y: tuple[float, float],
    height: float,
    *,
    front: Sequence[Opening] = (),
    left: Sequence[Opening] = (),
    rear: Sequence[Opening] = (),
    right: Sequence[Opening] = (),
    bands: Sequence[tuple[float, str]] = ((0.35, "plinth"),),
    front_bands: Sequence[tuple[float, str]] | None = None,
) -> Shape:
    """Four walls round a rectangle, each with its own openings; open above and below.

    ``front_bands`` are those of the front where it differs from the other walls.
    """
    shown = bands if front_bands is None else front_bands
    wide, deep = y[1] - y[0], x[1] - x[0]
    middle_x, middle_y = (x[0] + x[1]) / 2, (y[0] + y[1]) / 2
    return join(
        turned(wall(wide, height, front, bands=shown), 0, x[1], middle_y),
        turned(wall(deep, height, left, bands=bands), 1, middle_x, y[1]),
        turned(wall(wide, height, rear, bands=bands), 2, x[0], middle_y),
        turned(wall(deep, height, right, bands=bands), 3, middle_x, y[0]),
    )
