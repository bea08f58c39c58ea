"""Shapes of trees and bushes, one metre tall: a node's height scales them. No bpy."""

from __future__ import annotations

import numpy as np

from .shapes import Shape, ball, cards, join, polygons, tube

TREE_MODELS = ("broadleaf", "conifer", "bush")
_GREENS = ("leaf_dark", "leaf", "leaf_light")


def tree(model: str) -> Shape:
    """A tree or bush, 1 m tall; every build of a model gives the same shape."""
    rng = np.random.default_rng(TREE_MODELS.index(model))
    shape = {"broadleaf": _broadleaf, "conifer": _conifer, "bush": _bush}[model](rng)
    shape = shape.moved((0, 0, -shape.vertices[:, 2].min()))
    return shape.scaled(1 / shape.vertices[:, 2].max())


def _greens(height: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Darker below, lighter above, mixed: height in [0, 1] for each leaf."""
    level = np.clip(height * 2.2 - 0.1 + rng.normal(0, 0.55, len(height)), 0, 2.4)
    return [_GREENS[int(i)] for i in level]


def _crown(
    centres: np.ndarray, radii: np.ndarray, leaves: int, size: float, rng: np.random.Generator
) -> Shape:
    """Dark cores hidden in shells of leaves, one for each centre."""
    cores = [ball(c, r * 0.8, "leaf_dark", sides=8, rings=5)
             for c, r in zip(centres, radii, strict=True)]  # fmt: skip
    which = rng.choice(len(centres), leaves, p=radii**2 / np.sum(radii**2))
    away = rng.normal(size=(leaves, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    depth = rng.uniform(0.78, 1.05, leaves)
    points = centres[which] + away * (radii[which] * depth)[:, None]
    low, high = points[:, 2].min(), points[:, 2].max()
    names = _greens((points[:, 2] - low) / (high - low), rng)
    sizes = size * rng.uniform(0.6, 1.3, leaves)
    return join(*cores, cards(points, sizes, names, rng))


def _broadleaf(rng: np.random.Generator) -> Shape:
    trunk = tube(
        [(0, 0, 0), (0.005, 0, 0.12), (0.0, 0.01, 0.35), (0.01, 0, 0.55)],
        [0.036, 0.026, 0.021, 0.014], "bark", sides=8)  # fmt: skip
    angle = np.arange(6) * (2 * np.pi / 6) + rng.uniform(-0.3, 0.3, 6)
    ring = np.stack([0.17 * np.cos(angle), 0.17 * np.sin(angle), rng.uniform(0.42, 0.66, 6)], -1)
    centres = np.concatenate([ring, [(0, 0, 0.55), (0.03, -0.02, 0.78)]])
    radii = np.concatenate([rng.uniform(0.14, 0.19, 6), [0.21, 0.18]])
    return join(trunk, _crown(centres, radii, 2500, 0.05, rng))


def _bush(rng: np.random.Generator) -> Shape:
    angle = np.arange(5) * (2 * np.pi / 5)
    ring = np.stack([0.36 * np.cos(angle), 0.36 * np.sin(angle), rng.uniform(0.3, 0.5, 5)], -1)
    centres = np.concatenate([ring, [(0, 0, 0.55)]])
    radii = np.concatenate([rng.uniform(0.3, 0.4, 5), [0.42]])
    trunk = tube([(0, 0, -0.02), (0, 0, 0.4)], [0.05, 0.03], "bark", sides=6)
    crown = _crown(centres, radii, 1300, 0.12, rng)
    kept = np.maximum(crown.vertices, (-np.inf, -np.inf, 0.0))
    return join(trunk, Shape(kept, crown.faces, crown.surfaces, crown.smooth))


def _conifer(rng: np.random.Generator) -> Shape:
    trunk = tube([(0, 0, 0), (0, 0, 0.5)], [0.026, 0.014], "bark", sides=8)
    parts = [trunk]
    sides = 14
    for layer in range(9):
        low = 0.10 + 0.095 * layer
        radius = 0.23 * (1 - layer / 9.6)
        angle = np.arange(sides) * (2 * np.pi / sides) + rng.uniform(0, 1)
        reach = radius * np.where(np.arange(sides) % 2, 1.0, 0.68) * rng.uniform(0.85, 1.1, sides)
        skirt = np.stack(
            [reach * np.cos(angle), reach * np.sin(angle), low + rng.uniform(-0.012, 0.012, sides)],
            -1)  # fmt: skip
        points = np.concatenate([skirt, [(0, 0, low + 0.17)]])
        faces = [(i, (i + 1) % sides, sides) for i in range(sides)]
        names = rng.choice(["needle_dark", "needle", "needle"], sides)
        parts.append(polygons(points, faces, [str(n) for n in names]))
    count = 500
    height = 0.1 + 0.86 * (1 - np.sqrt(rng.uniform(0, 1, count)))
    angle = rng.uniform(0, 2 * np.pi, count)
    reach = 0.235 * (1.03 - height) * rng.uniform(0.75, 1.02, count)
    points = np.stack([reach * np.cos(angle), reach * np.sin(angle), height], -1)
    mixed = [str(n) for n in rng.choice(["needle_dark", "needle", "needle_light"], count)]
    parts.append(cards(points, np.full(count, 0.045), mixed, rng))
    return join(*parts)
