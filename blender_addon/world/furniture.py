"""What stands on footways, in metres and its natural size; +X is towards the road. No bpy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .bicycle import TREKKING, bicycle
from .finishes import Finish
from .shapes import Shape, ball, box, join, polygons
from .sweeps import circle, plate, ring, rod, sweep, turned

SURFACES: dict[str, Finish] = {
    "bollard": Finish((0.03, 0.03, 0.033)),
    "bin_body": Finish((0.045, 0.05, 0.052)),
    "bin_lid": Finish((0.03, 0.085, 0.04)),
    "litter_green": Finish((0.035, 0.075, 0.045)),
    "bench_wood": Finish((0.20, 0.115, 0.055)),
    "post_yellow": Finish((0.74, 0.42, 0.008)),
    "shelter_glass": Finish((0.20, 0.25, 0.265)),
    "cabinet": Finish((0.33, 0.345, 0.32)),
    "poster_red": Finish((0.42, 0.05, 0.04)),
    "poster_blue": Finish((0.06, 0.16, 0.34)),
    "poster_cream": Finish((0.60, 0.54, 0.38)),
    "poster_dark": Finish((0.03, 0.03, 0.045)),
    "concrete": Finish((0.33, 0.32, 0.30)),
    "soil": Finish((0.045, 0.03, 0.02)),
    "blossom": Finish((0.50, 0.045, 0.075)),
}


def furniture(model: str) -> Shape:
    """A piece of street furniture that faces +X."""
    return _MODELS[model]().on_base()


def _bollard() -> Shape:
    post = sweep([(0, 0, 0), (0, 0, 0.06), (0, 0, 0.07), (0, 0, 0.80)],
                 [0.075, 0.075, 0.05, 0.045], "bollard", sides=10)  # fmt: skip
    knob = sweep([(0, 0, 0.80), (0, 0, 0.825), (0, 0, 0.87), (0, 0, 0.91), (0, 0, 0.925)],
                 [0.035, 0.05, 0.06, 0.042, 0.015], "bollard", sides=10)  # fmt: skip
    stripe = sweep([(0, 0, 0.66), (0, 0, 0.74)], [0.0495, 0.0485], "sign_white", sides=10)
    return join(post, knob, stripe)


def _bin() -> Shape:
    """A wheeled bin of 240 litres, its handle at the back."""
    tub = _tapered((-0.25, 0.27), (-0.24, 0.24), (-0.34, 0.37), (-0.29, 0.29), 0.05, 0.96,
                   "bin_body")  # fmt: skip
    lid = _tapered((-0.37, 0.40), (-0.30, 0.30), (-0.31, 0.30), (-0.26, 0.26), 0.965, 1.05,
                   "bin_lid")  # fmt: skip
    grip = rod((-0.40, -0.24, 0.98), (-0.40, 0.24, 0.98), 0.017, "bin_body")
    mounts = [box((-0.40, y - 0.015, 0.95), (-0.33, y + 0.015, 0.995), "bin_body")
              for y in (-0.2, 0.2)]  # fmt: skip
    wheels = []
    for y in (-0.27, 0.23):
        wheels.append(rod((-0.24, y, 0.10), (-0.24, y + 0.04, 0.10), 0.10, "tyre", 14))
    axle = rod((-0.24, -0.24, 0.10), (-0.24, 0.24, 0.10), 0.012, "metal")
    foot = box((0.12, -0.2, 0.0), (0.24, 0.2, 0.06), "bin_body")
    return join(tub, lid, grip, *mounts, *wheels, axle, foot)


def _tapered(
    bottom_x: tuple[float, float],
    bottom_y: tuple[float, float],
    top_x: tuple[float, float],
    top_y: tuple[float, float],
    low: float,
    high: float,
    surface: str,
) -> Shape:
    """A box whose top is of another size than its bottom."""
    solid = box((0, 0, 0), (1, 1, 1), surface)
    points = [
        ((top_x if z else bottom_x)[int(x)], (top_y if z else bottom_y)[int(y)], high if z else low)
        for x, y, z in solid.vertices
    ]
    return polygons(np.array(points), solid.faces, surface)


def _litter_bin() -> Shape:
    """A green drum on a post, with a slanted hood."""
    post = rod((-0.21, 0, 0), (-0.21, 0, 1.05), 0.03, "metal", 8)
    drum = sweep([(0, 0, 0.36), (0, 0, 0.40), (0, 0, 0.80)], [0.15, 0.175, 0.19], "litter_green",
                 sides=12)  # fmt: skip
    mouth = sweep([(0, 0, 0.80), (0, 0, 0.90)], [0.165, 0.165], "bollard", sides=12)
    hood = sweep([(0, 0, 0.90), (0, 0, 0.93), (0, 0, 0.99)], [0.20, 0.20, 0.12], "litter_green",
                 sides=12)  # fmt: skip
    clamps = [box((-0.2, -0.03, z), (-0.13, 0.03, z + 0.04), "metal") for z in (0.5, 0.72)]
    return join(post, drum, mouth, hood, *clamps)


def _bench() -> Shape:
    """Wooden slats on iron legs, 1.8 m wide."""
    half = 0.9
    slats = [box((x, -half, 0.42), (x + 0.085, half, 0.455), "bench_wood")
             for x in (-0.17, -0.07, 0.03, 0.13)]  # fmt: skip
    back = [
        turned(box((-0.21, -half, z), (-0.175, half, z + 0.10), "bench_wood"), -12, "y",
               (-0.2, 0, 0.45))
        for z in (0.54, 0.68, 0.82)
    ]  # fmt: skip
    legs = []
    for y in (-0.62, 0.62):
        legs += [
            rod((0.17, y, 0.0), (0.14, y, 0.42), 0.022, "bollard"),
            rod((-0.20, y, 0.0), (-0.15, y, 0.42), 0.022, "bollard"),
            rod((-0.19, y, 0.41), (0.20, y, 0.41), 0.018, "bollard"),
            rod((-0.19, y, 0.40), (-0.305, y, 0.92), 0.018, "bollard"),
            rod((0.16, y, 0.42), (0.16, y, 0.62), 0.016, "bollard"),
            rod((-0.24, y, 0.63), (0.19, y, 0.63), 0.02, "bollard"),
        ]
    return join(*slats, *back, *legs)


def _post_box() -> Shape:
    """A yellow letter box on its foot, with slots and a white label."""
    foot = box((-0.09, -0.09, 0.0), (0.09, 0.09, 0.62), "bollard")
    body = box((-0.20, -0.30, 0.60), (0.20, 0.30, 1.28), "post_yellow")
    # A vaulted top, swept across the box.
    arch = [(-0.30, 1.28), (0.30, 1.28), (0.27, 1.34), (0.15, 1.385), (-0.15, 1.385),
            (-0.27, 1.34)]  # fmt: skip
    top = plate(arch, -0.22, 0.22, "post_yellow")
    slot = box((0.20, -0.20, 1.16), (0.215, 0.20, 1.20), "sign_black")
    flap = box((0.20, -0.22, 1.20), (0.235, 0.22, 1.215), "post_yellow")
    label = box((0.20, -0.16, 0.92), (0.206, 0.16, 1.08), "sign_white")
    horn = plate(circle(0.05, 0.80, sides=10), 0.20, 0.206, "sign_black")
    return join(foot, body, top, slot, flap, label, horn)


def _bus_shelter() -> Shape:
    """A frame with panes at the back and the ends, a flat roof, a seat and a poster."""
    half, deep, high = 1.9, 0.7, 2.35
    posts = [box((x - 0.035, y - 0.035, 0.0), (x + 0.035, y + 0.035, high), "bollard")
             for x, y in ((-deep, -half), (-deep, half), (-deep, -0.63), (-deep, 0.63),
                          (deep - 0.2, -half), (deep - 0.2, half))]  # fmt: skip
    roof = box((-deep - 0.1, -half - 0.1, high), (deep + 0.1, half + 0.1, high + 0.10), "bollard")
    edge = box((deep + 0.1, -half - 0.1, high + 0.01), (deep + 0.112, half + 0.1, high + 0.09),
               "sign_white")  # fmt: skip
    panes = [
        box((-deep - 0.006, y0 + 0.036, 0.25), (-deep + 0.006, y1 - 0.036, 2.2), "shelter_glass")
        for y0, y1 in ((-half, -0.63), (-0.63, 0.63), (0.63, half))
    ]
    panes.append(box((-deep + 0.036, half - 0.006, 0.25), (deep - 0.236, half + 0.006, 2.2),
                     "shelter_glass"))  # fmt: skip
    rails = [box((-deep - 0.02, -half, z), (-deep + 0.02, half, z + 0.05), "bollard")
             for z in (0.20, 2.2)]  # fmt: skip
    frame = box((-deep + 0.036, -half - 0.06, 0.35), (deep - 0.236, -half + 0.06, 2.2), "bollard")
    posters = [box((-deep + 0.09, y, 0.47), (deep - 0.29, y + 0.008, 2.08), surface)
               for y, surface in ((-half - 0.068, "poster_red"),
                                  (-half + 0.06, "poster_blue"))]  # fmt: skip
    texts = [box((-deep + 0.2, y, 1.5), (deep - 0.4, y + 0.006, 1.8), "sign_white")
             for y in (-half - 0.074, -half + 0.068)]  # fmt: skip
    seat = box((-deep + 0.12, -1.4, 0.44), (-deep + 0.48, 1.4, 0.48), "bench_wood")
    props = [box((-deep, y - 0.025, 0.36), (-deep + 0.42, y + 0.025, 0.44), "bollard")
             for y in (-1.1, 0.0, 1.1)]  # fmt: skip
    return join(*posts, roof, edge, *panes, *rails, frame, *posters, *texts, seat, *props)


def _electricity_box() -> Shape:
    """A cabinet with two doors on a low plinth."""
    plinth = box((-0.15, -0.52, 0.0), (0.15, 0.52, 0.12), "concrete")
    body = box((-0.16, -0.55, 0.12), (0.16, 0.55, 1.10), "cabinet")
    roof = _tapered((-0.19, 0.19), (-0.58, 0.58), (-0.15, 0.15), (-0.55, 0.55), 1.10, 1.16,
                    "cabinet")  # fmt: skip
    gap = box((0.16, -0.006, 0.18), (0.1625, 0.006, 1.06), "sign_black")
    vents = [box((0.16, y, z), (0.1625, y + 0.28, z + 0.012), "sign_black")
             for y in (-0.41, 0.13) for z in (0.95, 0.985, 1.02)]  # fmt: skip
    grips = [box((0.16, y, 0.58), (0.185, y + 0.025, 0.72), "plastic") for y in (-0.06, 0.035)]
    sticker = box((0.16, 0.22, 0.66), (0.1625, 0.32, 0.76), "sign_yellow")
    return join(plinth, body, roof, gap, *vents, *grips, sticker)


def _advertising_column() -> Shape:
    """A pillar all round which posters are stuck, under a small dome."""
    sides = 20
    foot = sweep([(0, 0, 0), (0, 0, 0.30), (0, 0, 0.36)], [0.66, 0.66, 0.60], "concrete", sides=20)
    heights = (0.36, 0.42, 1.18, 1.24, 2.04, 2.62, 2.70)
    drum = sweep([(0, 0, z) for z in heights], [0.60] * len(heights), "poster_cream", sides=sides)
    rows = {1: 4, 3: 5, 4: 4}  # rows of faces with posters: how many faces one poster is wide
    colours = ("poster_red", "poster_cream", "poster_blue", "sign_white", "poster_dark",
               "sign_yellow", "cabinet")  # fmt: skip
    names = list(drum.surfaces)
    for row, wide in rows.items():
        for k in range(sides):
            # A step that shares no divisor with the number of colours keeps neighbours unlike.
            names[row * sides + k] = colours[(k // wide * 3 + row * 2) % len(colours)]
    drum = Shape(drum.vertices, drum.faces, tuple(names), drum.smooth)
    crown = sweep([(0, 0, 2.70), (0, 0, 2.76), (0, 0, 2.86), (0, 0, 3.02), (0, 0, 3.12)],
                  [0.68, 0.70, 0.64, 0.38, 0.06], "bollard", sides=20)  # fmt: skip
    return join(foot, drum, crown)


def _bicycle_parked() -> Shape:
    """A trekking bicycle on its stand at an iron hoop."""
    parked = bicycle(TREKKING, 160.0, stand=True)
    parked = turned(parked, -4.0, "x")
    hoop = ring((0.05, -0.13, 0.56), 0.24, (0.02, 0.02), "bollard", segments=10, sides=6,
                arc=(0, 180))  # fmt: skip
    legs = [rod((x, -0.13, 0.0), (x, -0.13, 0.57), 0.02, "bollard") for x in (-0.19, 0.29)]
    return join(parked, hoop, *legs)


def _planter() -> Shape:
    """A concrete tub with a bush and blossoms."""
    tub = _tapered((-0.38, 0.38), (-0.55, 0.55), (-0.45, 0.45), (-0.62, 0.62), 0.0, 0.48,
                   "concrete")  # fmt: skip
    rim = box((-0.48, -0.65, 0.46), (0.48, 0.65, 0.53), "concrete")
    soil = box((-0.42, -0.59, 0.53), (0.42, 0.59, 0.55), "soil")
    parts = [tub, rim, soil]
    spots = [
        (0.05, -0.33, 0.66, 0.27), (-0.08, 0.02, 0.76, 0.32), (0.08, 0.36, 0.65, 0.25),
        (0.22, -0.05, 0.62, 0.20), (-0.22, -0.38, 0.62, 0.20), (-0.2, 0.34, 0.63, 0.21),
    ]  # fmt: skip
    for number, (x, y, z, radius) in enumerate(spots):
        surface = ("leaf", "leaf_dark", "leaf_light")[number % 3]
        parts.append(ball((x, y, z), (radius, radius, radius * 0.8), surface, sides=8, rings=5))
    for number in range(16):
        # Blossoms sit on the bush's outside, spread by the golden angle.
        x, y, z, radius = spots[number % len(spots)]
        turn, rise = 2.4 * number, 0.35 + 0.5 * (number % 4) / 4
        out = radius * 0.97 * math.sqrt(1 - rise**2)
        centre = (x + out * math.cos(turn), y + out * math.sin(turn), z + 0.78 * radius * rise)
        surface = "blossom" if number % 3 else "sign_yellow"
        parts.append(ball(centre, 0.04, surface, sides=6, rings=3))
    return join(*parts)


_MODELS: dict[str, Callable[[], Shape]] = {
    "bollard": _bollard,
    "bin": _bin,
    "litter_bin": _litter_bin,
    "bench": _bench,
    "post_box": _post_box,
    "bus_shelter": _bus_shelter,
    "electricity_box": _electricity_box,
    "advertising_column": _advertising_column,
    "bicycle_parked": _bicycle_parked,
    "planter": _planter,
}
FURNITURE_MODELS = tuple(_MODELS)
