"""A car's or van's body from its outline: lower body, cabin with windows, fittings. No bpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shapes import COLOUR, Shape, box, join, tube
from .cabin import Cabin, cabin
from .fittings import aerial, handle, mirrors, plate, rails
from .loft import Cell, deck, plan, ring, smoothed
from .wheels import disc, wheels

_GAP = 0.018  # width of the gap beside a door, metres
_ROWS = 10


@dataclass(frozen=True)
class Body:
    """Outline of a vehicle; s is metres behind its foremost point, z metres above the ground.

    Attributes:
        length, width, height: metres, without mirrors, plates, rails and aerial.
        axles: s of the front and the rear axle.
        wheel: radius of the tyres.
        clearance: height of the sills.
        nose: (z, s) of the front in the middle, upward.
        tail: (z, metres ahead of the rearmost point) of the rear in the middle, upward.
        shoulder: (s, z) of the line over bonnet, under the windows and over the boot.
        cabin: the part above the shoulder.
        split: z of the bumpers' upper edge: front, rear.
        head_lamp, tail_lamp: between which z.
        lamp_from: fraction of the half width at which lamps begin: front, rear.
        lamp_reach: metres that lamps reach round the corner from the ends: front, rear.
        plates: z of the number plates: front, rear.
        doors: s of the gaps beside the doors.
        square: exponents of the corners seen from above: front, rear.
        grille: fraction of the half width, and whether it reaches below the lamps and has a bright
            upper edge.
        intake: fraction of the half width of the opening in the front bumper.
        cladding: surface of sills, arches and bumpers' lower parts.
        rear_deck: surface of what lies behind the cabin.
        rails: surface of the roof rails, or none.
        mirror: size of a mirror along x, y and z.
        aerial: whether a rod stands on the roof.
        handles: surface of the door handles.
    """

    length: float
    width: float
    height: float
    axles: tuple[float, float]
    wheel: float
    clearance: float
    nose: tuple[tuple[float, float], ...]
    tail: tuple[tuple[float, float], ...]
    shoulder: tuple[tuple[float, float], ...]
    cabin: Cabin
    split: tuple[float, float]
    head_lamp: tuple[float, float]
    tail_lamp: tuple[float, float]
    plates: tuple[float, float]
    doors: tuple[float, ...]
    lamp_from: tuple[float, float] = (0.58, 0.66)
    lamp_reach: tuple[float, float] = (0.42, 0.2)
    square: tuple[float, float] = (2.7, 3.4)
    grille: tuple[float, bool] = (0.5, False)
    intake: float = 0.66
    cladding: str = COLOUR
    rear_deck: str = COLOUR
    rails: str = ""
    mirror: tuple[float, float, float] = (0.13, 0.19, 0.14)
    aerial: bool = True
    handles: str = COLOUR

    def shoulder_at(self, s: np.ndarray) -> np.ndarray:
        return smoothed(s, self.shoulder, 0.1)

    def nose_at(self, z: np.ndarray | float) -> np.ndarray:
        return _line(self.nose, z)

    def tail_at(self, z: np.ndarray | float) -> np.ndarray:
        return self.length - _line(self.tail, z)

    @property
    def arch(self) -> float:
        """Radius of the wheel arches."""
        return self.wheel + 0.05


def _line(points: tuple[tuple[float, float], ...], z: np.ndarray | float) -> np.ndarray:
    zs, values = zip(*points, strict=True)
    return np.interp(z, zs, values)


def car(body: Body) -> Shape:
    """The finished shape of a body, its front towards +X, origin under its middle."""
    parts = [_lower(body), _underside(body)]
    parts += [cabin(body.cabin, body.width, body.height, body.shoulder_at), _fittings(body)]
    parts += wheels(body.axles, body.wheel, 0.965 * body.width / 2)
    return join(*parts).on_base()


def _stations(body: Body) -> np.ndarray:
    """s of the side's cross-sections: the corners' ends, wheel arches, door gaps."""
    first = min(body.axles[0] - body.arch - 0.03, 0.55)
    last = max(body.axles[1] + body.arch + 0.03, body.length - 0.5)
    marks = [first, last, body.cabin.screen[0][1], body.cabin.screen[0][1] + 0.3]
    marks += [body.cabin.back[0][1], body.cabin.back[0][1] - 0.2]
    for axle in body.axles:
        marks += list(axle + body.arch * np.cos(np.linspace(0, np.pi, 9)))
        marks += [axle - body.arch - 0.012, axle + body.arch + 0.012]
    for gap in body.doors:
        marks += [gap, gap + _GAP]
    bonnet = np.linspace(first, body.cabin.screen[0][1], 4)
    marks += list(bonnet[1:-1])
    kept = np.unique(np.round(np.clip(marks, first, last), 4))
    return kept[np.append(True, np.diff(kept) > 0.004)]


def _levels(body: Body, s: np.ndarray) -> np.ndarray:
    """Heights of the rows at s (C columns of the outline), R x C."""
    c = body.clearance
    front = [c + 0.04, c + 0.13, (c + 0.13 + body.split[0]) / 2 + 0.03, body.split[0] - 0.008,
             body.split[0] + 0.008, body.head_lamp[0], sum(body.head_lamp) / 2,
             body.head_lamp[1]]  # fmt: skip
    rear = [c + 0.05, c + 0.14, (c + 0.14 + body.split[1]) / 2, body.split[1] - 0.008,
            body.split[1] + 0.008, body.tail_lamp[0],
            body.tail_lamp[0] + 0.6 * (body.tail_lamp[1] - body.tail_lamp[0]),
            body.tail_lamp[1]]  # fmt: skip
    middle = [c, c + 0.09]
    ends = (0.45, body.length - 0.45)
    rows = []
    for k, (a, b) in enumerate(zip(front, rear, strict=True)):
        if k < 2:
            knots = (0.0, 0.2, 0.8, body.length - 0.8, body.length - 0.2, body.length)
            rows.append(np.interp(s, knots, (a, a, middle[k], middle[k], b, b)))
        else:
            rows.append(np.interp(s, ends, (a, b)))
    shoulder = body.shoulder_at(s)
    for k, row in enumerate(rows):
        rows[k] = np.minimum(row, shoulder - 0.035 - 0.006 * (8 - k))
    rows += [shoulder - 0.03, shoulder]
    z = np.stack(rows)
    for axle in body.axles:
        near = body.arch**2 - (s - axle) ** 2
        arch = np.where(near > -1e-6, body.wheel + np.sqrt(np.clip(near, 0, None)), 0)
        z = np.maximum(z, arch + 0.005 * np.arange(_ROWS)[:, None])
    return z


def _half(body: Body, z: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Half the width at heights z (R x S): bulging at the middle, drawn in at the shoulder."""
    bottom, top = body.clearance, body.shoulder_at(s)
    t = (z - bottom) / (top - bottom)
    wide = np.interp(t, [0.0, 0.12, 0.35, 0.55, 0.8, 1.0], [0.93, 0.965, 0.99, 1.0, 0.99, 0.965])
    wide[-2], wide[-1] = 0.952, 0.905
    return wide * body.width / 2


