"""Large boxes with rounded upright edges, for trucks, buses and caravans. No bpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..shapes import Shape, box, join, polygons
from .loft import Cell, deck, plan, ring


def coach(
    rows: Sequence[tuple[float, float, float, float]],
    stations: Sequence[float],
    surface: Callable[[Cell], str],
    *,
    roof: str,
    crown: float = 0.05,
    square: tuple[float, float] = (6.0, 8.0),
    smooth: bool = True,
) -> Shape:
    """Walls from the bottom up and a roof.

    Args:
        rows: (z, s of the front, s of the rear, half width), metres, upward.
        stations: s of the side's cross-sections; the first and last begin the rounded corners.
        surface: of each cell.
        roof: its surface.
        crown: of the roof, metres.
        square: of the corners seen from above.
    """
    z, front, rear, wide = np.array(rows).T
    # Where a row's ends lie further in than the first and last stations, those give way.
    sides = np.maximum(np.asarray(stations, float), front[:, None] + 0.1)
    sides = np.minimum(sides, rear[:, None] - 0.1)
    half = np.broadcast_to(wide[:, None], sides.shape)
    s, y = plan(front, rear, half, sides, square)
    walls = ring(s, y, np.broadcast_to(z[:, None], s.shape), surface, smooth)
    sheet = deck(s[-1], half[-1], lambda at: np.full_like(at, z[-1]), crown, lambda at: roof,
                 lambda at: False)  # fmt: skip
    return join(walls, sheet)


def slab(
    s: tuple[float, float], y: tuple[float, float], z: tuple[float, float], surface: str
) -> Shape:
    """A box by its s, y and z intervals."""
    return box((-s[1], y[0], z[0]), (-s[0], y[1], z[1]), surface)


def slabs(
    s: tuple[float, float], y: tuple[float, float], z: tuple[float, float], surface: str
) -> Shape:
    """A box on the left and its mirror image on the right."""
    one = slab(s, y, z, surface)
    return join(one, one.mirrored())


def arches(axles: Sequence[float], radius: float, y: float, bottom: float) -> Shape:
    """Dark wheel openings painted on both sides of a wall at y, above its bottom's z."""
    angle = np.linspace(0, np.pi, 13)
    parts = []
    for axle in axles:
        top = np.stack([-axle + radius * np.cos(angle), np.full(13, y), 0.5 * radius
                        + radius * np.sin(angle)], -1)  # fmt: skip
        top[:, 2] = np.maximum(top[:, 2], bottom)
        corners = np.array([(-axle - radius, y, bottom), (-axle + radius, y, bottom)])
        outline = np.concatenate([top, corners])[::-1]
        one = polygons(outline, [tuple(range(len(outline)))], "underbody")
        parts += [one, one.mirrored()]
    return join(*parts)
