"""Shapes of cars and vans: one lofted body with parameters, and a box truck. No bpy.

In the parameters x runs from the foremost point rearward and z up from the ground; the finished
shape has its front towards +X and its origin under its middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .shapes import COLOUR, Shape, box, grid, join, polygons, tube

CAR_COLOURS = ("white", "silver", "grey", "black", "blue", "red", "green", "beige")
CAR_MODELS = ("hatchback", "saloon", "estate", "suv")
VAN_MODELS = ("van", "truck")

# Fractions of the half width at which bonnet, bumpers and screens are divided.
_ACROSS = np.array([-1.0, -0.66, -0.3, 0.3, 0.66, 1.0])
_SCREEN = np.array([-1.0, -0.9, -0.3, 0.3, 0.9, 1.0])
_END = 0.4  # metres over which the rounding of an end fades


@dataclass(frozen=True)
class Body:
    """Outline of a vehicle, metres; length, width and height bound the finished shape exactly.

    Attributes:
        shoulder: (x, z) of the line under the windows, over the bonnet and the boot.
        screen: x of the windscreen's base and of the roof's front.
        tail: x of the roof's end and of the rear window's base.
        windows: intervals of glass along the side, as fractions of the cabin.
        roof_width: fraction of the body's width at the roof.
        lamp_height: heights (z) between which the lamps lie: front, rear.
    """

    length: float
    width: float
    height: float
    axles: tuple[float, float]
    wheel: float
    clearance: float
    shoulder: tuple[tuple[float, float], ...]
    screen: tuple[float, float]
    tail: tuple[float, float]
    windows: tuple[tuple[float, float], ...]
    roof_width: float = 0.74
    lamp_height: tuple[float, float] = (0.56, 0.66)
    taper: float = 0.13
    cladding: str = COLOUR
    rails: bool = False
    rear_glass: bool = True

    def shoulder_at(self, x: np.ndarray | float) -> np.ndarray:
        xs, zs = zip(*self.shoulder, strict=True)
        return np.interp(x, xs, zs)

    def half_width(self, x: np.ndarray | float) -> np.ndarray:
        """Half the width in plan: rounded towards both ends."""
        end = np.minimum(x, self.length - np.asarray(x))
        return self.width / 2 * (1 - self.taper * np.clip(1 - end / 0.6, 0, 1) ** 2)


HATCHBACK = Body(
    length=4.08, width=1.74, height=1.48, axles=(0.82, 3.38), wheel=0.31, clearance=0.19,
    shoulder=((0.0, 0.70), (0.25, 0.80), (1.05, 0.97), (3.4, 1.02), (3.95, 1.0), (4.08, 0.93)),
    screen=(1.0, 1.78), tail=(3.42, 3.88), windows=((0.1, 0.45), (0.49, 0.77), (0.8, 0.9)),
    lamp_height=(0.57, 0.70),
)  # fmt: skip
SALOON = Body(
    length=4.52, width=1.78, height=1.42, axles=(0.82, 3.54), wheel=0.32, clearance=0.17,
    shoulder=((0.0, 0.66), (0.25, 0.76), (1.3, 0.93), (3.5, 0.99), (4.35, 1.0), (4.52, 0.93)),
    screen=(1.25, 2.05), tail=(3.12, 3.82), windows=((0.1, 0.46), (0.5, 0.8)),
    lamp_height=(0.55, 0.68), roof_width=0.70,
)  # fmt: skip
ESTATE = Body(
    length=4.58, width=1.78, height=1.48, axles=(0.86, 3.54), wheel=0.32, clearance=0.17,
    shoulder=((0.0, 0.66), (0.25, 0.77), (1.25, 0.94), (3.6, 0.99), (4.5, 0.98), (4.58, 0.92)),
    screen=(1.2, 2.0), tail=(4.15, 4.44), windows=((0.08, 0.34), (0.37, 0.62), (0.65, 0.94)),
    lamp_height=(0.56, 0.64), rails=True,
)  # fmt: skip
SUV = Body(
    length=4.44, width=1.84, height=1.68, axles=(0.84, 3.52), wheel=0.36, clearance=0.24,
    shoulder=((0.0, 0.86), (0.2, 0.96), (1.15, 1.08), (3.6, 1.14), (4.35, 1.12), (4.44, 1.05)),
    screen=(1.08, 1.75), tail=(3.88, 4.28), windows=((0.08, 0.38), (0.42, 0.7), (0.74, 0.93)),
    lamp_height=(0.70, 0.78), roof_width=0.78, taper=0.1, cladding="plastic", rails=True,
)  # fmt: skip
VAN = Body(
    length=4.95, width=1.95, height=1.97, axles=(0.9, 3.9), wheel=0.33, clearance=0.20,
    shoulder=((0.0, 0.82), (0.2, 0.95), (0.85, 1.14), (4.9, 1.16), (4.95, 1.12)),
    screen=(0.68, 1.5), tail=(4.78, 4.92), windows=((0.05, 0.22), (0.26, 0.5)),
    lamp_height=(0.62, 0.70), roof_width=0.86, taper=0.07,
)  # fmt: skip

BODIES = {
    "hatchback": HATCHBACK, "saloon": SALOON, "estate": ESTATE, "suv": SUV, "van": VAN,
}  # fmt: skip


def vehicle(model: str) -> Shape:
    """The shape of a car or van model, front towards +X, origin under its middle."""
    return _truck() if model == "truck" else _body(BODIES[model])


def _body(body: Body) -> Shape:
    parts = [_lower(body), _cabin(body), _details(body)]
    parts += _wheels(body.axles, body.wheel, float(body.width / 2))
    shape = join(*parts)
    turned = replace(shape, vertices=shape.vertices * (-1, 1, 1)).on_base()
    return turned.scaled((body.length, body.width, body.height) / turned.size)


def _stations(body: Body) -> np.ndarray:
    """x of the body's cross-sections: shoulder corners, wheel arches, door gaps."""
    length = body.length
    marks = [0.0, 0.08, 0.16, 0.27, _END, length - _END, length - 0.27]
    marks += [length - 0.16, length - 0.08, length]
    marks += [x for x, _ in body.shoulder] + [body.screen[0], body.tail[1]]
    for axle in body.axles:
        reach = _arch(body)
        marks += list(axle + reach * np.cos(np.linspace(0, np.pi, 9)))
        marks += [axle - reach - 0.012, axle + reach + 0.012]
    for gap in _door_gaps(body):
        marks += [gap, gap + 0.022]
    return np.unique(np.round(np.clip(marks, 0, length), 4))