def _lower(body: Body) -> Shape:
    """Bumpers, wings, doors, bonnet and boot: everything below the windows."""
    sides = _stations(body)
    level = _levels(body, sides)
    ends = _levels(body, np.array([0.0, body.length]))
    half = _half(body, level, sides)
    s, y = plan(body.nose_at(ends[:, 0]), body.tail_at(ends[:, 1]), half,
                np.broadcast_to(sides, level.shape), body.square)  # fmt: skip
    z = np.stack([_levels(body, s[k])[k] for k in range(_ROWS)])
    raised = z[0] > body.clearance + 0.06

    def surface(cell: Cell) -> str:
        in_arch = cell.end == "side" and bool(raised[cell.column : cell.column + 2].any())
        return _surface(body, cell, in_arch)

    walls = ring(s, y, z, surface)
    start, stop = body.cabin.screen[0][1], body.cabin.back[0][1]
    top = deck(
        s[-1], half[-1], body.shoulder_at, 0.045,
        lambda at: body.rear_deck if at > stop + 0.12 else COLOUR,
        lambda at: at < start + 0.32 or at > stop - 0.22,
    )  # fmt: skip
    return join(walls, top)


def _surface(body: Body, cell: Cell, in_arch: bool) -> str:
    row = cell.row
    if cell.end == "side":
        if any(gap < cell.s < gap + _GAP for gap in body.doors) and 0 < row < 8:
            return "plastic"
        if row == 0 and not in_arch:
            return "plastic"
        if row <= 1:
            return body.cladding
        if 5 <= row <= 6 and cell.s < body.lamp_reach[0]:
            return "lens"
        if 5 <= row <= 6 and cell.s > body.length - body.lamp_reach[1]:
            return "taillight_dark" if row == 5 else "taillight"
        return COLOUR
    if row in (0, 3):  # the lower edge, and the gap over the bumper
        return "plastic"
    if cell.end == "front":
        return _front(body, row, cell.f, cell.s)
    return _rear(body, row, cell.f, cell.s)


