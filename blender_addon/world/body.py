"""A human body in a pose, of rings along its bones. No bpy.

Metres, for a person 1.75 m tall who looks towards +X; "right" is -Y and comes first in pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .finishes import Finish
from .shapes import COLOUR, Shape, join
from .sweeps import Point, sweep, turned

STATURE = 1.75
SOLE = 0.085  # from the ankle down
_THIGH, _SHIN = 0.43, 0.42
_UPPER_ARM, _FOREARM = 0.29, 0.26
_PALM = 0.08  # from the wrist to what the hand holds
_SHOULDER = 0.48  # along the spine from the hips

CLOTHES: dict[str, Finish] = {
    "jeans": Finish((0.055, 0.085, 0.16)),
    "trousers_black": Finish((0.014, 0.014, 0.016)),
    "trousers_beige": Finish((0.30, 0.235, 0.155)),
    "trousers_grey": Finish((0.12, 0.12, 0.125)),
    "skirt": Finish((0.15, 0.03, 0.045)),
    "tights": Finish((0.035, 0.03, 0.03)),
    "shoes_light": Finish((0.42, 0.41, 0.40)),
    "hair_blond": Finish((0.28, 0.17, 0.065)),
    "hair_grey": Finish((0.33, 0.32, 0.31)),
    "helmet": Finish((0.45, 0.05, 0.035)),
}


@dataclass(frozen=True)
class Figure:
    """A pose and what is worn; metres and degrees.

    Attributes:
        ankles, wrists: right and left; a limb that is too short for its place stretches that way.
        hips: the middle between the hip joints.
        lean: of the lower back, forward from upright.
        hunch: how much more the shoulders lean.
        nod: of the head, forward from upright.
        toes: how far the right and the left foot point down.
        elbows: the direction in which elbows bend; y is outward.
        knees: the same for knees.
        top, legs, shoes, hair: surfaces.
        sleeve: the part of an arm that the sleeve covers, 0 to 1.
        hem: how far the top reaches below the hips; long ones are coats.
        skirt: how far a skirt reaches below the hips; 0 for none.
        long_hair: whether the hair reaches the shoulders.
        helmet: surface of a helmet, or "".
        girth: factor on the torso's depth.
        breadth: factor on the torso's width.
        head: factor on the head's size.
    """

    ankles: tuple[Point, Point] = ((0.01, -0.1, SOLE), (0.01, 0.1, SOLE))
    wrists: tuple[Point, Point] = ((0.07, -0.25, 0.88), (0.07, 0.25, 0.88))
    hips: Point = (0.0, 0.0, 0.942)
    lean: float = 2.0
    hunch: float = 0.0
    nod: float = 0.0
    toes: tuple[float, float] = (0.0, 0.0)
    elbows: Point = (-1.0, 0.25, -0.2)
    knees: Point = (1.0, 0.05, 0.0)
    top: str = COLOUR
    legs: str = "jeans"
    shoes: str = "shoes"
    hair: str = "hair"
    sleeve: float = 1.0
    hem: float = 0.08
    skirt: float = 0.0
    long_hair: bool = False
    helmet: str = ""
    girth: float = 1.0
    breadth: float = 1.0
    head: float = 1.0


def body(figure: Figure) -> Shape:
    """The whole figure; its feet stand where the ankles were asked for."""
    parts = [_torso(figure), _pelvis(figure), _head(figure)]
    for side in (0, 1):
        parts += [_leg(figure, side), _arm(figure, side)]
    if figure.skirt:
        parts.append(_skirt(figure))
    return join(*parts)


def spine(figure: Figure, distance: float) -> np.ndarray:
    """The point of the backbone's line so far above the hips, metres, shape (3,)."""
    point = np.array(figure.hips, np.float64)
    steps = 8
    for step in range(steps):
        part = (step + 0.5) / steps * distance / _SHOULDER
        angle = math.radians(figure.lean + figure.hunch * max(part, 0.0))
        point += distance / steps * np.array([math.sin(angle), 0.0, math.cos(angle)])
    return point


def middle_joint(
    start: Point, end: Point, first: float, second: float, toward: Point
) -> tuple[np.ndarray, np.ndarray]:
    """Knee or elbow between two ends of a limb, and the end moved within its reach."""
    origin = np.asarray(start, np.float64)
    offset = np.asarray(end, np.float64) - origin
    length = float(np.linalg.norm(offset))
    ahead = offset / length
    reach = min(max(length, abs(first - second) * 1.02), (first + second) * 0.998)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    bend = np.asarray(toward, np.float64)
    bend = bend - (bend @ ahead) * ahead
    bend /= np.linalg.norm(bend)
    joint = origin + along * ahead + math.sqrt(max(first**2 - along**2, 0.0)) * bend
    return joint, origin + reach * ahead


