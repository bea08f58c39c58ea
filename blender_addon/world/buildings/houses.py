"""Houses for one or two families, in metres; their fronts look along +x."""

from __future__ import annotations

import numpy as np

from ..shapes import COLOUR, Shape, box, join, polygons
from .fittings import balcony, bay_window, canopy, downpipe, steps
from .layout import BASE, DEPTH, Plan, centres, door, gate, window, windows
from .roofs import chimney, dormer, flat, gable, hip
from .walls import Opening, WindowStyle, block, sheet, turned

_HALF = DEPTH / 2
_PLAIN = WindowStyle(ledge=False)


def _entrance(y: float, *, width: float = 1.5, roof: bool = True) -> Shape:
    """Steps, and a small roof, before a door at y."""
    parts = [steps(width, BASE)]
    if roof:
        parts.append(canopy(width + 0.2, BASE + 2.25))
    return turned(join(*parts), 0, _HALF, y)


def _body(
    plan: Plan, style: WindowStyle, *, front: list[Opening] | None = None, flanks: int = 2
) -> tuple[Shape, float]:
    """Walls with windows all round and a door in the middle of the front; the door's y."""
    middle = plan.bays // 2
    at = centres(plan.width - 0.5, plan.bays)[middle]
    wide = plan.width - 0.5
    if front is None:
        front = [*windows(plan, style, width=wide, skip={(0, middle)}), door(at)]
    plain = WindowStyle(style.width, style.height, style.sill, frame=style.frame, ledge=False)
    sides = [windows(plan, plain, width=DEPTH, count=flanks) for _ in range(2)]
    rear = windows(plan, plain, width=wide)
    walls = block((-_HALF, _HALF), (-wide / 2, wide / 2), plan.eaves, front=front, rear=rear,
                  left=sides[0], right=sides[1])  # fmt: skip
    return walls, at


def gable_street(plan: Plan) -> Shape:
    """A tiled saddle roof along the street, shutters, two chimneys."""
    walls, at = _body(plan, WindowStyle(shutters="shutter_green"))
    wide = plan.width - 0.5
    roof = gable(DEPTH, wide, plan.eaves, 3.0)
    top = plan.eaves + 3.9
    pipe = turned(downpipe(-wide / 2 + 0.15, plan.eaves - 0.1), 0, _HALF, 0)
    return join(walls, roof, _entrance(at), pipe, chimney(-1.0, 0.22 * wide, plan.eaves + 1, top))


def gable_front(plan: Plan) -> Shape:
    """Its gable, with a window in it, towards the street."""
    walls, at = _body(plan, WindowStyle(width=1.2))
    wide = plan.width - 0.5
    rise = min(0.42 * wide, 4.2)
    roof = gable(wide, DEPTH, plan.eaves, rise, over=0.22, verge=0.4)
    attic = [sheet(-0.7, 0.7, plan.eaves + 0.35, plan.eaves + 0.35 + 0.4 * rise, 0.02, "frame")]
    for a, b in ((-0.62, -0.04), (0.04, 0.62)):
        low, high = plan.eaves + 0.43, plan.eaves + 0.27 + 0.4 * rise
        attic.append(sheet(a, b, low, high, 0.035, "window_sky" if a < 0 else "window"))
    stack = chimney(-1.5, 0.16 * wide, plan.eaves + 0.8, plan.eaves + rise + 0.7)
    return join(
        walls, turned(roof, 3, 0, 0), turned(join(*attic), 0, _HALF, 0), _entrance(at), stack
    )


def hipped(plan: Plan) -> Shape:
    """A hipped roof and plain windows with blinds."""
    walls, at = _body(plan, WindowStyle(width=1.3, panes=2))
    wide = plan.width - 0.5
    stack = chimney(0.6, -0.18 * wide, plan.eaves + 0.8, plan.eaves + 3.4)
    return join(walls, hip(DEPTH, wide, plan.eaves, 2.7, tiles="brown_tiles", side=0.25),
                _entrance(at), stack)  # fmt: skip


