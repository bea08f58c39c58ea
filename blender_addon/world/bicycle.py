"""Bicycles, in metres: front towards +X, the cranks' axle above the origin. No bpy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .finishes import Finish
from .shapes import Shape, box, join
from .sweeps import Point, ring, rod, sweep

TUBES: dict[str, Finish] = {
    "frame_black": Finish((0.016, 0.017, 0.019)),
    "frame_red": Finish((0.33, 0.022, 0.02)),
    "frame_blue": Finish((0.03, 0.09, 0.26)),
    "bicycle_metal": Finish((0.36, 0.37, 0.38)),
}

CRANK = 0.17
_REAR, _FRONT = -0.46, 0.61  # axles


@dataclass(frozen=True)
class Bicycle:
    """What one bicycle differs in from another; metres.

    Attributes:
        frame: surface of its tubes.
        saddle: height of the saddle's top.
        head: height of the steering tube's top.
        grips: where the right and the left hand hold, both at x, z and this far out: (x, out, z).
        wheel: radius with tyre.
        tyre: half the tyre's thickness.
        step_through: whether the top tube is low.
        touring: whether it has mudguards, a rack and a lamp.
        drops: whether the handlebar is a racing one.
    """

    frame: str
    saddle: float
    head: float
    grips: tuple[float, float, float]
    wheel: float = 0.345
    tyre: float = 0.020
    step_through: bool = False
    touring: bool = True
    drops: bool = False

    @property
    def cranks(self) -> np.ndarray:
        """The point that the cranks turn about, metres, shape (3,)."""
        return np.array((0.0, 0.0, self.wheel - 0.065))

    def seat(self) -> np.ndarray:
        """Middle of the saddle's top, metres, shape (3,)."""
        rise = self.saddle - self.cranks[2]
        return np.array((-rise / math.tan(math.radians(72.5)), 0.0, self.saddle))

    def pedal(self, angle: float) -> np.ndarray:
        """Centre of the crank's end, y 0; ``angle`` degrees from +X, down being positive."""
        turn = math.radians(angle)
        return self.cranks + CRANK * np.array((math.cos(turn), 0.0, -math.sin(turn)))


CITY = Bicycle("frame_black", 0.93, 0.90, (0.24, 0.26, 1.06), step_through=True)
TREKKING = Bicycle("frame_blue", 0.97, 0.90, (0.41, 0.28, 1.02))
RACE = Bicycle("frame_red", 1.0, 0.88, (0.52, 0.20, 0.93), 0.335, 0.013, False, False, True)


def bicycle(kind: Bicycle, crank_angle: float, *, stand: bool = False) -> Shape:
    """The bicycle with its right crank at an angle; ``stand`` lets down a kickstand."""
    parts = [*_wheel(kind, _REAR), *_wheel(kind, _FRONT), *_frame(kind), *_drive(kind, crank_angle)]
    parts += [*_handlebar(kind), _saddle(kind)]
    if kind.touring:
        parts += _touring(kind)
    if stand:
        parts.append(rod((-0.16, 0.05, 0.24), (-0.20, 0.20, 0.0), 0.009, "bicycle_metal", 5))
    return join(*parts)


def _wheel(kind: Bicycle, x: float) -> list[Shape]:
    hub = np.array((x, 0.0, kind.wheel))
    rim = kind.wheel - 2 * kind.tyre - 0.008
    parts = [
        ring(hub, kind.wheel - kind.tyre, (kind.tyre, kind.tyre), "tyre", segments=24),
        ring(hub, rim, (0.009, 0.010), "bicycle_metal", segments=24, sides=4),
        rod(hub - (0, 0.05, 0), hub + (0, 0.05, 0), 0.022, "bicycle_metal"),
    ]
    for spoke in range(10):
        turn = spoke * math.pi / 5 + 0.2
        end = hub + rim * np.array((math.cos(turn), 0.0, math.sin(turn)))
        side = np.array((0.0, 0.025 * (-1) ** spoke, 0.0))
        parts.append(rod(hub + side, end, 0.0022, "bicycle_metal", 3))
    return parts


def _frame(kind: Bicycle) -> list[Shape]:
    cranks, saddle, head = kind.cranks, kind.seat(), _head(kind, kind.head)
    neck = _head(kind, kind.head - 0.17)
    crown = _head(kind, kind.wheel * 2 + 0.025)
    post = cranks + 0.72 * (saddle - cranks)
    high = cranks + (0.42 if kind.step_through else 0.70) * (saddle - cranks)
    low = neck + (0.02, 0.0, 0.0) if kind.step_through else _head(kind, kind.head - 0.04)
    parts = [
        rod(cranks, post, 0.017, kind.frame),
        rod(post, saddle - (0.0, 0.0, 0.04), 0.013, "bicycle_metal"),
        rod(cranks, neck, 0.020, kind.frame),
        rod(high, low, 0.017, kind.frame),
        rod(crown, head, 0.021, kind.frame),
    ]
    for y in (-0.055, 0.055):
        rear, front = (_REAR, y, kind.wheel), (_FRONT, y, kind.wheel)
        parts += [
            rod((cranks[0], y * 0.7, cranks[2]), rear, 0.010, kind.frame, 5),
            rod((post[0], y * 0.4, post[2]), rear, 0.009, kind.frame, 5),
            sweep([(crown[0], y * 0.8, crown[2]), (_FRONT - 0.045, y, kind.wheel + 0.12), front],
                  [0.014, 0.012, 0.009], kind.frame, sides=5, across=(0, 1, 0)),
        ]  # fmt: skip
    return parts