def wrists_at(figure: Figure, grips: tuple[Point, Point]) -> tuple[Point, Point]:
    """Where the wrists are when the right and the left hand close round something."""
    wrists = []
    for side, out in enumerate((-1, 1)):
        shoulder = _shoulder(figure, out)
        toward = np.array(figure.elbows) * (1, out, 1)
        elbow, palm = middle_joint(shoulder, grips[side], _UPPER_ARM, _FOREARM + _PALM, toward)
        wrists.append(tuple(elbow + (palm - elbow) * (_FOREARM / (_FOREARM + _PALM))))
    return wrists[0], wrists[1]


def _shoulder(figure: Figure, out: int) -> np.ndarray:
    return spine(figure, _SHOULDER - 0.035) + (0.0, 0.168 * figure.breadth * out, 0.0)


def _torso(figure: Figure) -> Shape:
    """Top from the hem to the neck, with sloping shoulders."""
    deep = figure.girth
    sections: list[tuple[float, tuple[float, float]]] = [
        (0.0, (0.172, 0.122 * deep)), (0.16, (0.150, 0.112 * deep)),
        (0.32, (0.178, 0.124 * (0.5 + deep / 2))), (0.42, (0.190, 0.115)),
        (0.475, (0.178, 0.098)), (0.515, (0.125, 0.080)), (0.555, (0.064, 0.064)),
    ]  # fmt: skip
    path = [spine(figure, at) for at, _ in sections]
    radii = [radius for _, radius in sections]
    # What hangs below the hips hangs straight down.
    flare = figure.hem * 0.32
    for part, wide in ((0.5, 0.75), (1.0, 1.0)):
        path.insert(0, spine(figure, 0.0) - (0.0, 0.0, part * figure.hem))
        radii.insert(0, (0.172 + wide * flare * 0.45, 0.124 * deep + wide * flare))
    radii = [(wide * figure.breadth, depth) for wide, depth in radii]
    return sweep(path, radii, figure.top, sides=12, across=(0, 1, 0))


def _pelvis(figure: Figure) -> Shape:
    hips = spine(figure, 0.0)
    radii = [(0.085, 0.075), (0.150, 0.108), (0.161, 0.110), (0.135, 0.09)]
    path = [hips - (0.0, 0.0, 0.13), hips - (0.0, 0.0, 0.07), hips, spine(figure, 0.07)]
    surface = "skirt" if figure.skirt else figure.legs
    return sweep(path, radii, surface, sides=10, across=(0, 1, 0))


def _skirt(figure: Figure) -> Shape:
    x, y, z = figure.hips
    long = figure.skirt
    path = [(x, y, z - at) for at in (long, long * 0.5, 0.05, -0.1)]
    radii = [(0.215, 0.24), (0.205, 0.205), (0.176, 0.14), (0.15, 0.11)]
    return sweep(path, radii, "skirt", sides=12, across=(0, 1, 0))


def _leg(figure: Figure, side: int) -> Shape:
    out = 2 * side - 1
    hip = np.array(figure.hips) + (0.0, 0.088 * out, -0.01)
    toward = np.array(figure.knees) * (1, out, 1)
    knee, ankle = middle_joint(hip, figure.ankles[side], _THIGH, _SHIN, toward)
    path = [hip + 0.01 * (hip - knee), hip + 0.3 * (knee - hip),
            hip + 0.8 * (knee - hip), knee, knee + 0.3 * (ankle - knee), ankle]  # fmt: skip
    bare = figure.legs in ("skin", "tights")
    radii = [0.074, 0.085, 0.068, 0.062, 0.062, 0.052]
    if bare:
        radii = [0.066, 0.073, 0.060, 0.054, 0.057, 0.036]
    leg = sweep(path, radii, figure.legs, across=(0, 1, 0))
    return join(leg, _shoe(ankle, figure.toes[side], out, figure.shoes))


def _shoe(ankle: np.ndarray, toe_down: float, out: int, surface: str) -> Shape:
    xs = (-0.075, -0.05, 0.03, 0.10, 0.165, 0.2)
    middles = (-0.045, -0.035, -0.035, -0.055, -0.063, -0.068)
    radii = [(0.026, 0.03), (0.040, 0.05), (0.043, 0.048), (0.048, 0.034), (0.042, 0.024),
             (0.016, 0.014)]  # fmt: skip
    path = [(x, 0.0, z) for x, z in zip(xs, middles, strict=True)]
    foot = sweep(path, radii, surface, across=(0, 1, 0))
    flat = foot.vertices.copy()
    flat[:, 2] = np.maximum(flat[:, 2], -SOLE)
    foot = Shape(flat, foot.faces, foot.surfaces, foot.smooth)
    return turned(turned(foot, toe_down, "y"), 7.0 * out, "z").moved(ankle)