def _arch(body: Body) -> float:
    return body.wheel + 0.055


def _door_gaps(body: Body) -> list[float]:
    """x of the gaps beside the doors: where the window pillars meet the shoulder."""
    start, end = body.screen[0], body.tail[1]
    edges = [(body.windows[0][0] + 0.02)]
    inner = list(body.windows)[:2]
    edges += [(a[1] + b[0]) / 2 for a, b in zip(inner, inner[1:], strict=False)]
    return [start + (end - start) * u for u in edges]


def _lower(body: Body) -> Shape:
    """Bonnet, sides, boot and bumpers: everything below the windows."""
    x = _stations(body)
    front = np.clip(1 - x / _END, 0, 1)
    rear = np.clip(1 - (body.length - x) / _END, 0, 1)
    shoulder = body.shoulder_at(x)
    sill = np.full_like(x, body.clearance)
    for axle in body.axles:
        near = _arch(body) ** 2 - (x - axle) ** 2
        sill = np.where(near > -1e-6, body.wheel + np.sqrt(np.clip(near, 0, None)), sill)
    lamp = np.interp(x, [0.3, body.length - 0.3], body.lamp_height)
    lamp = np.clip(lamp, sill + 0.03, shoulder - 0.03)
    crease = np.clip(body.clearance + 0.22, sill + 0.015, lamp - 0.01)
    levels = np.stack([sill, crease, lamp, shoulder])  # 4 x S
    bulge = 0.15 * front - 0.07 * rear
    retreat = np.outer([0.05, 0.0, 0.035, 0.13], front) - np.outer([0.03, 0, 0.01, 0.05], rear)
    side_x = x + np.outer([1, 1, 1, 1], bulge) + retreat
    half = body.half_width(x) * np.array([0.955, 0.99, 1.0, 0.93])[:, None]
    left = np.stack([side_x, half, levels], axis=-1)  # 4 x S x 3

    gaps = _door_gaps(body)
    table = [["", "", ""] for _ in x[:-1]]
    for i, middle in enumerate((x[:-1] + x[1:]) / 2):
        cut = any(g < middle < g + 0.022 for g in gaps)
        lower = body.cladding if sill[i] < 0.5 or sill[i + 1] < 0.5 else COLOUR
        arch = max(sill[i], sill[i + 1]) > body.clearance + 1e-6
        table[i] = [
            "plastic" if cut else (body.cladding if arch else lower),
            "plastic" if cut else COLOUR,
            "plastic" if cut else COLOUR,
        ]
        if middle < 0.09:
            table[i][2] = "headlight"
        if middle > body.length - 0.17:
            table[i][2] = "taillight"
    side_table = [[table[s][level] for s in range(len(x) - 1)] for level in range(3)]
    sides = grid(left, side_table)

    across = _ACROSS
    crown = 0.05 * np.minimum(1, np.minimum(x, body.length - x) / _END)
    round_off = (1 - across**2)[None, :]
    top = np.stack(
        [
            side_x[3][:, None] - bulge[:, None] * round_off,
            half[3][:, None] * across,
            shoulder[:, None] + crown[:, None] * round_off,
        ],
        axis=-1,
    )
    parts = [sides, sides.mirrored(), grid(top, COLOUR)]
    for end, names in ((0, _front_surfaces(body)), (-1, _rear_surfaces(body))):
        points = np.stack(
            [
                side_x[:, end][:, None] - bulge[end] * round_off,
                half[:, end][:, None] * across,
                np.broadcast_to(levels[:, end][:, None], (4, len(across))),
            ],
            axis=-1,
        )
        parts.append(grid(points, names))
    return join(*parts)


