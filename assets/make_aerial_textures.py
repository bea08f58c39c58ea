"""Draw the textures of the Aerial2D world: cars, trees, houses, roads and grass seen from above.

    python assets/make_aerial_textures.py [FOLDER]

writes one atlas a class (PNG, straight alpha, one texture above the other) and ``catalogue.yaml``
into FOLDER (assets/aerial). Everything is drawn from seeds by the functions below; nothing is
taken from anywhere else. Colours overlap between the classes on purpose (cars as grey as the road
or as green as the grass, houses in the colours of cars), so that no class is told by its colour.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from texture_canvas import Canvas, Colour, between, grain, rounded_box, smooth_noise

SEED = 2019
FOLDER = Path(__file__).resolve().parent / "aerial"


@dataclass(frozen=True)
class Sheet:
    """The textures of one class.

    Attributes:
        name: the class, and the name of the atlas.
        count: how many.
        train: how many of them, the first ones, are of the split "train"; the others are "test".
        width, height: size of one texture in texels, with its border.
        body: (length, width) in texels of the object inside the texture.
        draw: draws one texture on an empty canvas.
    """

    name: str
    count: int
    train: int
    width: int
    height: int
    body: tuple[int, int]
    draw: Callable[[Canvas, np.random.Generator], None]


def tint(rng: np.random.Generator, colour: tuple[int, int, int], spread: float = 0.05) -> Colour:
    """A colour near this one (0 to 255 a channel), in brightness and a little in hue."""
    base = np.array(colour) / 255
    moved = base * (1 + spread * rng.standard_normal()) + 0.4 * spread * rng.standard_normal(3)
    return np.clip(moved, 0.02, 0.98)


def choose(rng: np.random.Generator, options: list[Any]) -> Any:
    return options[int(rng.integers(len(options)))]


GREYS = [(72, 72, 76), (92, 92, 94), (112, 111, 109), (130, 129, 127), (150, 150, 151)]
PAINTS = [
    (228, 228, 226), (240, 238, 230), (186, 189, 192), (34, 34, 38), (24, 26, 34),
    (172, 30, 34), (128, 20, 28), (30, 66, 150), (52, 110, 184), (24, 42, 84),
    (226, 178, 36), (222, 112, 30), (36, 98, 62), (86, 122, 66), (122, 84, 56),
    (178, 156, 122), (110, 44, 92), (60, 148, 150), (158, 84, 58), (196, 60, 50),
]  # fmt: skip
ROOFS = [
    (164, 78, 54), (140, 62, 46), (186, 104, 70), (112, 62, 48), (88, 84, 86), (66, 68, 76),
    (120, 116, 112), (150, 128, 100), (200, 192, 178), (222, 220, 214), (96, 110, 124),
    (74, 92, 80), (172, 36, 38), (44, 78, 146), (206, 168, 60),
]  # fmt: skip
LEAVES = [
    (38, 74, 36), (28, 60, 34), (52, 92, 40), (66, 108, 44), (44, 82, 58), (84, 116, 52),
    (104, 118, 48), (150, 104, 40), (168, 82, 38), (118, 46, 40), (190, 160, 70), (196, 142, 158),
]  # fmt: skip
LAWNS = [
    (98, 138, 66), (110, 150, 74), (86, 124, 62), (124, 156, 84), (132, 150, 86), (146, 152, 92),
    (100, 146, 92), (160, 158, 104),
]  # fmt: skip
ROADS = [
    (70, 70, 74), (84, 84, 86), (98, 98, 98), (112, 111, 109), (128, 127, 124), (146, 144, 140),
    (116, 106, 98), (92, 96, 104),
]  # fmt: skip


def _shade_ground(canvas: Canvas, rng: np.random.Generator, edge: np.ndarray) -> None:
    """The halo of shade on the ground round an object."""
    dark = rng.uniform(0.0, 0.15) * np.clip(1 - edge / 1.3, 0, 1)
    canvas.paint(edge < 1.3, np.zeros(3), dark)


# One texture of each class


def draw_car(canvas: Canvas, rng: np.random.Generator) -> None:
    """A car that faces +x: body, glass, roof, lamps, and a halo of shade on the ground."""
    kind = choose(rng, ["hatchback", "saloon", "estate", "van", "pickup", "coupe", "open", "lorry"])
    room, breadth = canvas.body
    length = room * {"hatchback": 0.9, "coupe": 0.93, "open": 0.9}.get(kind, 0.97)
    length += rng.uniform(-0.03, 0.03) * room
    width = breadth * (rng.uniform(0.95, 1.0) if kind in ("van", "lorry") else rng.uniform(0.88, 1))
    radius = {"van": 1.2, "lorry": 0.7, "pickup": 1.4}.get(kind, rng.uniform(1.8, 3.2))
    u, v = canvas.x / (length / 2), canvas.y / (width / 2)
    edge = rounded_box(canvas.x, canvas.y, length, width, radius)
    body = edge < 0
    paint = tint(rng, choose(rng, GREYS if rng.random() < 0.35 else PAINTS))
    glass = tint(rng, choose(rng, [(28, 34, 42), (50, 62, 76), (96, 120, 142), (70, 70, 72)]), 0.1)
    _shade_ground(canvas, rng, edge)
    canvas.paint(body, paint)
    canvas.paint(body & (edge > -0.8), paint * rng.uniform(0.3, 0.6))
    front = {"van": 0.62, "lorry": 0.62, "open": 0.3, "coupe": 0.22, "pickup": 0.42}.get(kind, 0.38)
    front += rng.uniform(-0.05, 0.05)
    back = {"estate": -0.86, "hatchback": -0.72, "coupe": -0.6, "saloon": -0.55}.get(kind, -0.6)
    back += rng.uniform(-0.05, 0.05)
    slope = rng.uniform(0.16, 0.26)
    inner = np.abs(v) < 0.8
    if kind in ("van", "lorry"):
        canvas.paint(body & inner & between(u, front, front + slope), glass)
        box = paint if kind == "van" else tint(rng, choose(rng, PAINTS + GREYS))
        load = body & between(u, -0.97, front - 0.03) & (np.abs(v) < 0.96)
        canvas.paint(load, box * rng.uniform(0.9, 1.1))
        if rng.random() < 0.6:
            ribs = rng.integers(2, 6)
            canvas.paint(load & (np.mod(u * ribs, 1) < 0.16), box * 0.8)
    elif kind == "pickup":
        canvas.paint(body & inner & between(u, front - slope, front), glass)
        bed = between(u, -0.9, -0.1) & (np.abs(v) < 0.74)
        load = tint(rng, choose(rng, [(44, 42, 42), (96, 82, 66), *PAINTS]))
        canvas.paint(bed, load * rng.uniform(0.5, 1))
        canvas.paint(bed & (np.abs(v) > 0.62), load * 0.5)
    elif kind == "open":
        canvas.paint(inner & between(u, front - 0.1, front), glass)
        seats = tint(rng, choose(rng, [(40, 32, 30), (150, 110, 76), (170, 40, 40), (90, 90, 92)]))
        canvas.paint(between(u, -0.45, front - 0.1) & (np.abs(v) < 0.72), seats * 0.55)
        canvas.paint(between(u, -0.3, 0) & between(np.abs(v), 0.12, 0.6), seats)
    else:
        cabin = between(u, back, front) & (np.abs(v) < 0.86)
        canvas.paint(cabin, glass)
        roof = paint if rng.random() < 0.7 else tint(rng, choose(rng, [*GREYS, *PAINTS[:5]]))
        top = between(u, back + 0.7 * slope, front - slope) & (np.abs(v) < rng.uniform(0.6, 0.76))
        canvas.paint(top, np.clip(roof * rng.uniform(0.95, 1.2), 0, 1))
        if rng.random() < 0.25:
            canvas.paint(between(u, -0.2, 0.1) & (np.abs(v) < 0.42), glass * 0.8)
        if kind == "estate" and rng.random() < 0.5:
            canvas.paint(top & between(np.abs(v), 0.45, 0.58), roof * 0.45)
        if rng.random() < 0.08:  # a taxi's sign
            canvas.paint(between(u, -0.18, -0.02) & (np.abs(v) < 0.3), np.array([0.95, 0.85, 0.3]))
    if rng.random() < 0.2 and kind not in ("van", "lorry", "open"):
        stripe = tint(rng, choose(rng, PAINTS))
        where = between(np.abs(v), 0.08, 0.26) if rng.random() < 0.6 else np.abs(v) < 0.16
        canvas.paint(body & where & ((u > front) | (u < back)), stripe)
    lamps = between(np.abs(v), 0.5, 0.86)
    canvas.paint(body & lamps & (u > 0.9), np.array([0.95, 0.93, 0.8]), rng.uniform(0.3, 1))
    canvas.paint(body & lamps & (u < -0.92), np.array([0.75, 0.08, 0.08]), rng.uniform(0.3, 1))
    slant = rng.uniform(-0.1, 0.1, 2)
    canvas.shade(1 + slant[0] * u + slant[1] * v)


def draw_tree(canvas: Canvas, rng: np.random.Generator) -> None:
    """A crown of leaves: a lobed disc, or a conifer's star."""
    radius = canvas.body[0] / 2
    angle, distance = np.arctan2(canvas.y, canvas.x), np.hypot(canvas.x, canvas.y)
    conifer = rng.random() < 0.25
    lobes = int(rng.integers(7, 12) if conifer else rng.integers(4, 9))
    depth = rng.uniform(0.06, 0.14) if conifer else rng.uniform(0.02, 0.08)
    wave = np.cos(lobes * angle + rng.uniform(0, 6.3)) + 0.4 * np.cos(2 * angle + rng.uniform(0, 6))
    rim = radius * (1 - depth * (1.4 - wave) / 2)
    edge = distance - rim
    leaf = tint(rng, choose(rng, LEAVES), 0.08)
    _shade_ground(canvas, rng, edge)
    crown = edge < 0
    canvas.paint(crown, leaf * 0.55)
    if conifer:
        canvas.paint(crown & (np.cos(lobes * angle) > 0) & (edge < -1), leaf)
        canvas.paint(distance < 0.15 * radius, np.clip(leaf * 1.35, 0, 1))
    else:
        for _ in range(int(rng.integers(9, 16))):
            turn, out = rng.uniform(0, 6.3), radius * 0.72 * np.sqrt(rng.random())
            x, y = out * np.cos(turn), out * np.sin(turn)
            size = radius * rng.uniform(0.18, 0.34)
            blob = np.hypot(canvas.x - x, canvas.y - y) < size
            canvas.paint(crown & blob, np.clip(leaf * rng.uniform(0.75, 1.3), 0, 1), 0.8)
    canvas.shade(grain(rng, canvas, 0.06))


