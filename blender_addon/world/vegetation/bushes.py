"""Bushes: lobes that rest on the ground, leafy down to it. No bpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shapes import Shape, join
from .foliage import Leaves, Lobes, foliage, kites, shade
from .surfaces import GREEN, LIME
from .wood import boughs


@dataclass(frozen=True)
class Bush:
    """How a bush grows, about one metre tall.

    Attributes:
        wide: radius on the ground.
        lobes: how many round parts it has, beside one in the middle.
        lobe: least and largest radius of a part.
        leaves: how they look.
        petals: surface of its flowers; empty for none.
        flowers: how many cards of them.
        squash: height of a lobe in parts of its width.
        rough: how much the lobes differ in height.
    """

    wide: float
    lobes: int
    lobe: tuple[float, float]
    leaves: Leaves
    petals: str = ""
    flowers: int = 0
    squash: float = 1.0
    rough: float = 0.5


BUSHES: dict[str, Bush] = {
    "bush": Bush(0.55, 11, (0.22, 0.36), Leaves(1500, 0.115, GREEN)),
    "bush_low": Bush(1.0, 13, (0.38, 0.55), Leaves(1400, 0.20, GREEN, light=0.04), rough=0.25),
    "bush_flowering": Bush(0.58, 10, (0.24, 0.36), Leaves(1300, 0.12, LIME, light=-0.05),
                           petals="petal_pink", flowers=330),
    "bush_wild": Bush(0.68, 19, (0.15, 0.30), Leaves(2300, 0.095, GREEN, spread=0.3), rough=1.0),
}  # fmt: skip


def bush(kind: Bush, rng: np.random.Generator) -> Shape:
    """A bush of this kind."""
    radii = rng.uniform(*kind.lobe, kind.lobes)
    angle = np.arange(kind.lobes) * 2.4 + rng.uniform(-0.3, 0.3, kind.lobes)
    out = kind.wide * np.sqrt((np.arange(kind.lobes) + 0.6) / kind.lobes) - 0.4 * radii
    top = (1 - kind.rough * rng.uniform(0, 0.7, kind.lobes)) * np.sqrt(
        np.maximum(1 - (out / (1.25 * kind.wide)) ** 2, 0.1)
    )
    # Every other one rests on the ground, so that the bush is leafy down to it.
    low = 0.4 * radii
    height = np.where(np.arange(kind.lobes) % 2, low, np.maximum(top - radii, low))
    ring = np.stack([out * np.cos(angle), out * np.sin(angle), height], -1)
    lobes = Lobes(
        np.vstack([ring, (0, 0, 0.55)]),
        np.append(radii, 0.42 * min(kind.wide, 1.0) + 0.1),
        kind.squash,
    )
    roots = np.zeros_like(lobes.centres)
    roots[:, :2] = 0.06 * rng.normal(size=(len(roots), 2)) * kind.wide
    stems = boughs(roots, lobes.centres, 0.022, "bark", rng)
    stems = tuple(_above_ground(stem) for stem in stems)
    parts = [
        *stems,
        shade(lobes, 0.9, kind.leaves.tones[0], rng, each=12),
        foliage(lobes, kind.leaves, rng),
    ]
    if kind.petals:
        parts.append(_flowers(lobes, kind, rng))
    return join(*parts)


def _above_ground(shape: Shape) -> Shape:
    kept = np.maximum(shape.vertices, (-np.inf, -np.inf, 0.0))
    return Shape(kept, shape.faces, shape.surfaces, shape.smooth)


def _flowers(lobes: Lobes, kind: Bush, rng: np.random.Generator) -> Shape:
    """Cards of petals in heads on the outside of the upper half."""
    heads = kind.flowers // 5
    which = rng.choice(len(lobes.radii), 4 * heads)
    away = rng.normal(size=(4 * heads, 3))
    away[:, 2] = np.abs(away[:, 2])
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    points = lobes.centres[which] + away * (0.97 * lobes.radii[which])[:, None]
    outside = np.argsort(lobes.depth(points), kind="stable")[:heads]
    points, away = points[outside], away[outside]
    shift = rng.normal(0, 0.028, (heads, 5, 3))
    places = (points[:, None] + shift).reshape(-1, 3)
    normals = np.repeat(away, 5, axis=0) + rng.normal(0, 0.4, (5 * heads, 3))
    return kites(places, normals, np.full(5 * heads, 0.055), [kind.petals] * (5 * heads), rng)