def _head(kind: Bicycle, z: float) -> np.ndarray:
    """The point of the steering axis at that height."""
    return np.array((_FRONT - 0.05 - (z - kind.wheel) / math.tan(math.radians(71.0)), 0.0, z))


def _drive(kind: Bicycle, crank_angle: float) -> list[Shape]:
    centre = kind.cranks
    disc = rod(centre - (0, 0.055, 0), centre - (0, 0.045, 0), 0.085, "bicycle_metal", 16)
    parts = [disc, rod(centre - (0, 0.09, 0), centre + (0, 0.09, 0), 0.016, "bicycle_metal")]
    for z, sprocket in ((0.083, 0.04), (-0.083, -0.04)):
        start = (centre[0], -0.05, centre[2] + z)
        parts.append(rod(start, (_REAR, -0.05, kind.wheel + sprocket), 0.006, "tyre", 4))
    for y, angle in ((-0.085, crank_angle), (0.085, crank_angle + 180.0)):
        end = kind.pedal(angle) + (0.0, y, 0.0)
        parts.append(rod(centre + (0, y, 0), end, 0.012, "bicycle_metal", 5))
        out = math.copysign(0.10, y)
        low, high = sorted((y, y + out))
        parts.append(box((end[0] - 0.045, low, end[2] - 0.012),
                         (end[0] + 0.045, high, end[2] + 0.012), "tyre"))  # fmt: skip
    return parts


def _handlebar(kind: Bicycle) -> list[Shape]:
    """Stem and bar; grips where the hands hold."""
    x, out, z = kind.grips
    top = _head(kind, kind.head)
    if kind.drops:
        ahead = top + (0.08, 0.0, 0.01)
        bar = [rod(top - (0, 0, 0.02), ahead, 0.014, "bicycle_metal"),
               rod(ahead - (0, out, 0), ahead + (0, out, 0), 0.013, "tyre")]  # fmt: skip
        for y in (-out, out):
            curve: list[Point] = [
                ahead + (0, y, 0), (x - 0.02, y, z - 0.005), (x + 0.03, y, z - 0.05),
                (x + 0.01, y, z - 0.12), (x - 0.09, y, z - 0.14),
            ]  # fmt: skip
            bar.append(sweep(curve, [0.014] * 5, "tyre", sides=5, across=(0, 1, 0)))
            bar.append(rod((x - 0.01, y, z - 0.01), (x + 0.05, y, z + 0.045), 0.017, "tyre", 5))
        return bar
    clamp = np.array((top[0] + 0.02, 0.0, z - 0.03))
    bar = [rod(top - (0, 0, 0.02), clamp, 0.013, "bicycle_metal")]
    for side in (-1.0, 1.0):
        bend = (clamp[0] + 0.01, side * out * 0.6, z)
        end = (x - 0.05, side * (out + 0.02), z)
        bar.append(sweep([clamp, bend, (x + 0.07, side * out, z), end], [0.011] * 4,
                         "bicycle_metal", sides=5, across=(0, 0, 1)))  # fmt: skip
        bar.append(rod((x + 0.06, side * out, z), end, 0.018, "tyre"))
    return bar


def _saddle(kind: Bicycle) -> Shape:
    x, _, z = kind.seat()
    path = [(x - 0.13, 0, z - 0.03), (x - 0.09, 0, z - 0.025), (x + 0.02, 0, z - 0.028),
            (x + 0.14, 0, z - 0.03)]  # fmt: skip
    wide = 0.065 if kind.drops else 0.09
    radii = [(wide * 0.8, 0.018), (wide, 0.026), (0.04, 0.024), (0.018, 0.015)]
    return sweep(path, radii, "tyre", sides=6, across=(0, 1, 0))


def _touring(kind: Bicycle) -> list[Shape]:
    """Mudguards, rack and lamps."""
    cover = kind.wheel + 0.016
    rack = kind.wheel * 2 + 0.06
    parts = [
        ring((_REAR, 0, kind.wheel), cover, (0.004, 0.028), kind.frame, segments=10,
             arc=(15.0, 195.0)),
        ring((_FRONT, 0, kind.wheel), cover, (0.004, 0.028), kind.frame, segments=9,
             arc=(60.0, 200.0)),
        box((_REAR - 0.22, -0.065, rack), (_REAR + 0.20, 0.065, rack + 0.018), "frame_black"),
        box((_REAR - 0.25, -0.03, rack - 0.01), (_REAR - 0.22, 0.03, rack + 0.03), "taillight"),
    ]  # fmt: skip
    for y in (-0.06, 0.06):
        parts.append(rod((_REAR, y, kind.wheel), (_REAR - 0.10, y, rack), 0.006, "frame_black", 4))
    lamp = _head(kind, kind.head - 0.08) + (0.05, 0.0, 0.0)
    parts.append(rod(lamp, lamp + (0.06, 0.0, 0.0), 0.032, "headlight", 8))
    return parts