def _front_surfaces(body: Body) -> list[list[str]]:
    grille = ["headlight", COLOUR, "grille", COLOUR, "headlight"]
    intake = [body.cladding, "grille", "grille", "grille", body.cladding]
    return [intake, [COLOUR] * 5, grille]


def _rear_surfaces(body: Body) -> list[list[str]]:
    lamps = ["taillight", COLOUR, COLOUR, COLOUR, "taillight"]
    return [["plastic"] * 5, [COLOUR] * 5, lamps]


def _cabin(body: Body) -> Shape:
    """Screens, side windows with their pillars, and roof."""
    base_x, roof_x = (body.screen[0], body.tail[1]), (body.screen[1], body.tail[0])
    roof_z, crown = body.height - 0.09, 0.09
    u = np.unique([0.0, 1.0, *(edge for window in body.windows for edge in window)])
    v = np.array([0.0, 0.08, 0.86, 1.0])
    low_x = base_x[0] + (base_x[1] - base_x[0]) * u
    low = np.stack([low_x, body.half_width(low_x) * 0.92, body.shoulder_at(low_x) - 0.01], -1)
    high_x = roof_x[0] + (roof_x[1] - roof_x[0]) * u
    roof_half = body.roof_width * body.width / 2
    high = np.stack([high_x, np.full_like(u, roof_half), np.full_like(u, roof_z)], -1)
    points = low + (high - low) * v[:, None, None]
    glass = ["glass" if any(a <= m <= b for a, b in body.windows) else COLOUR
             for m in (u[:-1] + u[1:]) / 2]  # fmt: skip
    side = grid(points, [[COLOUR] * len(glass), glass, [COLOUR] * len(glass)])
    parts = [side, side.mirrored()]

    round_off = 1 - _SCREEN**2
    bulges = ((0.14, 0.06), (-0.07, -0.04))  # forward at the windscreen, rearward at the tail
    for end, (low_bulge, high_bulge) in ((0, bulges[0]), (-1, bulges[1])):
        bottom = np.stack(
            [low[end, 0] - low_bulge * round_off, low[end, 1] * _SCREEN,
             np.full(6, low[end, 2])], -1)  # fmt: skip
        top = np.stack(
            [high[end, 0] - high_bulge * round_off, roof_half * _SCREEN,
             roof_z + 0.5 * crown * round_off], -1)  # fmt: skip
        sheet = bottom + (top - bottom) * np.array([0.0, 0.1, 0.92, 1.0])[:, None, None]
        pane = [COLOUR, "glass", "glass", "glass", COLOUR]
        if end == -1 and not body.rear_glass:
            pane = [COLOUR] * 5
        parts.append(grid(sheet, [[COLOUR] * 5, pane, [COLOUR] * 5]))
    along = np.array([0.0, 0.12, 0.5, 0.85, 1.0])
    shift = bulges[0][1] + (bulges[1][1] - bulges[0][1]) * along
    arch = crown * np.array([0.5, 0.88, 1.0, 0.85, 0.5])
    roof = np.stack(
        [
            (roof_x[0] + (roof_x[1] - roof_x[0]) * along)[:, None] - np.outer(shift, round_off),
            np.broadcast_to(roof_half * _SCREEN, (5, 6)),
            roof_z + np.outer(arch, round_off),
        ],
        axis=-1,
    )
    parts.append(grid(roof, COLOUR))
    if body.rails:
        first, last = roof_x[0] + 0.25, roof_x[1] - 0.1
        rail = box((first, roof_half - 0.08, roof_z + 0.04),
                   (last, roof_half - 0.05, roof_z + 0.08), "plastic")  # fmt: skip
        parts += [rail, rail.mirrored()]
    return join(*parts)