def half_timbered(plan: Plan) -> Shape:
    """Dark beams on the walls and gables, a steep roof."""
    style = WindowStyle(width=1.0, height=1.2, shutters="shutter_brown")
    walls, at = _body(plan, style)
    wide = plan.width - 0.5
    beams = [turned(_frame(plan, wide, plan.bays), 0, _HALF, 0),
             turned(_frame(plan, wide, plan.bays), 2, -_HALF, 0)]  # fmt: skip
    for quarters, y in ((1, wide / 2), (3, -wide / 2)):
        beams.append(turned(join(_frame(plan, DEPTH, 2), _gable_beams(plan.eaves, 4.0)),
                            quarters, 0, y))  # fmt: skip
    roof = gable(DEPTH, wide, plan.eaves, 4.0, tiles="brown_tiles")
    stack = chimney(-0.8, -0.2 * wide, plan.eaves + 2, plan.eaves + 4.9)
    return join(walls, *beams, roof, _entrance(at, roof=False), stack)


def _frame(plan: Plan, width: float, count: int) -> Shape:
    """Beams of a wall: a sill and a plate at each floor, posts between windows, corner braces."""
    half, parts = width / 2, []
    floors = [BASE + level * plan.floor for level in range(plan.storeys + 1)]
    for z in floors[1:] if plan.storeys > 1 else floors:
        parts.append(_beam(-half, half, z - 0.2, z))
    posts = [-half + 0.1, half - 0.1]
    posts += [(i / count - 0.5) * width for i in range(1, count)]
    for low, high in zip(floors, floors[1:], strict=False):
        parts += [_beam(y - 0.09, y + 0.09, low, high - 0.2) for y in posts]
        for sign in (-1, 1):
            outer = sign * (half - 0.2)
            inner = outer - sign * 0.55 * width / count / 2
            parts.append(_brace(outer, low, inner, high - 0.2))
    return join(*parts)


def _beam(y0: float, y1: float, z0: float, z1: float) -> Shape:
    return box((-0.03, y0, z0), (0.035, y1, z1), "dark_beam")


def _brace(y0: float, z0: float, y1: float, z1: float) -> Shape:
    """A slanting beam."""
    wide = 0.09 if y1 > y0 else -0.09
    points = [(y0 - wide, z0), (y0 + wide, z0), (y1 + wide, z1), (y1 - wide, z1)]
    if wide < 0:
        points = points[::-1]
    corners = np.array([(x, y, z) for x in (-0.03, 0.03) for y, z in points])
    faces = [(4, 5, 6, 7), (3, 2, 1, 0)]
    faces += [(i, (i + 1) % 4, 4 + (i + 1) % 4, 4 + i) for i in range(4)]
    return polygons(corners, faces, "dark_beam")


def _gable_beams(eaves: float, rise: float) -> Shape:
    """Beams of a gable over a wall as wide as the house is deep."""
    parts = []
    for share in (0.33, 0.62):
        half = _HALF * (1 - share) - 0.1
        parts.append(_beam(-half, half, eaves + share * rise - 0.09, eaves + share * rise + 0.09))
    parts.append(_beam(-0.1, 0.1, eaves, eaves + 0.93 * rise))
    for sign in (-1, 1):
        parts.append(_beam(sign * 1.7 - 0.08, sign * 1.7 + 0.08, eaves, eaves + 0.33 * rise))
        parts.append(_brace(sign * (_HALF - 0.35), eaves + 0.1, sign * 0.25, eaves + 0.9 * rise))
    return join(*parts)


def villa(plan: Plan) -> Shape:
    """A hipped slate roof with dormers, a columned porch and tall windows."""
    style = WindowStyle(width=1.1, height=1.65, sill=0.6, lintel="trim")
    walls, at = _body(plan, style)
    wide = plan.width - 0.5
    roof = hip(DEPTH, wide, plan.eaves, 3.3, tiles="slate", side=0.25)
    count = {3: 1, 5: 2, 7: 3}[plan.bays]
    parts = [walls, roof]
    for i, y in enumerate(centres(0.62 * wide, count)):
        glass = ("window_sky", "window")[i % 2]
        parts.append(dormer(3.6, y, plan.eaves + 0.45, tiles="slate", glass=glass, height=1.2,
                            width=1.35, depth=2.6))  # fmt: skip
    porch = [steps(2.2, BASE, count=3), box((0.0, -1.25, 2.75), (1.3, 1.25, 3.05), "trim")]
    for y in (-1.1, 1.1):
        porch.append(box((1.02, y - 0.11, 0.0), (1.24, y + 0.11, 2.76), "trim"))
    parts.append(turned(join(*porch), 0, _HALF, at))
    for y in (-0.25, 0.25):
        parts.append(chimney(-1.4, y * wide, plan.eaves + 0.8, plan.eaves + 3.9))
    return join(*parts)


