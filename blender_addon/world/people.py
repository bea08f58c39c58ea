"""Shapes of people, one metre tall: a node's height scales them. No bpy."""

from __future__ import annotations

import math

from .shapes import COLOUR, Shape, ball, box, join, tube

PERSON_MODELS = ("standing", "walking")
_TALL = 1.76


def person(model: str) -> Shape:
    """A person who looks towards +X, 1 m tall."""
    stride = 0.0 if model == "standing" else 26.0
    parts = [_torso(), _head()]
    for side in (-1, 1):
        swing = side * stride
        parts.append(_leg(side * 0.095, swing))
        parts.append(_arm(side * 0.225, -0.8 * swing))
    shape = join(*parts).on_base()
    return shape.scaled(1 / shape.size[2])


def _torso() -> Shape:
    coat = tube(
        [(0, 0, z) for z in (0.80, 0.95, 1.15, 1.34, 1.44, 1.48)],
        [(0.125, 0.175), (0.12, 0.165), (0.125, 0.185), (0.12, 0.205), (0.09, 0.16), (0.06, 0.07)],
        COLOUR, sides=10)  # fmt: skip
    return coat


def _head() -> Shape:
    neck = tube([(0, 0, 1.44), (0.01, 0, 1.56)], [0.055, 0.05], "skin", sides=8)
    face = ball((0.02, 0, 1.635), (0.098, 0.078, 0.125), "skin", sides=10, rings=6)
    hair = ball((-0.012, 0, 1.672), (0.1, 0.085, 0.105), "hair", sides=10, rings=6)
    return join(neck, face, hair)


def _leg(y: float, swing: float) -> Shape:
    """A leg turned about the hip by ``swing`` degrees, bent at the knee when it is behind."""
    hip, thigh, shin = 0.88, 0.43, 0.42
    angle = math.radians(swing)
    bend = math.radians(18.0) if swing < 0 else 0.0
    knee = (thigh * math.sin(angle), y, hip - thigh * math.cos(angle))
    ankle = (knee[0] + shin * math.sin(angle - bend), y, knee[2] - shin * math.cos(angle - bend))
    trousers = tube([(0, y, hip), knee, ankle], [(0.09, 0.085), 0.062, 0.05], "trousers")
    shoe = box((ankle[0] - 0.07, y - 0.045, ankle[2] - 0.035),
               (ankle[0] + 0.19, y + 0.045, ankle[2] + 0.05), "shoes")  # fmt: skip
    return join(trousers, shoe)


def _arm(y: float, swing: float) -> Shape:
    angle = math.radians(swing)
    elbow = (0.29 * math.sin(angle), y * 1.12, 1.40 - 0.29 * math.cos(angle))
    fore = angle + math.radians(18.0)
    wrist = (elbow[0] + 0.25 * math.sin(fore), y * 1.14, elbow[2] - 0.25 * math.cos(fore))
    sleeve = tube([(0, y * 0.82, 1.43), elbow, wrist], [0.06, 0.05, 0.04], COLOUR)
    hand = ball((wrist[0], wrist[1], wrist[2] - 0.06), (0.045, 0.03, 0.075), "skin", rings=4)
    return join(sleeve, hand)
