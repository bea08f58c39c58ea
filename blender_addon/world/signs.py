"""Traffic signs and lights that face +X, one metre tall with their posts. No bpy.

Plates lie in layers a little apart, the topmost in front; about 2.5 m is a natural height.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .shapes import Shape, box, join
from .sweeps import circle, plate, ring, rod, turned

Outline = Sequence[tuple[float, float]]

_LAYER = 0.004
_POST = 0.013
_TOP = 0.87  # height of a round plate's middle


def _post(top: float = 1.0) -> Shape:
    return rod((0, 0, 0), (0, 0, top), _POST, "metal", 8)


def _layers(*layers: tuple[Outline, str]) -> list[Shape]:
    """Plates in front of the post, from the rearmost, which has a grey back."""
    x = _POST * 0.9
    parts = [plate(layers[0][0], x, x + _LAYER, "metal")]
    for outline, surface in layers:
        x += _LAYER
        parts.append(plate(outline, x, x + _LAYER, surface))
    return parts


def _rectangle(low: tuple[float, float], high: tuple[float, float]) -> Outline:
    (y0, z0), (y1, z1) = low, high
    return [(y0, z0), (y1, z0), (y1, z1), (y0, z1)]


def _bar(x: float, low: tuple[float, float], high: tuple[float, float], surface: str) -> Shape:
    return box((x, *low), (x + _LAYER, *high), surface)


_FRONT = _POST * 0.9 + 3 * _LAYER  # where marks on two layers of plates begin


def _closed() -> Shape:
    """Red-rimmed white disc and a small white plate beneath."""
    disc = _layers((circle(0.125, _TOP, sides=20), "sign_red"),
                   (circle(0.093, _TOP, sides=20), "sign_white"))  # fmt: skip
    small = _layers((_rectangle((-0.11, 0.63), (0.11, 0.71)), "sign_white"))
    text = [_bar(_POST * 0.9 + 2 * _LAYER, (-0.08, z), (0.08, z + 0.012), "sign_black")
            for z in (0.648, 0.68)]  # fmt: skip
    return join(_post(), *disc, *small, *text)


def _priority() -> Shape:
    """Yellow square on its corner, rimmed white."""
    return join(_post(), *_layers(
        (circle(0.165, 0.835, sides=4), "sign_white"),
        (circle(0.115, 0.835, sides=4), "sign_yellow"),
    ))  # fmt: skip


def _yield() -> Shape:
    return join(_post(0.97), *_layers(
        (circle(0.20, 0.90, sides=3, turn=-90), "sign_red"),
        (circle(0.112, 0.90, sides=3, turn=-90), "sign_white"),
    ))  # fmt: skip


def _warning() -> Shape:
    return join(_post(0.97), *_layers(
        (circle(0.19, 0.81, sides=3, turn=90), "sign_red"),
        (circle(0.112, 0.81, sides=3, turn=90), "sign_white"),
    ), _bar(_FRONT, (-0.011, 0.79), (0.011, 0.865), "sign_black"),
       _bar(_FRONT, (-0.011, 0.764), (0.011, 0.78), "sign_black"))  # fmt: skip


def _no_entry() -> Shape:
    parts = _layers((circle(0.128, _TOP, sides=20), "sign_white"),
                    (circle(0.12, _TOP, sides=20), "sign_red"))  # fmt: skip
    bar = _bar(_FRONT, (-0.088, _TOP - 0.021), (0.088, _TOP + 0.021), "sign_white")
    return join(_post(), *parts, bar)


def _no_stopping() -> Shape:
    """Blue disc with a red rim and a red cross: commonest in towns."""
    parts = _layers((circle(0.128, _TOP, sides=20), "sign_red"),
                    (circle(0.098, _TOP, sides=20), "sign_blue"))  # fmt: skip
    bars = [
        turned(_bar(x, (-0.105, _TOP - 0.014), (0.105, _TOP + 0.014), "sign_red"), angle, "x",
               (0, 0, _TOP))
        for x, angle in ((_FRONT, 45), (_FRONT + 0.001, -45))
    ]  # fmt: skip
    return join(_post(), *parts, *bars)


def _parking() -> Shape:
    """Blue square; the stem and the bow of a white P are bars."""
    parts = _layers((_rectangle((-0.125, 0.735), (0.125, 0.985)), "sign_white"),
                    (_rectangle((-0.115, 0.745), (0.115, 0.975)), "sign_blue"))  # fmt: skip
    bars = [((-0.052, 0.775), (-0.018, 0.945)), ((-0.018, 0.917), (0.035, 0.945)),
            ((-0.018, 0.845), (0.035, 0.873)), ((0.029, 0.855), (0.060, 0.935))]  # fmt: skip
    return join(_post(), *parts, *(_bar(_FRONT, low, high, "sign_white") for low, high in bars))


def _mandatory() -> Shape:
    """Blue disc with a white arrow to the right, as before a traffic island."""
    parts = _layers((circle(0.128, _TOP, sides=20), "sign_white"),
                    (circle(0.12, _TOP, sides=20), "sign_blue"))  # fmt: skip
    arrow = [(-0.085, 0.015), (-0.085, -0.015), (0.02, -0.015), (0.02, -0.055), (0.09, 0.0),
             (0.02, 0.055), (0.02, 0.015)]  # fmt: skip
    outline = [(y, _TOP + z) for y, z in arrow]
    return join(_post(), *parts, plate(outline, _FRONT, _FRONT + _LAYER, "sign_white"))


def _direction() -> Shape:
    """A wide yellow board on two posts with two lines of writing and arrows."""
    low, high = (-0.42, 0.58), (0.42, 1.0)
    board = _layers((_rectangle(low, high), "sign_black"),
                    (_rectangle((-0.41, 0.59), (0.41, 0.99)), "sign_yellow"))  # fmt: skip
    posts = [_post(0.98).moved((0, y, 0)) for y in (-0.26, 0.26)]
    marks = []
    for z, long in ((0.86, 0.20), (0.68, 0.32)):
        # Words of bars: at the distance at which boards are seen, writing is dark blocks.
        marks += [_bar(_FRONT, (-0.20 + at, z), (-0.20 + at + 0.085, z + 0.05), "sign_black")
                  for at in (0.0, 0.1, 0.2, 0.3, 0.4) if at < long + 0.15]  # fmt: skip
    up = [(-0.335, 0.84), (-0.305, 0.84), (-0.305, 0.90), (-0.28, 0.90), (-0.32, 0.95),
          (-0.36, 0.90), (-0.335, 0.90)]  # fmt: skip
    left = [(-0.37, 0.705), (-0.33, 0.665), (-0.33, 0.692), (-0.27, 0.692), (-0.27, 0.718),
            (-0.33, 0.718), (-0.33, 0.745)]  # fmt: skip
    arrows = [plate(one, _FRONT, _FRONT + _LAYER, "sign_black") for one in (up, left)]
    return join(*posts, *board, *marks, *arrows)


def _town() -> Shape:
    """A white guide board on two posts with lines of writing and coloured fields."""
    board = _layers((_rectangle((-0.30, 0.42), (0.30, 1.0)), "sign_black"),
                    (_rectangle((-0.29, 0.43), (0.29, 0.99)), "sign_white"))  # fmt: skip
    posts = [_post(0.98).moved((0, y, 0)) for y in (-0.2, 0.2)]
    marks = [_bar(_FRONT, (-0.06, 0.86), (0.22, 0.90), "sign_black"),
             _bar(_FRONT, (-0.06, 0.79), (0.14, 0.83), "sign_black"),
             _bar(_FRONT, (-0.22, 0.79), (-0.12, 0.90), "sign_blue")]  # fmt: skip
    fields = ("sign_blue", "sign_red", "sign_yellow", "sign_blue")
    for z, field in zip((0.69, 0.62, 0.55, 0.48), fields, strict=True):
        marks.append(_bar(_FRONT, (-0.21, z), (-0.17, z + 0.04), field))
        marks.append(_bar(_FRONT, (-0.13, z + 0.005), (0.20, z + 0.032), "sign_black"))
    return join(*posts, *board, *marks)


def traffic_light() -> Shape:
    """Three lenses, the upper one lit, in a black housing with a white rim; visors above them."""
    post = rod((0, 0, 0), (0, 0, 0.97), 0.018, "metal", 8)
    rim = plate(_rectangle((-0.068, 0.70), (0.068, 1.0)), 0.018, 0.022, "sign_white")
    housing = box((0.022, -0.058, 0.71), (0.075, 0.058, 0.99), "lamp_black")
    back = box((-0.022, -0.03, 0.74), (0.018, 0.03, 0.96), "lamp_black")
    lenses = []
    for z, surface in ((0.943, "light_red"), (0.85, "light_amber"), (0.757, "light_green")):
        lenses.append(plate(circle(0.038, z, sides=14), 0.075, 0.079, surface))
        visor = ring((0, 0, 0), 0.042, (0.0025, 0.020), "lamp_black", segments=8, arc=(10, 170))
        lenses.append(turned(visor, 90, "z").moved((0.095, 0, z)))
    push = box((0.018, -0.018, 0.33), (0.045, 0.018, 0.40), "sign_yellow")
    return join(post, rim, housing, back, push, *lenses)


SIGNS: dict[str, Callable[[], Shape]] = {
    "sign": _closed,
    "sign_priority": _priority,
    "sign_yield": _yield,
    "sign_warning": _warning,
    "sign_no_entry": _no_entry,
    "sign_no_stopping": _no_stopping,
    "sign_parking": _parking,
    "sign_mandatory": _mandatory,
    "sign_direction": _direction,
    "sign_guide": _town,
}
"""The shapes that face the traffic, by model."""