def _details(body: Body) -> Shape:
    """Mirrors, number plates, handles and the dark underside."""
    half = body.width / 2
    mirror_x = body.screen[0] + 0.42
    mirror_z = float(body.shoulder_at(mirror_x)) + 0.03
    mirror = box((mirror_x, half - 0.1, mirror_z), (mirror_x + 0.09, half + 0.05, mirror_z + 0.13),
                 COLOUR)  # fmt: skip
    inner = half - 0.25
    belly = box((0.45, -inner, body.clearance), (body.length - 0.3, inner, 0.6), "tyre")
    low = body.clearance + 0.2
    parts = [mirror, mirror.mirrored(), belly]
    parts.append(_plate(-0.012, low, -0.01))
    tall = body.tail[1] - body.tail[0] < 0.4 or body.tail[1] > body.length - 0.2
    rear_z = body.lamp_height[1] + (0.04 if tall else 0.07)
    parts.append(_plate(body.length + 0.062, rear_z, 0.012))
    return join(*parts)


def _plate(x: float, z: float, depth: float) -> Shape:
    """A European number plate, 0.52 x 0.11 m, with a dark surround."""
    inward = x - math.copysign(0.05, depth)
    edge = box((inward, -0.28, z - 0.015), (x, 0.28, z + 0.125), "plastic")
    face = box((x, -0.26, z), (x + depth, 0.26, z + 0.11), "plate")
    return join(edge, face)


def _wheels(axles: Sequence[float], radius: float, half: float) -> list[Shape]:
    parts = []
    for axle in axles:
        outer, inner = half * 0.975, half * 0.975 - 0.2
        tyre = tube([(axle, inner, radius), (axle, outer - 0.02, radius), (axle, outer, radius)],
                    [radius, radius, radius * 0.94], "tyre", sides=20, axis="y")  # fmt: skip
        angle = np.arange(20) * (2 * math.pi / 20)
        ring = np.stack([axle + np.cos(angle), np.full(20, outer + 0.004), np.sin(angle)], -1)
        rim = [(0.66 * (p - (axle, 0, 0)) * (radius, 1 / 0.66, radius)) + (axle, 0, radius)
               for p in ring]  # fmt: skip
        centre = [(axle, outer + 0.006, radius)]
        spokes = [(i, (i + 1) % 20, 20) for i in range(20)]
        names = ["tyre" if i % 4 == 3 else "rim" for i in range(20)]
        wheel = join(tyre, polygons(np.array(rim + centre), spokes, names))
        parts += [wheel, wheel.mirrored()]
    return parts


