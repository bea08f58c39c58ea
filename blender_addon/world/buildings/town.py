"""Buildings of a town, in metres; their fronts look along +x and their ends touch neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from ..shapes import COLOUR, Shape, box, join
from .fittings import awning, balcony, canopy, cornice, pilaster, steps
from .layout import BASE, DEPTH, Plan, centres, door, gate, window, windows
from .roofs import chimney, dormer, flat, hip, mansard
from .walls import Opening, WindowStyle, block, sheet, turned

_HALF = DEPTH / 2
_PLAIN = WindowStyle(ledge=False)


def _shell(plan: Plan, front: list[Opening], *, flanks: int = 1,
           front_bands: Sequence[tuple[float, str]] | None = None) -> Shape:  # fmt: skip
    """Walls of the whole width; a few windows in the ends, plain ones behind."""
    ends = [windows(plan, _PLAIN, width=DEPTH, count=flanks, levels=range(1, plan.storeys))
            for _ in range(2)]  # fmt: skip
    half = plan.width / 2
    return block((-_HALF, _HALF), (-half, half), plan.eaves, front=front, left=ends[0],
                 right=ends[1], rear=windows(plan, _PLAIN), front_bands=front_bands)  # fmt: skip


def _at_front(*parts: Shape, y: float = 0.0) -> Shape:
    return turned(join(*parts), 0, _HALF, y)


def _roof_plant(plan: Plan, top: float) -> Shape:
    """What stands on flat roofs: the head of the stairs and vents."""
    y = 0.16 * plan.width
    hut = box((-3.2, y - 1.4, top), (0.2, y + 1.4, top + 1.9), "facade_concrete")
    vents = [box((1.4, -y - 0.4 + i, top), (2.0, -y + 0.2 + i, top + 0.7), "metal")
             for i in (0.0, 1.1)]  # fmt: skip
    return join(hut, *vents)


def flat_block(plan: Plan) -> Shape:
    """A plain block of flats under a flat roof."""
    middle = plan.bays // 2
    style = WindowStyle(width=1.5, height=1.4)
    front = [*windows(plan, style, skip={(0, middle)}), door(0.0, width=1.6, fill="window_dim")]
    half = plan.width / 2
    roof = flat((-_HALF, _HALF), (-half, half), plan.eaves)
    entrance = _at_front(steps(2.2, BASE), canopy(2.6, BASE + 2.3, surface="facade_concrete"))
    lines = [_at_front(box((-0.03, -half, BASE + i * plan.floor - 0.05),
                           (0.03, half, BASE + i * plan.floor + 0.07), "facade_concrete"))
             for i in range(1, plan.storeys)]  # fmt: skip
    return join(_shell(plan, front), roof, entrance, *lines, _roof_plant(plan, plan.eaves + 0.4))


def balcony_block(plan: Plan) -> Shape:
    """A block of flats with stacks of balconies."""
    outer = range(0, plan.bays, 2)
    middle = plan.bays // 2
    glazed = WindowStyle(width=1.7, height=2.1, sill=0.05, panes=2, ledge=False)
    style = WindowStyle(width=1.2)
    places = centres(plan.width, plan.bays)
    skip = {(level, bay) for level in range(1, plan.storeys) for bay in outer}
    front = windows(plan, style, skip=skip | {(0, middle)})
    front.append(door(places[middle], width=1.5))
    parts = [_at_front(steps(2.0, BASE), y=places[middle])]
    for level in range(1, plan.storeys):
        floor = BASE + level * plan.floor
        for bay in outer:
            front.append(window(places[bay], floor + glazed.sill, glazed, plan.rng))
            width = 0.96 * plan.width / plan.bays
            panel = "balcony" if bay % 4 == 0 else "shutter_blue"
            parts.append(_at_front(balcony(width, floor, panel=panel), y=places[bay]))
    half = plan.width / 2
    roof = flat((-_HALF, _HALF), (-half, half), plan.eaves)
    return join(_shell(plan, front), roof, *parts, _roof_plant(plan, plan.eaves + 0.4))


def mansard_house(plan: Plan) -> Shape:
    """An old town house: tall windows under lintels, a cornice, a slate mansard with dormers."""
    style = WindowStyle(width=1.1, height=1.8, sill=0.6, lintel="trim")
    middle = plan.bays // 2
    front = [*windows(plan, style, skip={(0, middle)}), door(0.0, width=1.4, height=2.5)]
    bands = ((0.5, "plinth"), (BASE + plan.floor, "trim"))
    parts = [_shell(plan, front, front_bands=bands)]
    parts.append(_at_front(cornice(plan.width, plan.eaves - 0.24, out=0.4),
                           cornice(plan.width, BASE + plan.floor - 0.1)))  # fmt: skip
    parts.append(_at_front(steps(1.9, BASE)))
    parts.append(mansard(plan.width, DEPTH, plan.eaves, 2.4, 1.0))
    for i, y in enumerate(centres(plan.width, plan.bays)):
        glass = ("window", "window_sky", "window_dim")[i % 3]
        parts.append(dormer(_HALF - 0.1, y, plan.eaves + 0.3, width=1.3, height=1.35, depth=1.8,
                            tiles="slate", glass=glass))  # fmt: skip
    for y in (-0.36, 0.36):
        parts.append(chimney(-0.3, y * plan.width, plan.eaves + 2.4, plan.eaves + 4.6, size=0.9))
    return join(*parts)


def warehouse(plan: Plan) -> Shape:
    """Pillars between windows of many panes, a loading gate, a parapet with a raised middle."""
    bay = plan.width / plan.bays
    style = WindowStyle(width=0.66 * bay, height=1.75, sill=0.7, panes=4, frame="frame_dark",
                        lintel="sill")  # fmt: skip
    middle = plan.bays // 2
    front = windows(plan, style, skip={(0, middle)})
    front.append(gate(0.0, width=0.7 * bay, height=BASE + 2.3, fill="shutter_green"))
    bars = []
    for hole in front[:-1]:
        for share in (1 / 3, 2 / 3):
            z = hole.bottom + share * (hole.top - hole.bottom)
            bars.append(sheet(hole.left, hole.right, z - 0.03, z + 0.03, -0.07, "frame_dark"))
    half = plan.width / 2
    inner = [(i / plan.bays - 0.5) * plan.width for i in range(1, plan.bays)]
    pillars = [pilaster(y, 0.0, plan.eaves, 0.45) for y in (-half + 0.225, *inner, half - 0.225)]
    roof = flat((-_HALF, _HALF), (-half, half), plan.eaves, rim=0.5)
    raised = box((-0.6, -0.5 * bay, plan.eaves + 0.45), (0.12, 0.5 * bay, plan.eaves + 1.3), COLOUR)
    cap = box((-0.65, -0.53 * bay, plan.eaves + 1.3), (0.2, 0.53 * bay, plan.eaves + 1.42), "trim")
    return join(_shell(plan, front), roof, _at_front(*bars, *pillars, raised, cap))


def shop(plan: Plan) -> Shape:
    """A shop behind large panes, a sign and awnings over it, flats above."""
    half = plan.width / 2
    shops = {3: 1, 5: 2, 7: 3}[plan.bays]
    each = plan.width / shops
    pane = WindowStyle(depth=0.18, panes=2, frame="frame_dark", ledge=False)
    front = windows(plan, WindowStyle(width=1.2, height=1.5), levels=range(1, plan.storeys))
    top, fixed = BASE + plan.floor - 0.65, []
    for i, middle in enumerate(centres(plan.width, shops)):
        at = middle + each / 2 - 0.85
        front.append(Opening(at - 0.5, at + 0.5, 0.05, top, "window_dim", style=pane))
        left, right = middle - each / 2 + 0.35, at - 0.7
        glass = ("window_sky", "window")[i % 2]
        front.append(Opening(left, right, 0.5, top, glass=glass, style=pane))
        goods = sheet(left + 0.15, right - 0.15, 0.58, 1.35, -0.14, "shop_goods")
        fixed += [goods, awning(each - 0.5, top + 0.06).moved((0, middle, 0))]
    sign = box((-0.05, -half + 0.2, top + 0.1), (0.1, half - 0.2, BASE + plan.floor - 0.1),
               "shop_sign")  # fmt: skip
    line = cornice(plan.width, plan.eaves - 0.2, out=0.3)
    bands = ((BASE + plan.floor - 0.1, "trim"),)
    roof = hip(DEPTH, plan.width, plan.eaves + 0.1, 2.2, over=0.35, side=0.0)
    stack = chimney(-1.0, 0.2 * plan.width, plan.eaves + 0.8, plan.eaves + 3.2, size=0.8)
    return join(_shell(plan, front, front_bands=bands), roof, _at_front(*fixed, sign, line), stack)


def ribbon_office(plan: Plan) -> Shape:
    """Bands of windows from end to end."""
    half = plan.width / 2
    style = WindowStyle(width=plan.width / plan.bays, height=1.55, sill=0.95, depth=0.08,
                        frame="frame_dark", ledge=False)  # fmt: skip
    front = []
    for hole in windows(plan, style, levels=range(1, plan.storeys)):
        left, right = max(hole.left, -half + 0.25), min(hole.right, half - 0.25)
        cover = "blind" if hole.cover == "blind" else ""
        front.append(Opening(left + 0.005, right - 0.005, hole.bottom, hole.top, glass=hole.glass,
                             cover=cover, style=style))  # fmt: skip
    low = WindowStyle(width=plan.width / plan.bays - 0.7, height=2.2, sill=0.1, frame="frame_dark",
                      ledge=False)  # fmt: skip
    middle = plan.bays // 2
    front += windows(plan, low, levels=(0,), skip={(0, middle)})
    front.append(door(0.0, width=1.8, height=2.3, fill="window_sky"))
    entrance = _at_front(steps(2.4, BASE), canopy(3.0, BASE + 2.5, reach=1.2, surface="metal"))
    roof = flat((-_HALF, _HALF), (-half, half), plan.eaves, out=0.06, surface="metal")
    return join(_shell(plan, front), roof, entrance, _roof_plant(plan, plan.eaves + 0.4))


def glass_office(plan: Plan) -> Shape:
    """A curtain wall: panes before dark bands, between slim posts."""
    half, wide = plan.width / 2, plan.width
    base = BASE + plan.floor
    count = 2 * plan.bays
    low = WindowStyle(width=wide / plan.bays - 0.9, height=2.2, sill=0.1, frame="frame_dark",
                      ledge=False, depth=0.3)  # fmt: skip
    middle = plan.bays // 2
    front = windows(plan, low, levels=(0,), skip={(0, middle)})
    front.append(door(0.0, width=1.8, height=2.4, fill="window_sky"))
    walls = block((-_HALF, _HALF), (-half, half), plan.eaves, front=front,
                  rear=windows(plan, _PLAIN), bands=((plan.eaves + 1, COLOUR),))  # fmt: skip
    skin = box((-0.05, -half + 0.1, base - 0.3), (0.1, half - 0.1, plan.eaves - 0.1), "spandrel")
    parts = [skin]
    names = ("window", "window_sky", "window_dim", "window_sky")
    for level in range(1, plan.storeys):
        z = BASE + level * plan.floor
        shades = plan.rng.integers(0, len(names), count)
        for y, shade in zip(centres(wide - 0.3, count), shades, strict=True):
            step = (wide - 0.3) / count / 2 - 0.05
            parts.append(sheet(y - step, y + step, z + 0.35, z + plan.floor - 0.15, 0.12,
                               names[shade]))  # fmt: skip
    for i in range(count + 1):
        y = (i / count - 0.5) * (wide - 0.3)
        parts.append(box((0.05, y - 0.04, base - 0.3), (0.2, y + 0.04, plan.eaves - 0.1), "metal"))
    roof = flat((-_HALF, _HALF), (-half, half), plan.eaves, surface="metal")
    parts += [steps(2.4, BASE), canopy(3.4, BASE + 2.55, reach=1.4, surface="metal")]
    return join(walls, roof, _at_front(*parts), _roof_plant(plan, plan.eaves + 0.4))


def corner_house(plan: Plan) -> Shape:
    """Rusticated corners, a cornice at each floor, a bay up the front with a roof of its own."""
    half, middle = plan.width / 2, plan.bays // 2
    style = WindowStyle(width=1.1, height=1.7, sill=0.65, lintel="trim")
    skip = {(level, middle) for level in range(plan.storeys)}
    front = [*windows(plan, style, skip=skip), door(0.0, width=1.4, height=2.4)]
    fixed = [cornice(plan.width, BASE + level * plan.floor - 0.1, height=0.18, out=0.12)
             for level in range(1, plan.storeys)]  # fmt: skip
    fixed.append(cornice(plan.width, plan.eaves - 0.3, height=0.34, out=0.45))
    for i in range(int((plan.eaves - 0.4) / 0.5)):
        deep = 0.5 if i % 2 else 0.34
        for sign in (-1, 1):
            y = sorted((sign * half, sign * (half - deep)))
            fixed.append(box((-0.03, y[0], 0.5 * i), (0.05, y[1], 0.5 * i + 0.46), "trim"))
    parts = [_shell(plan, front, flanks=2), hip(DEPTH, plan.width, plan.eaves, 2.6, tiles="slate",
                                                over=0.35, side=0.0)]  # fmt: skip
    if plan.storeys > 1:
        wide, foot, top = 2.1, BASE + plan.floor, plan.eaves + 1.0
        holes = [window(0.0, (level - 1) * plan.floor + style.sill, style, plan.rng)
                 for level in range(1, plan.storeys)]  # fmt: skip
        tower = block((-0.6, 0.75), (-wide / 2, wide / 2), top - foot, front=holes, bands=())
        corbel = box((-0.05, -wide / 2 - 0.06, foot - 0.2), (0.82, wide / 2 + 0.06, foot), "trim")
        cap = hip(1.4, wide, top, 1.7, tiles="slate", over=0.2, side=0.2)
        fixed += [tower.moved((0, 0, foot)), corbel, cap.moved((0.08, 0, 0))]
    parts += [_at_front(*fixed, steps(1.9, BASE))]
    return join(*parts, chimney(-1.2, 0.3 * plan.width, plan.eaves + 0.8, plan.eaves + 3.6))
