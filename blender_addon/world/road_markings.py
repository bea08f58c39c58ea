"""What is painted on the road and laid across it, as sheets of fixed topology. No bpy.

A sheet that a street does not need shrinks to a line under the ground: nothing is made or
removed when a street changes.
"""

from __future__ import annotations

import numpy as np

from ..contract.street import Junction, Street, arc_points
from .road_surfaces import BEGIN, HIDDEN, LINE_HEIGHT, LINE_WIDTH, reach

DASHES = 18
_DASH, _GAP = 3.0, 6.0

MOST_ZEBRAS, _STRIPES = 2, 24
_STRIPE, _STRIPE_LENGTH = 0.5, 3.0
_BAYS, _BAY, _BAY_LINE = 30, 2.5, 0.1
PAINT_QUADS = MOST_ZEBRAS * _STRIPES + 2 * _BAYS

JUNCTION_ROWS, JUNCTION_COLUMNS = 3, 8  # of each half of a cross street
WALK_ROWS, WALK_COLUMNS = 3, 5
MOST_JUNCTIONS = 2
_CROSS_WALK, _CROSS_KERB = 1.8, 0.16
_ABOVE = 0.004  # what lies on other ground lies this much above it, or they would flicker


def separator_coordinates(street: Street, offset: float) -> np.ndarray:
    """Vertices of a dashed line at a lateral offset, V x 3 float32: four stations a dash."""
    starts = BEGIN + 1.0 + (_DASH + _GAP) * np.arange(DASHES)
    along = (starts[:, None] + np.linspace(0, _DASH, 4)).reshape(-1)
    lift = street.lift(along)
    open_road = street.kerb_share(along) >= 1.0
    for middle in street.zebras:
        open_road &= abs(along - middle) > _STRIPE_LENGTH / 2 + 0.3
    height = lift + np.where(open_road, LINE_HEIGHT, HIDDEN)
    ends = []
    for side in (-0.5, 0.5):
        x, y = arc_points(along, offset + side * LINE_WIDTH, street.curvature)
        ends.append(np.stack([x, y, height], axis=-1))
    return np.stack(ends, axis=1).reshape(-1, 3).astype(np.float32)


def paint_coordinates(street: Street) -> np.ndarray:
    """Vertices of zebra crossings and parking bays, (4 PAINT_QUADS) x 3 float32."""
    quads: list[tuple[float, float, float, float]] = []  # along and offset: from, to
    left, right = street.edges
    for middle in street.zebras[:MOST_ZEBRAS]:
        count = min(int((right - left) // (2 * _STRIPE)), _STRIPES)
        first = (left + right) / 2 - (count - 0.5) * _STRIPE
        begin, end = middle - _STRIPE_LENGTH / 2, middle + _STRIPE_LENGTH / 2
        for i in range(count):
            inner = first + 2 * _STRIPE * i
            quads.append((begin, end, inner, inner + _STRIPE))
    for side in street.sides.values():
        if side.parking != "bays" or side.parking_width <= 0:
            continue
        ends = right + np.array([0, side.parking_width])
        if not side.right:
            ends = left - np.array([side.parking_width, 0])
        for i in range(_BAYS):
            at = 4.0 + _BAY * i
            if street.kerb_share(at) >= 1.0:
                quads.append((at, at + _BAY_LINE, float(ends[0]), float(ends[1])))
    points = buried(4 * PAINT_QUADS).reshape(-1, 4, 3)
    for i, (begin, end, inner, outer) in enumerate(quads[:PAINT_QUADS]):
        along = np.array([begin, begin, end, end])
        x, y = arc_points(along, np.array([inner, outer, outer, inner]), street.curvature)
        points[i] = np.stack([x, y, street.lift(along) + LINE_HEIGHT], axis=-1)
    return points.reshape(-1, 3)


def junction_coordinates(street: Street) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of cross streets' asphalt and of the pavements along them, each V x 3 float32."""
    roads, walks = [], []
    for i in range(MOST_JUNCTIONS):
        junction = street.junctions[i] if i < len(street.junctions) else None
        for right in (False, True):
            if junction is None:
                roads.append(buried(JUNCTION_ROWS * JUNCTION_COLUMNS))
                walks += [buried(WALK_ROWS * WALK_COLUMNS)] * 2
                continue
            roads.append(_cross_road(street, junction, right))
            walks += [_cross_walk(street, junction, right, near) for near in (True, False)]
    return np.concatenate(roads), np.concatenate(walks)


def buried(count: int) -> np.ndarray:
    """Vertices of what is not needed: on a line under the ground, so that no face has an area.

    Not all at one point: of a thousand faces at one place Embree takes 0.1 s to make a tree.
    """
    points = np.zeros((count, 3), np.float32)
    points[:, 1], points[:, 2] = np.linspace(0.0, 50.0, count), -1.0
    return points


def _cross_road(street: Street, junction: Junction, right: bool) -> np.ndarray:
    edge = street.edges[right]
    along = np.linspace(junction.begin, junction.end, JUNCTION_ROWS)
    outward = np.linspace(0.0, reach(street, edge), JUNCTION_COLUMNS)
    return _sheet(street, along, edge, outward, right, np.full(JUNCTION_ROWS, _ABOVE))


def _cross_walk(street: Street, junction: Junction, right: bool, near: bool) -> np.ndarray:
    """Kerb and pavement along one flank of a cross street, from the main road's pavement on."""
    side = street.side(right)
    edge = street.edges[right]
    first = side.parking_width + side.sidewalk_width
    outward = np.linspace(first, max(reach(street, edge) * 0.7, first), WALK_COLUMNS)
    flank = junction.begin if near else junction.end
    away = np.array([0.0, _CROSS_KERB, _CROSS_WALK])
    along = flank - away[::-1] if near else flank + away
    top = side.kerb + 2 * _ABOVE
    heights = np.array([top, top, _ABOVE] if near else [_ABOVE, top, top])
    return _sheet(street, along, edge, outward, right, heights)


def _sheet(
    street: Street,
    along: np.ndarray,
    edge: float,
    outward: np.ndarray,
    right: bool,
    heights: np.ndarray,
) -> np.ndarray:
    """Rows along the road, columns from left to right, so that it faces up."""
    offset = edge + outward if right else (edge - outward)[::-1]
    x, y = arc_points(along[:, None], offset[None, :], street.curvature)
    z = np.broadcast_to((street.lift(along) + heights)[:, None], x.shape)
    return np.stack([x, y, z], axis=-1).reshape(-1, 3).astype(np.float32)
