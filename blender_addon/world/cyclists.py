"""Cyclists on their bicycles, in metres. No bpy."""

from __future__ import annotations

import math
from dataclasses import replace

from .bicycle import CITY, RACE, TREKKING, TUBES, Bicycle, bicycle
from .body import CLOTHES, SOLE, Figure, body, wrists_at
from .finishes import Finish
from .people import rucksack
from .shapes import Shape, join
from .sweeps import Point, turned

SURFACES: dict[str, Finish] = {**TUBES, **CLOTHES}
CYCLIST_MODELS = ("city", "trekking", "race")
_BALL = 0.10  # of the foot, ahead of the ankle, metres


def cyclist(model: str) -> Shape:
    """A cyclist who rides towards +X; the object's colour is the rider's top."""
    kind, crank_angle, figure = _RIDES[model]
    rider = _rider(kind, crank_angle, figure)
    parts = [bicycle(kind, crank_angle), body(rider)]
    if model == "trekking":
        upright = rucksack(0.0).moved((0.0, 0.0, -0.93))
        parts.append(turned(upright, rider.lean + 6.0, "y").moved(rider.hips))
    return join(*parts).on_base()


def _rider(kind: Bicycle, crank_angle: float, figure: Figure) -> Figure:
    """The figure on the saddle, hands on the grips and feet on the pedals."""
    x, y, z = (float(v) for v in kind.seat() + (0.03, 0.0, 0.095))
    seated = replace(figure, hips=(x, y, z))
    ahead, out, high = kind.grips
    grips = ((ahead, -out, high + 0.02), (ahead, out, high + 0.02))
    right, left = (_foot(kind, crank_angle, -0.135), _foot(kind, crank_angle + 180.0, 0.135))
    return replace(
        seated,
        wrists=wrists_at(seated, grips),
        ankles=(right[0], left[0]),
        toes=(right[1], left[1]),
    )


def _foot(kind: Bicycle, crank_angle: float, y: float) -> tuple[Point, float]:
    """The ankle, and how far the toes point down, of a foot whose ball is on the pedal."""
    pedal = kind.pedal(crank_angle)
    toe_down = 14.0 + 40.0 * float(kind.cranks[2] - pedal[2])
    turn = math.radians(toe_down)
    x = pedal[0] - _BALL * math.cos(turn) + SOLE * math.sin(turn)
    z = pedal[2] + 0.012 + _BALL * math.sin(turn) + SOLE * math.cos(turn)
    return (x, y, z), toe_down


_RIDES: dict[str, tuple[Bicycle, float, Figure]] = {
    "city": (
        CITY,
        55.0,
        Figure(lean=6.0, hunch=10.0, nod=2.0, legs="jeans", hair="hair_grey", girth=1.1, hem=0.03,
               elbows=(-0.5, 0.5, -0.6)),
    ),
    "trekking": (
        TREKKING,
        200.0,
        Figure(lean=26.0, hunch=12.0, nod=6.0, legs="trousers_beige", helmet="helmet", hem=0.03,
               elbows=(-0.3, 0.6, -0.8)),
    ),
    "race": (
        RACE,
        20.0,
        Figure(lean=44.0, hunch=22.0, nod=16.0, legs="trousers_black", helmet="helmet",
               shoes="shoes_light", sleeve=0.5, hem=0.02, elbows=(-0.2, 0.35, -1.0)),
    ),
}  # fmt: skip
