"""Roofs, what stands on them and what hangs on them; metres, centred on x = y = 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..shapes import COLOUR, Face, Shape, box, join, polygons
from .walls import sheet, turned

_THICK = 0.16


def gable(
    span: float,
    length: float,
    eaves: float,
    rise: float,
    *,
    tiles: str = "tiles",
    over: float = 0.45,
    verge: float = 0.25,
    gutters: bool = True,
    wall: str = COLOUR,
) -> Shape:
    """A saddle roof with its ridge along y, and the two gables below it.

    Args:
        span, length: of the walls below, along x and y.
        eaves: height of the walls.
        rise: from there to the ridge.
        over, verge: how far it stands out at the eaves and at the gables.
        wall: surface of the gables.
    """
    half, slope = span / 2, 2 * rise / span
    edge, low, end = half + over, eaves - slope * over, length / 2 + verge
    profile = [(edge, low + _THICK), (0.0, eaves + rise + _THICK), (-edge, low + _THICK),
               (-edge, low), (0.0, eaves + rise), (edge, low)]  # fmt: skip
    points = np.array([(x, y, z) for y in (-end, end) for x, z in profile])
    faces = [(0, 6, 7, 1), (1, 7, 8, 2), (2, 8, 9, 3), (3, 9, 10, 4), (4, 10, 11, 5),
             (5, 11, 6, 0), (0, 1, 4, 5), (1, 2, 3, 4), (11, 10, 7, 6), (10, 9, 8, 7)]  # fmt: skip
    names = [tiles, tiles, "gutter", "trim", "trim", "gutter"] + ["trim"] * 4
    parts = [polygons(points, faces, names)]
    for y in (-length / 2, length / 2):
        corners = np.array([(half, y, eaves), (-half, y, eaves), (0.0, y, eaves + rise)])
        parts.append(polygons(corners, [(0, 1, 2) if y > 0 else (2, 1, 0)], wall))
    top = eaves + rise + _THICK
    ridge = "ridge" if tiles == "tiles" else tiles
    parts.append(box((-0.14, -end, top - 0.09), (0.14, end, top + 0.05), ridge))
    if gutters:
        for x0, x1 in ((edge - 0.02, edge + 0.11), (-edge - 0.11, -edge + 0.02)):
            parts.append(box((x0, -end, low), (x1, end, low + 0.12), "gutter"))
    return join(*parts)


def hip(
    span: float, length: float, eaves: float, rise: float, *, tiles: str = "tiles",
    over: float = 0.45, side: float = 0.3,
) -> Shape:  # fmt: skip
    """A hipped roof over walls of span (x) by length (y); the ridge follows the longer of them."""
    x, y = span / 2 + over, length / 2 + side
    # Never a point nor a line, but a ridge of the breadth of its tiles.
    ridge_x, ridge_y = max(x - y, 0.0) * 0.9 + 0.1, max(y - x, 0.0) * 0.9 + 0.1
    low, top = eaves - 0.12, eaves + rise
    rim = [(x, -y), (x, y), (-x, y), (-x, -y)]
    points = [(a, b, low) for a, b in rim] + [(a, b, low + 0.2) for a, b in rim]
    points += [(ridge_x, -ridge_y, top), (ridge_x, ridge_y, top),
               (-ridge_x, ridge_y, top), (-ridge_x, -ridge_y, top)]  # fmt: skip
    faces: list[Face] = [(3, 2, 1, 0)]
    faces += [(i, (i + 1) % 4, 4 + (i + 1) % 4, 4 + i) for i in range(4)]
    faces += [(4 + i, 4 + (i + 1) % 4, 8 + (i + 1) % 4, 8 + i) for i in range(4)]
    faces.append((8, 9, 10, 11))
    names = ["trim"] + ["gutter"] * 4 + [tiles] * 5
    return polygons(np.array(points), faces, names)


def prism(
    profile: Sequence[tuple[float, float]], y: tuple[float, float], surfaces: Sequence[str],
    ends: str,
) -> Shape:  # fmt: skip
    """A convex profile of (x, z), anticlockwise as seen from -y, drawn out along y and closed.

    Args:
        surfaces: of the side from each point of the profile to the next.
        ends: surface of both ends.
    """
    count = len(profile)
    points = np.array([(x, b, z) for b in y for x, z in profile])
    faces: list[Face] = [
        (count + i, count + (i + 1) % count, (i + 1) % count, i) for i in range(count)
    ]
    faces += [tuple(range(count)), tuple(reversed(range(count, 2 * count)))]
    return polygons(points, faces, [*surfaces, ends, ends])


def mansard(
    length: float, depth: float, eaves: float, steep: float, rise: float, *, tiles: str = "slate"
) -> Shape:
    """A steep lower slope to front and rear and a low upper one, between walls at both ends."""
    half = depth / 2
    inset = half - 0.38 * steep
    profile = [(-half - 0.25, eaves), (half + 0.25, eaves), (inset, eaves + steep),
               (0.0, eaves + steep + rise), (-inset, eaves + steep)]  # fmt: skip
    ends = (-length / 2, length / 2)
    return prism(profile, ends, ["trim", tiles, tiles, tiles, tiles], COLOUR)


def flat(
    x: tuple[float, float], y: tuple[float, float], eaves: float, *, rim: float = 0.45,
    out: float = 0.12, surface: str = "trim",
) -> Shape:  # fmt: skip
    """A flat roof whose rim stands out to front and rear."""
    slab = box((x[0] - out, y[0], eaves), (x[1] + out, y[1], eaves + rim), surface)
    top = eaves + rim + 0.01
    corners = [(x[0], y[0] + 0.3, top), (x[1] - 0.25, y[0] + 0.3, top),
               (x[1] - 0.25, y[1] - 0.3, top), (x[0], y[1] - 0.3, top)]  # fmt: skip
    return join(slab, polygons(np.array(corners), [(0, 1, 2, 3)], "gravel_roof"))


def chimney(x: float, y: float, low: float, top: float, *, size: float = 0.6) -> Shape:
    """A stack with a slab on it."""
    half = size / 2
    stack = box((x - half, y - half, low), (x + half, y + half, top - 0.1), "chimney")
    edge = half + 0.07
    return join(stack, box((x - edge, y - edge, top - 0.1), (x + edge, y + edge, top), "plinth"))


def dormer(
    x: float, y: float, base: float, *, width: float = 1.5, height: float = 1.5,
    depth: float = 2.4, tiles: str = "tiles", gabled: bool = True, glass: str = "window",
) -> Shape:  # fmt: skip
    """A window in a roof: its front is at x and looks along +x, behind it is the roof."""
    half = width / 2
    body = box((x - depth, y - half, base), (x, y + half, base + height), COLOUR)
    frame = (y - half + 0.16, y + half - 0.16, base + 0.3, base + height - 0.12)
    parts = [body, sheet(*frame, x + 0.02, "frame")]
    middle = (frame[0] + frame[1]) / 2
    for a, b in ((frame[0] + 0.06, middle - 0.03), (middle + 0.03, frame[1] - 0.06)):
        parts.append(sheet(a, b, frame[2] + 0.06, frame[3] - 0.06, x + 0.035, glass))
    if gabled:
        roof = gable(width, depth, base + height, 0.45 * width, tiles=tiles, over=0.15,
                     verge=0.12, gutters=False)  # fmt: skip
        parts.append(turned(roof, 1, x - depth / 2, y))
    else:
        low, high = (x - depth, y - half - 0.12), (x + 0.2, y + half + 0.12)
        parts.append(box((*low, base + height), (*high, base + height + 0.14), tiles))
    return join(*parts)