def bungalow(plan: Plan) -> Shape:
    """Low and wide, under a shallow roof with deep eaves; a large living-room window."""
    style = WindowStyle(width=1.5, height=1.3, sill=0.8)
    wide = plan.width - 0.5
    places = centres(wide, plan.bays)
    middle = plan.bays // 2
    large = WindowStyle(width=2.0, height=1.9, sill=0.2, panes=3, ledge=False)
    front = [window(places[0], BASE + 0.2, large, plan.rng, "curtain"), door(places[middle])]
    front += windows(plan, style, width=wide, levels=(0,), skip={(0, 0), (0, middle)})
    walls, at = _body(plan, style, front=front)
    roof = hip(DEPTH, wide, plan.eaves, 1.9, over=0.8, side=0.25)
    stack = chimney(-0.5, 0.15 * wide, plan.eaves + 0.8, plan.eaves + 2.4)
    return join(walls, roof, _entrance(at, roof=False), stack)


def terraced(plan: Plan) -> Shape:
    """Houses side by side with party walls: for each a door, small front steps and a bay."""
    wide = plan.width
    houses = {3: 1, 5: 2, 7: 3}[plan.bays]
    each = wide / houses
    style = WindowStyle(width=1.1, height=1.5, sill=0.75, lintel="trim")
    front: list[Opening] = []
    parts = []
    for middle in centres(wide, houses):
        at = middle + 0.28 * each
        front.append(door(at, fill="door" if middle >= 0 else "door_light"))
        parts.append(_entrance(at, width=1.3))
        bay = bay_window(2.2, BASE + plan.floor - 0.15, style, reach=0.7)
        lid = box((-0.05, -1.2, BASE + plan.floor - 0.17), (0.8, 1.2, BASE + plan.floor), "slate")
        parts.append(turned(join(bay, lid), 0, _HALF, middle - 0.17 * each))
        for level in range(1, plan.storeys):
            bottom = BASE + level * plan.floor + style.sill
            for y in (-0.22, 0.22):
                front.append(window(middle + y * each, bottom, style, plan.rng))
    plain = WindowStyle(ledge=False)
    parts.append(block((-_HALF, _HALF), (-wide / 2, wide / 2), plan.eaves, front=front,
                       rear=windows(plan, plain)))  # fmt: skip
    parts.append(gable(DEPTH, wide, plan.eaves, 2.8, tiles="slate", verge=0.0))
    for edge in np.linspace(-wide / 2, wide / 2, houses + 1)[1:]:
        y = float(edge) - 0.45
        parts.append(chimney(0.0, y, plan.eaves + 1.5, plan.eaves + 3.9, size=0.8))
    return join(*parts)


