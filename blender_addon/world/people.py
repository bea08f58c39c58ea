"""People for a stature of one metre, so that a node's height scales them. No bpy."""

from __future__ import annotations

from collections.abc import Callable

from .body import CLOTHES, SOLE, STATURE, Figure, body
from .finishes import Finish
from .shapes import Shape, box, join
from .sweeps import ring, rod, sweep

SURFACES: dict[str, Finish] = {
    **CLOTHES,
    "bag": Finish((0.24, 0.16, 0.075)),
    "rucksack": Finish((0.05, 0.075, 0.055)),
    "pram": Finish((0.035, 0.05, 0.10)),
    "stick": Finish((0.10, 0.055, 0.03)),
    "seat_stone": Finish((0.36, 0.35, 0.33)),
}

_STRIDE_ANKLES = ((0.27, -0.085, 0.11), (-0.30, 0.085, 0.17))
_STRIDE_TOES = (-14.0, 38.0)
_STRIDE_WRISTS = ((-0.17, -0.235, 0.89), (0.27, 0.21, 0.98))


def person(model: str) -> Shape:
    """A person who looks towards +X.

    One metre is the stature of a grown-up who stands upright: a node's height is then a stature
    whatever the model, which leaves a child, a stooped and a seated person the smaller.
    """
    return _MODELS[model]().on_base().scaled(1 / STATURE)


def _standing() -> Shape:
    return body(Figure(wrists=((0.05, -0.24, 0.87), (0.10, 0.245, 0.89)), legs="trousers"))


def _walking() -> Shape:
    return body(_walker(legs="jeans", shoes="shoes_light", hair="hair_blond"))


def _walking_coat() -> Shape:
    figure = _walker(
        legs="trousers_black",
        hem=0.40,
        ankles=((0.23, -0.085, 0.10), (-0.25, 0.085, 0.14)),
        toes=(-10.0, 28.0),
        hips=(0.0, 0.0, 0.915),
    )
    return body(figure)


def _walking_bag() -> Shape:
    """Long hair, and a bag at the left hip on a strap over the right shoulder."""
    figure = _walker(
        legs="trousers_beige",
        shoes="shoes",
        hair="hair",
        long_hair=True,
        ankles=((-0.27, -0.085, 0.16), (0.25, 0.085, 0.105)),
        toes=(34.0, -12.0),
        wrists=((0.26, -0.21, 0.98), (0.05, 0.30, 0.93)),
        breadth=0.92,
    )
    front = [(0.02, -0.11, 1.468), (0.115, -0.07, 1.40), (0.155, 0.0, 1.27), (0.145, 0.10, 1.12),
             (0.06, 0.205, 0.99)]  # fmt: skip
    back = [(0.02, -0.11, 1.468), (-0.072, -0.07, 1.40), (-0.106, 0.0, 1.27), (-0.095, 0.10, 1.12),
            (-0.05, 0.205, 0.99)]  # fmt: skip
    straps = [
        sweep(p, [(0.008, 0.02)] * 5, "bag", sides=4, across=(1, 0, 0)) for p in (front, back)
    ]
    bag = sweep([(-0.01, 0.235, 0.68), (-0.01, 0.235, 0.80), (-0.01, 0.225, 0.98)],
                [(0.19, 0.06), (0.19, 0.065), (0.17, 0.03)],
                "bag", sides=8, across=(1, 0, 0))  # fmt: skip
    return join(body(figure), *straps, bag)


def _woman_skirt() -> Shape:
    figure = _walker(
        legs="tights",
        hair="hair_blond",
        long_hair=True,
        skirt=0.42,
        sleeve=0.5,
        ankles=((0.17, -0.065, 0.095), (-0.19, 0.065, 0.12)),
        toes=(-6.0, 22.0),
        hips=(0.0, 0.0, 0.925),
        hem=0.02,
        breadth=0.9,
    )
    return body(figure)


def _child() -> Shape:
    """A schoolchild with a rucksack, two thirds as tall as a grown-up."""
    figure = _walker(legs="jeans", shoes="shoes_light", hair="hair", sleeve=0.5, head=1.3)
    return join(body(figure), rucksack(0.0)).scaled(0.66)


def rucksack(rise: float) -> Shape:
    """On the back of somebody upright, metres; ``rise`` moves it up."""
    path = [(-0.16, 0, 0.98 + rise), (-0.175, 0, 1.03 + rise), (-0.165, 0, 1.28 + rise),
            (-0.125, 0, 1.42 + rise), (-0.10, 0, 1.45 + rise)]  # fmt: skip
    radii = [(0.12, 0.07), (0.155, 0.11), (0.15, 0.10), (0.11, 0.055), (0.05, 0.02)]
    return sweep(path, radii, "rucksack", across=(0, 1, 0))