def _arm(figure: Figure, side: int) -> Shape:
    out = 2 * side - 1
    shoulder = _shoulder(figure, out)
    inner = spine(figure, _SHOULDER + 0.005) + (0.0, 0.11 * figure.breadth * out, 0.0)
    toward = np.array(figure.elbows) * (1, out, 1)
    elbow, wrist = middle_joint(shoulder, figure.wrists[side], _UPPER_ARM, _FOREARM, toward)
    deltoid = shoulder + 0.2 * (elbow - shoulder) + (0.0, 0.010 * out, 0.0)
    path = [inner, 0.35 * inner + 0.65 * shoulder, deltoid, shoulder + 0.6 * (elbow - shoulder)]
    path += [elbow, elbow + 0.4 * (wrist - elbow), wrist]
    radii = [0.022, 0.048, 0.057, 0.052, 0.047, 0.043, 0.034]
    hand = _hand(elbow, wrist)
    forward = (0.2, 1.0, 0.1)
    if figure.sleeve >= 1:
        return join(sweep(path, radii, figure.top, across=forward), hand)
    sleeve = sweep(path[:4], [r + 0.006 for r in radii[:4]], figure.top, across=forward)
    return join(sleeve, sweep(path[3:], radii[3:], "skin", across=forward), hand)


def _hand(elbow: np.ndarray, wrist: np.ndarray) -> Shape:
    ahead = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    path = [wrist + at * ahead for at in (-0.02, 0.02, 0.07, 0.12, 0.16)]
    radii = [(0.022, 0.027), (0.024, 0.032), (0.024, 0.044), (0.020, 0.038), (0.010, 0.018)]
    return sweep(path, radii, "skin", sides=6, across=(0.2, 1.0, 0.1))


def _head(figure: Figure) -> Shape:
    """Neck, face with a nose, hair or helmet; made upright and then nodded about the nape."""
    nape = spine(figure, 0.55)
    k = figure.head
    neck = sweep([(-0.005, 0, -0.035), (0.012, 0, 0.10)], [0.058, 0.050], "skin")
    face = sweep(
        [(0.045, 0, 0.022), (0.042, 0, 0.045), (0.025, 0, 0.085), (0.016, 0, 0.13),
         (0.01, 0, 0.175), (0.005, 0, 0.225), (0.0, 0, 0.25)],
        [(0.022, 0.024), (0.044, 0.047), (0.064, 0.074), (0.073, 0.088), (0.074, 0.092),
         (0.058, 0.075), (0.025, 0.035)],
        "skin", sides=10, across=(0, 1, 0))  # fmt: skip
    nose = sweep([(0.098, 0, 0.09), (0.106, 0, 0.10), (0.098, 0, 0.145)],
                 [0.012, 0.015, 0.006], "skin", sides=5)  # fmt: skip
    parts = [neck, face, nose, _hair(figure)]
    if figure.helmet:
        parts.append(_helmet(figure.helmet))
    head = join(*parts).scaled(k)
    return turned(head, figure.nod, "y").moved(nape)


def _hair(figure: Figure) -> Shape:
    path = [(-0.045, 0, 0.065), (-0.030, 0, 0.115), (-0.010, 0, 0.165), (-0.002, 0, 0.215),
            (-0.002, 0, 0.245), (-0.002, 0, 0.262)]  # fmt: skip
    radii = [(0.050, 0.036), (0.076, 0.070), (0.083, 0.094), (0.076, 0.092), (0.055, 0.068),
             (0.024, 0.03)]  # fmt: skip
    if figure.long_hair:
        path[0] = (-0.05, 0, 0.06)
        radii[0] = (0.084, 0.052)
        path[:0] = [(-0.075, 0, -0.06), (-0.065, 0, 0.0)]
        radii[:0] = [(0.055, 0.025), (0.085, 0.042)]
    return sweep(path, radii, figure.hair, sides=10, across=(0, 1, 0))


def _helmet(surface: str) -> Shape:
    path = [(-0.015, 0, 0.165), (-0.012, 0, 0.20), (-0.012, 0, 0.245), (-0.018, 0, 0.28),
            (-0.02, 0, 0.292)]  # fmt: skip
    radii = [(0.090, 0.125), (0.096, 0.128), (0.082, 0.108), (0.045, 0.062), (0.02, 0.03)]
    return sweep(path, radii, surface, sides=10, across=(0, 1, 0))