def garage_house(plan: Plan) -> Shape:
    """A gabled house with a flat-roofed garage beside it."""
    wide = plan.width - 0.25
    extra = 3.2 if plan.bays > 3 else 2.7
    main, count = wide - extra, plan.bays - 1
    y0, y1 = -wide / 2, -wide / 2 + main
    style = WindowStyle(width=1.2 if plan.bays > 3 else 1.0)
    places = centres(main, count)
    middle = count // 2
    front = [*windows(plan, style, width=main, count=count, skip={(0, middle)}),
             door(places[middle])]  # fmt: skip
    flank = windows(plan, _PLAIN, width=DEPTH, count=2)
    upper = windows(plan, _PLAIN, width=DEPTH, count=2, levels=range(1, plan.storeys))
    walls = block((-_HALF, _HALF), (y0, y1), plan.eaves, front=front, right=flank, left=upper,
                  rear=windows(plan, _PLAIN, width=main, count=count))  # fmt: skip
    centre = (y0 + y1) / 2
    roof = gable(DEPTH, main, plan.eaves, 3.0, verge=0.2).moved((0, centre, 0))
    shed = (-_HALF + 2.5, _HALF - 0.6)
    drive = gate(0.0, width=extra - 0.6, height=2.15, fill="garage_door")
    garage = block(shed, (y1, wide / 2), 2.5, front=[drive])
    lid = flat(shed, (y1 + 0.01, wide / 2), 2.5, rim=0.3)
    stack = chimney(-0.8, centre - 0.2 * main, plan.eaves + 1.5, plan.eaves + 3.8)
    return join(walls, roof, garage, lid, _entrance(centre + places[middle]), stack)


def balcony_house(plan: Plan) -> Shape:
    """A gable to the street with wooden balconies across it."""
    wide = plan.width - 0.5
    glazed = WindowStyle(width=1.3, height=2.05, sill=0.05, ledge=False)
    style = WindowStyle(width=1.2)
    middle = plan.bays // 2
    at = centres(wide, plan.bays)[middle]
    front = [*windows(plan, style, width=wide, levels=(0,), skip={(0, middle)}), door(at)]
    for level in range(1, plan.storeys):
        front += windows(plan, glazed, width=wide, levels=(level,))
    walls, _ = _body(plan, style, front=front)
    rise = min(0.40 * wide, 4.0)
    roof = gable(wide, DEPTH, plan.eaves, rise, tiles="brown_tiles", over=0.22, verge=1.0)
    parts = [walls, turned(roof, 3, 0, 0), _entrance(at, roof=False)]
    for level in range(1, plan.storeys):
        rail = balcony(0.86 * wide, BASE + level * plan.floor, reach=1.1, panel="shutter_brown")
        parts.append(turned(rail, 0, _HALF, 0))
    return join(*parts, chimney(-1.5, 0.18 * wide, plan.eaves + 0.8, plan.eaves + rise + 0.7))


def farmhouse(plan: Plan) -> Shape:
    """A dwelling and a barn with a tall wooden gate under one long roof."""
    wide = plan.width - 0.5
    share = 0.52
    barn = share * wide
    dwelling = wide - barn
    count = max(plan.bays // 2, 1)
    style = WindowStyle(width=1.05, shutters="shutter_green" if plan.bays > 3 else "")
    seam = -wide / 2 + barn
    places = centres(dwelling, count + 1)
    front = [*windows(plan, style, width=dwelling, count=count + 1, skip={(0, 0)}), door(places[0])]
    house = block((-_HALF, _HALF), (seam, wide / 2), plan.eaves, front=front,
                  left=windows(plan, _PLAIN, width=DEPTH, count=2),
                  rear=windows(plan, _PLAIN, width=dwelling, count=count))  # fmt: skip
    tall = min(3.6, plan.eaves - 0.4)
    gates = [gate(0.0, width=min(3.4, barn - 0.8), height=tall, fill="barn_wood")]
    stall = block((-_HALF, _HALF), (-wide / 2, seam), plan.eaves, front=gates,
                  bands=((0.9, "plinth"), (plan.eaves + 1, "barn_wood")))  # fmt: skip
    roof = gable(DEPTH, wide, plan.eaves, 3.8, wall="barn_wood")
    hatch = dormer(3.2, seam - barn / 2, plan.eaves + 0.6, gabled=False, tiles="tiles")
    steps_at = _entrance((seam + wide / 2) / 2 + places[0], roof=False)
    stack = chimney(-0.6, seam + 0.7 * dwelling, plan.eaves + 2, plan.eaves + 4.6)
    return join(house, stall, roof, hatch, steps_at, stack, _seam(seam, plan.eaves))


def _seam(y: float, top: float) -> Shape:
    """A strip of wall over the joint of two walls in line."""
    return box((_HALF - 0.05, y - 0.12, 0.0), (_HALF + 0.03, y + 0.12, top), COLOUR)