def _standing_phone() -> Shape:
    """Weight on one leg, the head bent over a telephone, the other hand at the pocket."""
    figure = Figure(
        ankles=((0.0, -0.09, SOLE), (0.12, 0.15, SOLE)),
        wrists=((0.27, -0.10, 1.21), (0.02, 0.235, 0.93)),
        hips=(0.0, -0.01, 0.92),
        nod=24.0,
        hunch=8.0,
        legs="trousers_grey",
        hair="hair",
    )
    phone = box((0.345, -0.095, 1.30), (0.358, -0.02, 1.44), "trousers_black")
    return join(body(figure), phone)


def _old_man_stick() -> Shape:
    """Stooped, in wide trousers and a hat's worth of grey hair, a stick in the right hand."""
    figure = _walker(
        legs="trousers_grey",
        hair="hair_grey",
        ankles=((-0.14, -0.095, 0.10), (0.15, 0.095, 0.09)),
        toes=(12.0, -4.0),
        hips=(0.0, 0.0, 0.90),
        wrists=((0.30, -0.25, 0.92), (0.0, 0.26, 0.86)),
        lean=9.0,
        hunch=16.0,
        nod=14.0,
        girth=1.22,
        hem=0.14,
    )
    stick = rod((0.45, -0.26, 0.0), (0.345, -0.255, 0.90), 0.013, "stick")
    handle = rod((0.29, -0.255, 0.905), (0.41, -0.255, 0.905), 0.016, "stick")
    return join(body(figure), stick, handle)


def _pushing_pram() -> Shape:
    figure = _walker(
        legs="jeans",
        hair="hair",
        long_hair=True,
        wrists=((0.40, -0.17, 1.03), (0.40, 0.17, 1.03)),
        elbows=(-1.0, 0.4, -0.6),
        lean=6.0,
        breadth=0.92,
    )
    return join(body(figure), _pram().moved((0.98, 0.0, 0.0)))


def _pram() -> Shape:
    """A carrycot with a raised hood at the handle's end, on four wheels."""
    cot = sweep([(-0.36, 0, 0.66), (-0.30, 0, 0.62), (0.32, 0, 0.62), (0.40, 0, 0.66)],
                [(0.17, 0.10), (0.20, 0.15), (0.20, 0.15), (0.16, 0.09)],
                "pram", sides=8, across=(0, 1, 0))  # fmt: skip
    hood = sweep([(0.34, 0, 0.76), (0.30, 0, 0.86), (0.16, 0, 0.95), (0.02, 0, 0.95)],
                 [(0.19, 0.10), (0.20, 0.12), (0.20, 0.12), (0.19, 0.13)],
                 "pram", sides=8, across=(0, 1, 0))  # fmt: skip
    parts = [cot, hood]
    for y in (-0.21, 0.21):
        parts += [
            rod((-0.30, y, 0.14), (0.20, y * 0.9, 0.56), 0.012, "metal"),
            rod((0.30, y, 0.14), (-0.50, y * 0.9, 1.02), 0.012, "metal"),
        ]
        for x in (-0.30, 0.30):
            parts.append(ring((x, y, 0.14), 0.115, (0.025, 0.02), "tyre", segments=12))
            parts.append(rod((x, y - 0.015, 0.14), (x, y + 0.015, 0.14), 0.085, "rim", sides=10))
    grip = rod((-0.50, -0.20, 1.02), (-0.50, 0.20, 1.02), 0.017, "tyre")
    return join(*parts, grip)


def _sitting() -> Shape:
    """Hands in the lap, on a block of stone as high as a bench's seat."""
    figure = Figure(
        hips=(0.0, 0.0, 0.53),
        ankles=((0.44, -0.11, SOLE), (0.48, 0.11, SOLE)),
        wrists=((0.27, -0.13, 0.66), (0.30, 0.12, 0.66)),
        elbows=(-0.8, 0.6, -0.3),
        lean=-4.0,
        hunch=16.0,
        nod=6.0,
        legs="trousers_beige",
        hair="hair_grey",
        hem=0.05,
    )
    block = box((-0.24, -0.25, 0.0), (0.26, 0.25, 0.43), "seat_stone")
    return join(body(figure), block)


def _walker(**changes) -> Figure:
    pose = {"ankles": _STRIDE_ANKLES, "toes": _STRIDE_TOES, "wrists": _STRIDE_WRISTS,
            "hips": (0.0, 0.0, 0.90), "lean": 4.0}  # fmt: skip
    return Figure(**{**pose, **changes})


_MODELS: dict[str, Callable[[], Shape]] = {
    "standing": _standing,
    "walking": _walking,
    "walking_coat": _walking_coat,
    "walking_bag": _walking_bag,
    "woman_skirt": _woman_skirt,
    "child": _child,
    "standing_phone": _standing_phone,
    "old_man_stick": _old_man_stick,
    "pushing_pram": _pushing_pram,
    "sitting": _sitting,
}
PERSON_MODELS = tuple(_MODELS)
