"""Lamps, signs, traffic lights and power poles, one metre tall: a node's height scales them.

No bpy.
"""

from __future__ import annotations

from collections.abc import Callable

from .finishes import Finish
from .shapes import Shape, box, join
from .signs import SIGNS, traffic_light
from .sweeps import rod, sweep

SURFACES: dict[str, Finish] = {
    "sign_yellow": Finish((0.72, 0.44, 0.01)),
    "sign_blue": Finish((0.012, 0.075, 0.33)),
    "sign_black": Finish((0.012, 0.012, 0.013)),
    "lamp_black": Finish((0.013, 0.014, 0.015)),
    "lamp_glass": Finish((0.62, 0.61, 0.56)),
    "light_red": Finish((1.0, 0.05, 0.025)),
    "light_amber": Finish((0.085, 0.05, 0.008)),
    "light_green": Finish((0.006, 0.05, 0.032)),
    "pole_wood": Finish((0.115, 0.085, 0.06)),
    "insulator": Finish((0.45, 0.43, 0.40)),
}


def pole(model: str) -> Shape:
    """A lamp whose arm reaches towards +X, or a sign that faces +X; 1 m tall with its post."""
    shape = _MODELS[model]()
    shape = shape.moved((0, 0, -shape.vertices[:, 2].min()))
    return shape.scaled(1 / shape.vertices[:, 2].max())


def _mast(top: float) -> Shape:
    """A tapered mast with a thicker foot."""
    return sweep([(0, 0, 0), (0, 0, 0.12), (0, 0, 0.135), (0, 0, top)],
                 [0.0145, 0.0145, 0.011, 0.0075], "metal", sides=10)  # fmt: skip


def _arm(out: float) -> list[Shape]:
    """A curved arm towards +X, or -X where ``out`` is -1, with a flat lamp at its end."""
    arm = sweep([(0, 0, 0.955), (0.02 * out, 0, 0.978), (0.08 * out, 0, 0.988),
                 (0.17 * out, 0, 0.992)], [0.0065, 0.0065, 0.0055, 0.005], "metal", sides=6,
                across=(0, 1, 0))  # fmt: skip
    head = sweep([(0.155 * out, 0, 0.992), (0.18 * out, 0, 0.993), (0.235 * out, 0, 0.994),
                  (0.265 * out, 0, 0.994)],
                 [(0.007, 0.005), (0.018, 0.009), (0.018, 0.009), (0.009, 0.005)],
                 "metal", sides=8, across=(0, 1, 0))  # fmt: skip
    near, far = sorted((0.185 * out, 0.245 * out))
    glass = box((near, -0.013, 0.982), (far, 0.013, 0.9868), "lamp_glass")
    return [arm, head, glass]


def _lamp() -> Shape:
    return join(_mast(0.97), *_arm(1.0))


def _lamp_double() -> Shape:
    return join(_mast(0.97), *_arm(1.0), *_arm(-1.0))


def _lamp_post() -> Shape:
    """A footway's lamp: a milky cylinder under a flat hat; about 4 m is natural."""
    post = sweep([(0, 0, 0), (0, 0, 0.2), (0, 0, 0.21), (0, 0, 0.86)], [0.02, 0.02, 0.014, 0.012],
                 "lamp_black", sides=8)  # fmt: skip
    glass = sweep([(0, 0, 0.85), (0, 0, 0.87), (0, 0, 0.96)], [0.03, 0.04, 0.042], "lamp_glass",
                  sides=10)  # fmt: skip
    hat = sweep([(0, 0, 0.955), (0, 0, 0.972), (0, 0, 1.0)], [0.06, 0.06, 0.012], "lamp_black",
                sides=10)  # fmt: skip
    return join(post, glass, hat)


def _lamp_hanging() -> Shape:
    """A lamp that hangs from the bracket of a mast, as where cables cross a street."""
    post = sweep([(0, 0, 0), (0, 0, 0.2), (0, 0, 1.0)], [0.016, 0.015, 0.011], "metal", sides=10)
    bracket = rod((0, 0, 0.965), (0.22, 0, 0.985), 0.005, "metal", 5)
    stay = rod((0, 0, 0.90), (0.13, 0, 0.975), 0.003, "metal", 4)
    drop = rod((0.2, 0, 0.985), (0.2, 0, 0.955), 0.004, "metal", 5)
    shade = sweep([(0.2, 0, 0.915), (0.2, 0, 0.93), (0.2, 0, 0.96)], [0.034, 0.03, 0.010],
                  "metal", sides=10)  # fmt: skip
    glass = sweep([(0.2, 0, 0.897), (0.2, 0, 0.903), (0.2, 0, 0.9155)], [0.012, 0.022, 0.029],
                  "lamp_glass", sides=10)  # fmt: skip
    return join(post, bracket, stay, drop, shade, glass)


def _power_pole() -> Shape:
    """A wooden pole with a cross-arms along X, across a line beside the road."""
    post = sweep([(0, 0, 0), (0, 0, 0.5), (0, 0, 1.0)], [0.018, 0.0155, 0.0125], "pole_wood",
                 sides=10)  # fmt: skip
    arms = [box((-0.10, 0.012, z), (0.10, 0.024, z + 0.016), "pole_wood") for z in (0.93, 0.86)]
    pins = [
        sweep([(x, 0.018, z), (x, 0.018, z + 0.012), (x, 0.018, z + 0.026)],
              [0.004, 0.0075, 0.005], "insulator", sides=6)
        for z in (0.946, 0.876)
        for x in (-0.088, -0.045, 0.045, 0.088)
    ]  # fmt: skip
    stays = [rod((x, 0.018, 0.862), (0.0, 0.016, 0.80), 0.003, "metal", 4) for x in (-0.07, 0.07)]
    return join(post, *arms, *pins, *stays)


_MODELS: dict[str, Callable[[], Shape]] = {
    "lamp": _lamp,
    "lamp_double": _lamp_double,
    "lamp_post": _lamp_post,
    "lamp_hanging": _lamp_hanging,
    "power_pole": _power_pole,
    "traffic_light": traffic_light,
    **SIGNS,
}
POLE_MODELS = tuple(_MODELS)
SIGN_MODELS = ("traffic_light", *SIGNS)
"""Those of ``POLE_MODELS`` that face the traffic."""