def draw_house(canvas: Canvas, rng: np.random.Generator) -> None:
    """A roof with its ridge along x: gabled, hipped or flat, on a rectangle or an L."""
    length, width = canvas.body
    roof = tint(rng, choose(rng, ROOFS), 0.08)
    x, y = canvas.x, canvas.y
    edge = rounded_box(x, y, length, width, 0.5)
    wing = rng.random() < 0.25
    if wing:
        side = choose(rng, [-1, 1])
        main = rounded_box(x, y + side * 0.14 * width, length, 0.72 * width, 0.5)
        cross = rounded_box(x - 0.25 * length, y, 0.5 * length, width, 0.5)
        edge = np.minimum(main, cross)
    _shade_ground(canvas, rng, edge)
    inside = edge < 0
    form = choose(rng, ["gable", "gable", "hip", "hip", "flat"])
    light = rng.uniform(0.12, 0.32) * choose(rng, [-1, 1])
    canvas.paint(inside, roof)
    if form == "flat":
        canvas.paint(inside & (edge > -1.4), np.clip(roof * rng.uniform(0.6, 1.3), 0, 1))
        for _ in range(int(rng.integers(1, 5))):  # ventilation, skylights
            a, b = rng.uniform(-0.36, 0.36, 2) * (length, width)
            w, h = rng.uniform(1.5, 4, 2)
            box = rounded_box(x - a, y - b, w, h, 0.3) < 0
            canvas.paint(inside & box, tint(rng, choose(rng, GREYS + ROOFS[-4:])))
    else:
        canvas.paint(inside & (y > 0), np.clip(roof * (1 + light), 0, 1))
        canvas.paint(inside & (y < 0), np.clip(roof * (1 - light), 0, 1))
        if form == "hip":
            for sign in (-1, 1):
                end = sign * x - (length / 2 - width / 2) > np.abs(y)
                canvas.paint(inside & end, np.clip(roof * (1 + sign * 0.5 * light), 0, 1))
        if rng.random() < 0.7:
            tiles = np.mod(np.abs(y), rng.uniform(1.6, 2.6)) < 0.5
            canvas.paint(inside & tiles, roof * 0.7, 0.5)
        canvas.paint(inside & (np.abs(y) < 0.35), np.clip(roof * rng.uniform(0.6, 1.4), 0, 1))
        if rng.random() < 0.5:
            a = rng.uniform(-0.35, 0.35) * length
            brick = rounded_box(x - a, y - rng.uniform(-0.2, 0.2) * width, 2.2, 2.2, 0.2) < 0
            canvas.paint(inside & brick, tint(rng, (110, 70, 60)))
        if rng.random() < 0.3:
            a, side = rng.uniform(-0.25, 0.25) * length, choose(rng, [-1, 1])
            panel = rounded_box(x - a, y - side * 0.26 * width, 6, 3.6, 0.2) < 0
            canvas.paint(inside & panel, tint(rng, (36, 48, 84)))
    canvas.paint(inside & (edge > -0.7), roof * rng.uniform(0.35, 0.65))
    canvas.shade(grain(rng, canvas, 0.025))


