"""Shapes of street lamps and signs, one metre tall: a node's height scales them. No bpy."""

from __future__ import annotations

import math

import numpy as np

from .shapes import Shape, box, join, polygons, tube

POLE_MODELS = ("lamp", "sign")


def pole(model: str) -> Shape:
    """A lamp whose arm reaches towards +X, or a round sign that faces +X; 1 m tall."""
    shape = _lamp() if model == "lamp" else _sign()
    shape = shape.moved((0, 0, -shape.vertices[:, 2].min()))
    return shape.scaled(1 / shape.vertices[:, 2].max())


def _lamp() -> Shape:
    post = tube([(0, 0, 0), (0, 0, 0.15), (0, 0, 0.97)], [0.014, 0.012, 0.008], "metal", sides=10)
    arm = tube([(0, 0, 0.965), (0.08, 0, 0.99), (0.2, 0, 1.0)], [0.007, 0.006, 0.006], "metal",
               sides=6, axis="x")  # fmt: skip
    head = box((0.16, -0.018, 0.988), (0.26, 0.018, 1.006), "metal")
    glow = box((0.17, -0.014, 0.984), (0.25, 0.014, 0.988), "headlight")
    return join(post, arm, head, glow)


def _sign() -> Shape:
    """Post, a red-rimmed round plate and a small white one beneath."""
    post = tube([(0, 0, 0), (0, 0, 1.0)], [0.013, 0.013], "metal", sides=8)
    plates = [_disc(0.016, 0.125, "sign_red"), _disc(0.02, 0.095, "sign_white"),
              _disc(0.012, 0.125, "metal")]  # fmt: skip
    small = box((0.015, -0.11, 0.63), (0.02, 0.11, 0.71), "sign_white")
    return join(post, *plates, small)


def _disc(x: float, radius: float, surface: str) -> Shape:
    angle = np.arange(20) * (2 * math.pi / 20)
    points = np.stack([np.full(20, x), radius * np.cos(angle), 0.87 + radius * np.sin(angle)], -1)
    return polygons(points, [tuple(range(20))], surface)
