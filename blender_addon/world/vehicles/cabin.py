"""A cabin: screens, side windows between pillars, the roof. No bpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..shapes import COLOUR, Shape, box, join, polygons
from .loft import ENDS, Cell, corner, deck, plan, ring, smoothed

_EDGE = 0.94  # fraction of the height above which the roof's edge is rounded


@dataclass(frozen=True)
class Cabin:
    """Outline of what lies above the shoulder; v is the fraction of its height, 0 to 1.

    Attributes:
        screen: (v, s) of the windscreen in the middle, upward.
        back: (v, s) of the rear in the middle, upward.
        roof: (s, metres below the highest place) of the roof's edge.
        windows: intervals of glass along the side, as fractions from the front to the rear pillar.
        side_glass, screen_glass, rear_glass: between which v; rear (0, 0) for none.
        width: of the roof, a fraction of the body's.
        crown: how much higher the roof's middle is than its edge, metres.
        bulge: metres that the screens' middles stand out beyond their edges: front, rear.
        rear_width: fraction of the half width over which the rear window reaches.
        pillar: surface of the pillars between the side windows.
        trim: surface of the strip under the side windows.
        seats: whether head restraints show behind the rear window.
        sink: metres that the lowest row lies under the shoulder.
        base: half width of the lowest row, a fraction of the body's.
    """

    screen: tuple[tuple[float, float], ...]
    back: tuple[tuple[float, float], ...]
    windows: tuple[tuple[float, float], ...]
    roof: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 0.0))
    side_glass: tuple[float, float] = (0.09, 0.84)
    screen_glass: tuple[float, float] = (0.02, 0.93)
    rear_glass: tuple[float, float] = (0.1, 0.88)
    width: float = 0.72
    crown: float = 0.055
    bulge: tuple[float, float] = (0.3, 0.16)
    rear_width: float = 0.9
    pillar: str = "plastic"
    trim: str = "plastic"
    seats: bool = True
    sink: float = 0.01
    base: float = 0.895

    def edge_at(self, s: np.ndarray, height: float) -> np.ndarray:
        """Height of the roof's edge at s, for a vehicle's height."""
        return height - self.crown - smoothed(s, self.roof, 0.25)

    def top_at(self, s: np.ndarray, height: float) -> float:
        """Height of the roof's middle at s."""
        return float(self.edge_at(s, height)) + self.crown

    def ends(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """s of the middle of the windscreen and of the rear at v."""
        return _line(self.screen, v), _line(self.back, v)


def _line(points: tuple[tuple[float, float], ...], v: np.ndarray) -> np.ndarray:
    at, values = zip(*points, strict=True)
    return smoothed(v, list(zip(at, values, strict=True)), 0.03)


def cabin(
    shape: Cabin, width: float, height: float, shoulder: Callable[[np.ndarray], np.ndarray]
) -> Shape:
    """The cabin of a body of that width and height, on the line of its shoulder."""
    low, high = shape.side_glass
    v = {0.0, low - 0.05, low, (low + high) / 2, high, _EDGE, 1.0, *shape.screen_glass}
    v |= set(shape.rear_glass) if shape.rear_glass[1] else set()
    rows = _apart(np.array(sorted(i for i in v if i >= 0)), 0.02)
    front, rear = shape.ends(rows)
    u = [0.0, 1.0, *(edge for window in shape.windows for edge in window)]
    longest = max(b - a for a, b in zip(sorted(u), sorted(u)[1:], strict=False))
    if longest > 0.3:
        u += list(np.linspace(0, 1, 6))
    along = _apart(np.array(sorted(u)), 0.012)
    lean = 1 - 0.25 * rows
    first, last = front + shape.bulge[0] * lean, rear - shape.bulge[1] * lean
    sides = first[:, None] + (last - first)[:, None] * along
    base, roof = shape.base * width / 2, shape.width * width / 2
    wide = base + (roof - base) * np.minimum(rows / _EDGE, 1) ** 1.35
    wide = np.where(rows > _EDGE, wide - 0.055, wide)
    half = np.broadcast_to(wide[:, None], sides.shape)
    s, y = plan(front, rear, half, sides, (2.3, 2.6))
    bottom = shoulder(s[0]) - shape.sink
    top = shape.edge_at(s[-1], height)
    z = bottom + (top - bottom) * rows[:, None]

    def surface(cell: Cell) -> str:
        middle = (rows[cell.row] + rows[cell.row + 1]) / 2
        if cell.end == "front":
            return "glass" if _in(middle, shape.screen_glass) and cell.f < 0.96 else COLOUR
        if cell.end == "rear":
            return (
                "glass" if _in(middle, shape.rear_glass) and cell.f < shape.rear_width else COLOUR
            )
        i = cell.column - ENDS
        return _side(shape, middle, (along[i] + along[i + 1]) / 2)

    walls = ring(s, y, z, surface)
    roof_sheet = deck(s[-1], half[-1], lambda at: shape.edge_at(at, height), shape.crown,
                      lambda at: COLOUR)  # fmt: skip
    parts = [walls, roof_sheet]
    if shape.rear_glass[1] > 0:
        parts += _behind(shape, wide, rows, z[:, -1])
    return join(*parts)


def _in(value: float, interval: tuple[float, float]) -> bool:
    return interval[0] < value < interval[1]


def _apart(values: np.ndarray, least: float) -> np.ndarray:
    """Sorted values without those that nearly repeat the one before; the last is kept."""
    kept = [values[0]]
    for value in values[1:]:
        if value - kept[-1] > least:
            kept.append(value)
    kept[-1] = values[-1]
    return np.array(kept)


def _side(shape: Cabin, v: float, u: float) -> str:
    low, high = shape.side_glass
    if not shape.windows:
        return COLOUR
    start, stop = shape.windows[0][0], shape.windows[-1][1]
    if low < v < high:
        if any(a < u < b for a, b in shape.windows):
            return "glass"
        return shape.pillar if start < u < stop else COLOUR
    if low - 0.06 < v < low and start < u < stop:
        return shape.trim
    return COLOUR


def _behind(shape: Cabin, wide: np.ndarray, rows: np.ndarray, z: np.ndarray) -> list[Shape]:
    """Head restraints seen through the rear window, the upper brake lamp and the wiper."""

    def on_glass(y: np.ndarray, v: np.ndarray, out: float) -> np.ndarray:
        rear = shape.ends(v)[1]
        last = rear - shape.bulge[1] * (1 - 0.25 * v)
        f = np.abs(y) / np.interp(v, rows, wide)
        s = rear - (rear - last) * corner(f, 2.6) + out
        return np.stack([-s, y, np.interp(v, rows, z)], -1)

    low, high = shape.rear_glass
    tall = high - low
    parts = []
    if shape.seats:
        outline = np.array(
            [
                (-0.8, 0),
                (0.8, 0),
                (1, 0.3),
                (0.95, 0.75),
                (0.6, 1),
                (-0.6, 1),
                (-0.95, 0.75),
                (-1, 0.3),
            ]
        )
        for middle, size in ((-0.35, 0.12), (0.0, 0.09), (0.35, 0.12)):
            y = middle + outline[:, 0] * size
            v = low + tall * (0.01 + outline[:, 1] * 0.40)
            points = on_glass(y, v, 0.012)
            # Seen from behind, +Y is to the left.
            parts.append(polygons(points, [tuple(range(8))[::-1]], "seat"))
    at = on_glass(np.array([0.0]), np.array([high + 0.03]), 0.0)[0]
    parts.append(box(at - (0.012, 0.15, 0.012), at + (0.02, 0.15, 0.012), "taillight"))
    blade = on_glass(np.array([0.0]), np.array([low + 0.05 * tall]), 0.0)[0]
    parts.append(box(blade - (0.02, 0.02, 0.008), blade + (0.02, 0.33, 0.01), "plastic"))
    return parts