def draw_road(canvas: Canvas, rng: np.random.Generator) -> None:
    """A strip of two lanes along x with its lines, kerbs, wear and patches."""
    width = canvas.body[1]
    asphalt = tint(rng, choose(rng, ROADS))
    x, y = canvas.x, canvas.y
    on = np.abs(y) < width / 2
    canvas.paint(on, asphalt)
    shape = canvas.alpha.shape
    canvas.shade(1 + rng.uniform(0.03, 0.09) * smooth_noise(rng, shape, 12))
    for _ in range(int(rng.integers(1, 5))):  # mended places
        a, b = rng.uniform(-0.5, 0.5, 2) * canvas.body
        patch = rounded_box(x - a, y - b, rng.uniform(3, 16), rng.uniform(2, 9), 0.4) < 0
        canvas.paint(on & patch, asphalt * rng.uniform(0.7, 1.2))
    if rng.random() < 0.5:  # tyre tracks
        tracks = np.abs(np.abs(np.abs(y) - width / 4) - width / 9) < width / 26
        canvas.paint(on & tracks, asphalt * rng.uniform(0.8, 0.92), 0.7)
    white = tint(rng, choose(rng, [(226, 226, 220), (206, 204, 196), (222, 180, 60)]))
    middle = choose(rng, ["dashes", "dashes", "dashes", "line", "double", "none"])
    dash, half = rng.uniform(7, 13), rng.uniform(0.35, 0.6)
    if middle == "dashes":
        share = rng.uniform(0.4, 0.6)
        painted = np.mod(x + rng.uniform(0, dash), dash) < share * dash
        canvas.paint((np.abs(y) < half) & painted, white)
    elif middle == "line":
        canvas.paint(np.abs(y) < half, white)
    elif middle == "double":
        canvas.paint(between(np.abs(y), 0.4, 1.0), white)
    for _ in range(int(rng.integers(1, 4))):
        _paint_on_lane(canvas, rng, asphalt, white)
    border = choose(rng, ["line", "kerb", "none"])
    if border == "line":
        canvas.paint(between(np.abs(y), width / 2 - 2, width / 2 - 1.1), white)
    elif border == "kerb":
        kerb = tint(rng, choose(rng, [(170, 168, 160), (140, 138, 132), (190, 184, 170)]))
        canvas.paint(between(np.abs(y), width / 2 - 1.2, width / 2), kerb)
    canvas.shade(grain(rng, canvas, 0.025))