def _front(body: Body, row: int, f: float, s: float) -> str:
    wide, low = body.grille
    if row == 1:
        return "grille" if f < body.intake else body.cladding
    if row == 2:
        return COLOUR
    if f < wide and (row in (5, 6) or (low and row in (4, 5, 6))):
        return "chrome" if row == 6 and low else "grille"
    if row in (5, 6) and f > body.lamp_from[0] and s < body.lamp_reach[0]:
        return "headlight" if row == 5 and 0.7 < f < 0.92 else "lens"
    return COLOUR


def _rear(body: Body, row: int, f: float, s: float) -> str:
    if row == 1:
        return body.cladding
    if row in (5, 6) and f > body.lamp_from[1] and s > body.length - body.lamp_reach[1]:
        return "taillight_dark" if row == 5 else "taillight"
    return COLOUR


def _underside(body: Body) -> Shape:
    inner = body.width / 2 - 0.235
    first, last = body.axles[0] - body.arch + 0.02, body.axles[1] + body.arch - 0.02
    top = min(body.wheel + body.arch, float(body.shoulder_at(np.array(first)) - 0.08))
    low = body.clearance + 0.01
    wide = 0.9 * body.width / 2
    gap = body.axles[0] + body.arch + 0.02, body.axles[1] - body.arch - 0.02
    return join(
        box((-last, -inner, low), (-first, inner, top), "underbody"),
        box((-gap[1], -wide, low), (-gap[0], wide, low + 0.2), "underbody"),
        box((-body.length + 0.12, -inner, low + 0.06), (-last, inner, low + 0.3), "underbody"),
        box((-first, -inner, low + 0.06), (-0.15, inner, low + 0.3), "underbody"),
    )


def _fittings(body: Body) -> Shape:
    """Mirrors, plates, badges, handles, brake lamp, aerial, rails."""
    front, rear = body.plates
    roof = body.cabin
    half = body.width / 2
    at = roof.screen[0][1] + roof.bulge[0] + 0.14
    base = float(body.shoulder_at(np.array(at)))
    parts = [
        plate(float(body.nose_at(front)) - 0.004, front, rear=False),
        plate(float(body.tail_at(rear)) + 0.004, rear, rear=True),
        mirrors(at, half * 0.9, base + 0.03, body.mirror),
        disc((-float(body.nose_at(body.head_lamp[1])) + 0.03, 0, sum(body.head_lamp) / 2 + 0.01),
             0.055, "x", "chrome"),
        disc((-float(body.tail_at(body.plates[1] + 0.13)) - 0.02, 0, body.plates[1] + 0.13),
             0.045, "-x", "chrome"),
    ]  # fmt: skip
    pipe, low = body.length - 0.07, body.clearance + 0.01
    parts.append(tube([(-pipe, half * 0.5, low + 0.03), (-pipe + 0.2, half * 0.5, low + 0.03)],
                      [0.028, 0.028], "metal", sides=8, axis="x"))  # fmt: skip
    for gap in body.doors[1:]:
        z = float(body.shoulder_at(np.array(gap))) - 0.12
        parts.append(handle(gap - 0.15, half * 0.99, z, body.handles))
    if body.aerial:
        s = roof.back[-1][1] - 0.12
        parts.append(aerial(s, roof.top_at(np.array(s), body.height)))
    if body.rails:
        s0, s1 = roof.screen[-1][1] + roof.bulge[0] * 0.7, roof.back[-1][1] - 0.15
        heights = roof.edge_at(np.linspace(s0, s1, 5), body.height) + 0.012
        parts.append(rails(s0, s1, half * roof.width - 0.1, heights, body.rails))
    return join(*parts)