def _truck() -> Shape:
    """A lorry with a box body, 7.4 m long."""
    width, height, length = 2.35, 3.2, 7.4
    half = width / 2
    cab = _cab(half)
    cargo = box((1.95, -half, 0.95), (length, half, height), "cargo")
    doors = [box((length, y - 0.015, 1.0), (length + 0.01, y + 0.015, height - 0.06), "plastic")
             for y in (-half + 0.08, 0.0, half - 0.08)]  # fmt: skip
    frame = box((0.4, -0.55, 0.55), (length - 0.15, 0.55, 0.95), "tyre")
    tank = box((2.6, -half + 0.06, 0.45), (4.6, half - 0.06, 0.85), "plastic")
    bumper = box((length - 0.25, -half + 0.05, 0.45), (length + 0.02, half - 0.05, 0.62), "plastic")
    lamps = [box((length - 0.1, y - 0.18, 0.64), (length + 0.02, y + 0.18, 0.78), "taillight")
             for y in (-half + 0.3, half - 0.3)]  # fmt: skip
    parts = [cab, cargo, frame, tank, bumper, *doors, *lamps, _plate(length + 0.03, 0.47, 0.01)]
    parts += _wheels((1.05, 5.7), 0.47, half)
    shape = join(*parts)
    return replace(shape, vertices=shape.vertices * (-1, 1, 1)).on_base()


def _cab(half: float) -> Shape:
    """The lorry's cab: rows upward, columns across; a slanted windscreen."""
    heights = np.array([0.45, 0.75, 1.0, 1.55, 2.4, 2.65])
    front = np.array([0.02, 0.0, 0.0, 0.03, 0.28, 0.42])
    widths = half * np.array([0.95, 0.97, 0.97, 0.97, 0.95, 0.9])
    points = np.stack(
        [
            np.repeat(front[:, None], 6, axis=1),
            widths[:, None] * _SCREEN,
            np.repeat(heights[:, None], 6, axis=1),
        ],
        axis=-1,
    )
    points[:, :, 0] += 0.06 * _SCREEN**2
    plain = [COLOUR] * 5
    lamps = ["headlight", "plastic", "plastic", "plastic", "headlight"]
    lamps_row = [COLOUR, *lamps[1:4], COLOUR]
    wide = ["plastic" if name == COLOUR else name for name in lamps_row]
    face = grid(points, [wide, plain, plain, ["glass"] * 5, plain])
    lamp = [box((-0.01, y - 0.16, 0.76), (0.1, y + 0.16, 0.96), "headlight")
            for y in (-half * 0.72, half * 0.72)]  # fmt: skip
    along = np.array([0.0, 0.25, 0.75, 1.0])
    rear = 1.85
    side = np.stack(
        [
            (front[:, None] + 0.06) + (rear - front[:, None] - 0.06) * along,
            np.repeat(widths[:, None], 4, axis=1),
            np.repeat(heights[:, None], 4, axis=1),
        ],
        axis=-1,
    )
    window = [COLOUR, "glass", COLOUR]
    side_names = [[COLOUR] * 3] * 3 + [window, [COLOUR] * 3]
    flank = grid(side, side_names)
    roof = polygons(
        np.array([points[-1, 0], points[-1, -1], side[-1, -1] * (1, -1, 1), side[-1, -1]]),
        [(0, 1, 2, 3)], COLOUR)  # fmt: skip
    roof = replace(roof, vertices=np.array(
        [points[-1, 0], points[-1, -1], side[-1, -1], side[-1, -1] * (1, -1, 1)]))  # fmt: skip
    back = box((rear - 0.02, -half * 0.9, 0.9), (rear, half * 0.9, 2.65), COLOUR)
    arches = [box((0.6, s * half * 0.7 - 0.2, 0.5), (1.55, s * half * 0.7 + 0.2, 1.08), "tyre")
              for s in (-1, 1)]  # fmt: skip
    mirrors = [box((0.12, s * (half + 0.02) - 0.04, 1.55), (0.2, s * (half + 0.02) + 0.04, 2.2),
                   "plastic") for s in (-1, 1)]  # fmt: skip
    return join(face, flank, flank.mirrored(), roof, back, *lamp, *arches, *mirrors)