def _paint_on_lane(
    canvas: Canvas, rng: np.random.Generator, asphalt: Colour, white: Colour
) -> None:
    """Something flat in a lane: a coloured surface, a bay as large as a car, hatching, oil."""
    x = canvas.x - rng.uniform(-0.5, 0.5) * canvas.body[0]
    y = canvas.y - choose(rng, [-1, 1]) * canvas.body[1] / 4
    kind = choose(rng, ["surface", "bay", "hatching", "stain"])
    length = rng.uniform(24, 44) if kind == "surface" else rng.uniform(12, 24)
    edge = rounded_box(x, y, length, rng.uniform(9, 11), rng.uniform(0.3, 1.5))
    if kind == "surface":
        colour = tint(rng, choose(rng, PAINTS + GREYS), 0.1)
        canvas.paint(edge < 0, 0.5 * asphalt + 0.5 * colour, rng.uniform(0.6, 1))
        if rng.random() < 0.3:
            canvas.paint(between(edge, -0.8, 0), white, 0.8)
    elif kind == "bay":
        canvas.paint(between(edge, -0.9, 0), white, rng.uniform(0.6, 1))
    elif kind == "hatching":
        bars = np.mod(x + rng.choice([-1, 0, 1]) * y, rng.uniform(3, 6)) < 1.2
        canvas.paint((edge < 0) & bars, white, rng.uniform(0.6, 1))
    else:
        canvas.paint(edge < -1, asphalt * 0.5, rng.uniform(0.2, 0.7) * np.clip(-edge / 4, 0, 1))


