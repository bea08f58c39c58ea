"""The road's cross-section, as ribbons of fixed topology along its course. No bpy.

Every ribbon has two points at each of the same stations, from left to right; what a street changes
are only their coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..contract.street import KERB_RAMP, KERB_WIDTH, Side, Street, arc_points

BEGIN, END = -15.0, 320.0
NEAR = np.concatenate([np.arange(BEGIN, 60, 2.5), np.arange(60, 150, 5), np.linspace(150, END, 18)])
FAR_DROP = -0.06
LINE_WIDTH, LINE_INSET, LINE_HEIGHT = 0.13, 0.16, 0.008
HIDDEN = -0.05  # beneath the asphalt
_MOST_TURN = 2.6  # radians after which the road ends, before it could meet itself
_GROUND_REACH, _SKIRT = 70.0, 40.0

# The objects of the road, and the surface of each of their ribbons.
RIBBONS: Mapping[str, tuple[str, ...]] = {
    "road": ("asphalt", "marking", "marking"),
    "walks": ("sidewalk", "kerb", "kerb", "sidewalk"),
    "parking": ("parking", "parking"),
    "ground_left": ("ground_left", "ground_left"),
    "ground_right": ("ground_right", "ground_right"),
}


@dataclass(frozen=True)
class _Ribbon:
    """(lateral offset, height over the road) of both ends, from left to right.

    Attributes:
        kerbed: which ends sink with the kerbs at a junction.
        interrupted: a marking that ends at a junction.
        plain: which end lies on the plain, whatever the road does.
    """

    ends: tuple[tuple[float, float], tuple[float, float]]
    kerbed: bool = False
    interrupted: bool = False
    plain: tuple[bool, bool] = (False, False)


def surface_coordinates(street: Street) -> dict[str, np.ndarray]:
    """Vertices of each object's ribbons, V x 3 float32: each station's left and right points."""
    stations = _stations(street)
    sections = _cross_section(street)
    ribbons = [ribbon for parts in sections.values() for ribbon in parts]
    points = iter(_points(street, stations, ribbons))
    return {name: np.concatenate([next(points) for _ in sections[name]]) for name in sections}


def plain_height(street: Street) -> float:
    """Height of the land to the horizon: never above the road's lowest point."""
    return min(street.rise, 0.0) + FAR_DROP


def reach(street: Street, edge: float) -> float:
    """How far the ground beside the road goes from a lateral offset: not past a bend's centre."""
    if not street.curvature:
        return _GROUND_REACH
    return max(min(_GROUND_REACH, 0.85 / abs(street.curvature) - abs(edge)), 0.0)


def _stations(street: Street) -> np.ndarray:
    bend = abs(street.curvature) * END
    stations = NEAR * min(1.0, _MOST_TURN / bend) if bend else NEAR.copy()
    free = np.ones(len(stations), bool)
    free[[0, -1]] = False
    for one in street.junctions:
        # Corners must fall on stations: the nearest ones move there.
        for mark in (one.begin - KERB_RAMP, one.begin, one.end, one.end + KERB_RAMP):
            nearest = int(np.argmin(np.where(free, abs(stations - mark), np.inf)))
            stations[nearest], free[nearest] = mark, False
    return np.sort(stations)


def _points(street: Street, stations: np.ndarray, ribbons: list[_Ribbon]) -> np.ndarray:
    """Vertices of several ribbons, R x V x 3 float32."""
    ends = np.array([ribbon.ends for ribbon in ribbons])[:, None]  # R x 1 x 2 x 2
    kerbed, interrupted = (
        np.array([getattr(ribbon, name) for ribbon in ribbons])[:, None, None]
        for name in ("kerbed", "interrupted")
    )
    share, lift = street.kerb_share(stations)[:, None], street.lift(stations)[:, None]
    x, y = arc_points(stations[:, None], ends[..., 0], street.curvature)
    z = lift + ends[..., 1] * np.where(kerbed, share, 1.0)
    z = np.where(interrupted & (share < 1.0), lift + HIDDEN, z)
    z = np.where(np.array([r.plain for r in ribbons])[:, None], plain_height(street), z)
    return np.stack([x, y, z], axis=-1).astype(np.float32).reshape(len(ribbons), -1, 3)


def _cross_section(street: Street) -> dict[str, list[_Ribbon]]:
    left, right = street.edges
    parts: dict[str, list[_Ribbon]] = {name: [] for name in RIBBONS}
    parts["road"].append(_Ribbon(((left, 0.0), (right, 0.0))))
    width = 0.0 if street.setting == "town" else LINE_WIDTH
    for inner in (left + LINE_INSET, right - LINE_INSET):
        ends = ((inner - width / 2, LINE_HEIGHT), (inner + width / 2, LINE_HEIGHT))
        parts["road"].append(_Ribbon(ends, interrupted=True))
    for right_hand, edge in ((False, left), (True, right)):
        side = street.side(right_hand)
        sign = 1.0 if right_hand else -1.0
        rim = reach(street, edge)
        line = [(edge + sign * across, height) for across, height in _outward(side, rim)]
        made = [_Ribbon(_ordered(a, b, right_hand), kerbed=True) for a, b in _pairs(line)]
        far = rim + _SKIRT
        if street.curvature:
            far = max(min(far, 0.97 / abs(street.curvature) - abs(edge)), line[-1][0] * sign)
        beyond = (edge + sign * max(far, abs(line[-1][0] - edge)), 0.0)
        skirt = _Ribbon(
            _ordered(line[-1], beyond, right_hand),
            kerbed=True,
            plain=(not right_hand, right_hand),
        )
        parking, kerb, walk, ground = made
        parts["parking"].append(parking)
        parts["walks"] += [kerb, walk] if right_hand else [walk, kerb]
        parts["ground_right" if right_hand else "ground_left"] += [ground, skirt]
    return parts


def _outward(side: Side, rim: float) -> list[tuple[float, float]]:
    """(distance from the lanes, height) where the surfaces of a side meet."""
    kerb = side.parking_width + KERB_WIDTH
    walk = side.parking_width + max(side.sidewalk_width, KERB_WIDTH)
    return [
        (0.0, 0.0),
        (side.parking_width, 0.0),
        (kerb, side.kerb),
        (walk, side.kerb),
        (max(rim, walk), side.kerb),
    ]


def _pairs(line):
    return list(zip(line[:-1], line[1:], strict=True))


def _ordered(inner, outer, right_hand: bool):
    return (inner, outer) if right_hand else (outer, inner)