def draw_grass(canvas: Canvas, rng: np.random.Generator) -> None:
    """A lawn: patches, sometimes bare earth, sometimes the stripes of a mower."""
    lawn = tint(rng, choose(rng, LAWNS))
    canvas.paint(np.ones_like(canvas.alpha), lawn)
    shape = canvas.alpha.shape
    canvas.shade(1 + rng.uniform(0.04, 0.12) * smooth_noise(rng, shape, int(rng.integers(3, 9))))
    if rng.random() < 0.4:
        earth = tint(rng, choose(rng, [(150, 128, 92), (132, 108, 78), (84, 104, 56)]))
        bare = smooth_noise(rng, shape, int(rng.integers(4, 8))) > rng.uniform(0.5, 0.8)
        canvas.paint(bare, earth, rng.uniform(0.3, 0.7))
    if rng.random() < 0.3:
        turn, pitch = rng.uniform(0, np.pi), rng.uniform(5, 10)
        wave = np.sin((canvas.x * np.cos(turn) + canvas.y * np.sin(turn)) * 2 * np.pi / pitch)
        canvas.shade(1 + rng.uniform(0.02, 0.06) * np.sign(wave))
    canvas.shade(grain(rng, canvas, rng.uniform(0.02, 0.04)))


SHEETS = (
    Sheet("cars", 640, 480, 24, 14, (20, 10), draw_car),
    Sheet("trees", 160, 120, 20, 20, (16, 16), draw_tree),
    Sheet("houses", 160, 120, 24, 20, (20, 16), draw_house),
    Sheet("roads", 64, 48, 104, 28, (104, 24), draw_road),
    Sheet("grass", 48, 36, 48, 48, (48, 48), draw_grass),
)


def texture(sheet: Sheet, number: int) -> np.ndarray:
    """One texture, height x width x 4 uint8: a function of the sheet's place and the number."""
    canvas = Canvas(sheet.width, sheet.height, sheet.body)
    sheet.draw(canvas, np.random.default_rng([SEED, SHEETS.index(sheet), number]))
    return canvas.pixels()


def catalogue() -> str:
    """What is in each atlas, as YAML."""
    lines = [
        "# Written by assets/make_aerial_textures.py; change that, not this file.",
        "# Each atlas holds its textures one above the other. Sizes are [width, height] in texels,",
        "# body is the object inside the clear border; split gives [first, end) of each part.",
        "licence: GPL-3.0-or-later",
        "author: the project, drawn by make_aerial_textures.py",
        f"seed: {SEED}",
        "textures:",
    ]
    for sheet in SHEETS:
        lines += [
            f"  {sheet.name}:",
            f"    file: {sheet.name}.png",
            f"    count: {sheet.count}",
            f"    size: [{sheet.width}, {sheet.height}]",
            f"    body: [{sheet.body[0]}, {sheet.body[1]}]",
            f"    split: {{train: [0, {sheet.train}], test: [{sheet.train}, {sheet.count}]}}",
            "    licence: GPL-3.0-or-later",
        ]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write every atlas and the catalogue."""
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in SHEETS:
        rows = np.concatenate([texture(sheet, number) for number in range(sheet.count)])
        Image.fromarray(rows, "RGBA").save(folder / f"{sheet.name}.png", optimize=True)
    (folder / "catalogue.yaml").write_text(catalogue(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
