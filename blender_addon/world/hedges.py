"""Hedges and verges: what grows along a street, in sections along Y. No bpy.

Each section is grown from a seed of its own, so that a row does not repeat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..contract.street import BARRIER_SECTION
from .shapes import Shape, join, polygons
from .vegetation.foliage import SPRAY_REACH, kites, sprays
from .vegetation.surfaces import GREEN, LIME

_RING = 8  # corners of a hedge's cross section


@dataclass(frozen=True)
class Hedge:
    """A clipped hedge.

    Attributes:
        height, depth: metres.
        cards: in each section.
        size: width of a card.
        tones: surfaces from deep inside to sunlit.
        rough: how far leaves stand out, metres.
    """

    height: float
    depth: float
    cards: int
    size: float
    tones: tuple[str, ...]
    rough: float


HEDGES: dict[str, Hedge] = {
    "hedge": Hedge(1.3, 0.75, 196, 0.185, GREEN, 0.05),
    "hedge_tall": Hedge(2.2, 0.95, 196, 0.23, (*GREEN[:2], *LIME[1:4]), 0.10),
}


def hedge(kind: Hedge, sections: int) -> Shape:
    """A row of clipped hedge: a dark body in a skin of leaves."""
    parts = [_body(kind, sections)]
    for number in range(sections):
        rng = np.random.default_rng([number, round(10 * kind.height)])
        middle = (number + 0.5 - sections / 2) * BARRIER_SECTION
        parts.append(_skin(kind, rng, number == 0, number == sections - 1).moved((0, middle, 0)))
    return join(*parts)


def _body(kind: Hedge, sections: int) -> Shape:
    """A dented dark box, closed."""
    rows = 2 * sections + 1
    rng = np.random.default_rng(3)
    wide, high = kind.depth / 2 - 0.07, kind.height - 0.09
    outline = np.array([(-0.8, 0.0), (0.8, 0.0), (1.0, 0.35), (1.0, 0.8), (0.85, 1.0),
                        (-0.85, 1.0), (-1.0, 0.8), (-1.0, 0.35)]) * (wide, high)  # fmt: skip
    y = np.linspace(-1, 1, rows) * (sections * BARRIER_SECTION / 2 - 0.06)
    points = np.empty((rows, _RING, 3))
    points[..., (0, 2)] = outline
    points[..., 1] = y[:, None]
    points[:, 2:, 0] += rng.uniform(-0.04, 0.03, (rows, _RING - 2)) * np.sign(outline[2:, 0])
    points[:, 2:, 2] += rng.uniform(-0.05, 0.02, (rows, _RING - 2))
    number = np.arange(rows * _RING).reshape(rows, _RING)
    faces = [
        (number[r, k], number[r + 1, k], number[r + 1, (k + 1) % _RING], number[r, (k + 1) % _RING])
        for r in range(rows - 1)
        for k in range(_RING)
    ]
    faces += [tuple(number[0]), tuple(number[-1, ::-1])]
    return polygons(points, [tuple(map(int, face)) for face in faces], "hedge_body")


def _skin(kind: Hedge, rng: np.random.Generator, first: bool, last: bool) -> Shape:
    """The leaves of one section: most on the front and the top, some at the ends of the row."""
    wide, half = kind.depth / 2 - 0.02, BARRIER_SECTION / 2
    sides = {"front": 1.0 * kind.height, "back": 0.55 * kind.height, "top": 1.1 * kind.depth}
    share = 0.3 * kind.depth * kind.height
    sides |= {name: share for name, there in (("low", first), ("high", last)) if there}
    areas = np.array(list(sides.values()))
    counts = np.floor(kind.cards * areas / areas.sum()).astype(int)
    points, normals = [], []
    for name, count in zip(sides, counts, strict=True):
        a, z = rng.uniform(-1, 1, count), rng.uniform(0.03, 1.0, count) * (kind.height - 0.05)
        out = rng.uniform(-0.6, 1.0, count) * kind.rough
        # The sides lean in a little towards the top, as clipped hedges do.
        lean = wide * (1 - 0.08 * z / kind.height)
        if name in ("front", "back"):
            sign = 1.0 if name == "front" else -1.0
            points.append(np.stack([sign * (lean + out), a * half, z], -1))
            normals.append((sign, 0.0, 0.35))
        elif name == "top":
            x = rng.uniform(-1, 1, count) * 0.92 * wide
            points.append(np.stack([x, a * half, kind.height - 0.06 + 0.7 * out], -1))
            normals.append((0.0, 0.0, 1.0))
        else:
            sign = -1.0 if name == "low" else 1.0
            points.append(np.stack([a * lean, sign * (half - 0.05 + 0.6 * out), z], -1))
            normals.append((0.0, sign, 0.35))
    places = np.concatenate(points)
    around = np.repeat(normals, counts, axis=0) + rng.normal(0, 0.42, (len(places), 3))
    size = kind.size * rng.uniform(0.6, 1.25, len(places))
    places[:, 2] = np.maximum(places[:, 2], SPRAY_REACH * size)
    lit = 0.26 + 0.30 * places[:, 2] / kind.height + 0.16 * around[:, 2]
    lit += 0.10 * np.sin(7 * places[:, 1] + 5 * places[:, 2]) + rng.normal(0, 0.10, len(places))
    tone = np.clip(lit * len(kind.tones), 0, len(kind.tones) - 1)
    return sprays(places, around, size, [kind.tones[int(i)] for i in tone], rng)


def verge(sections: int) -> Shape:
    """Low grass tufts, weeds and fallen leaves, 1.5 m deep; the lawn shows between them."""
    parts = []
    for number in range(sections):
        rng = np.random.default_rng([number, 6])
        middle = (number + 0.5 - sections / 2) * BARRIER_SECTION
        parts.append(_patch(rng).moved((0, middle, 0)))
    return join(*parts)


def _patch(rng: np.random.Generator) -> Shape:
    """2 m of verge: tufts of blades as triangles, weeds and litter as cards."""
    blades_of_tuft, tufts = 5, 21
    count = tufts * blades_of_tuft
    tuft = np.repeat(np.arange(tufts), blades_of_tuft)
    centre = rng.uniform(-1, 1, (tufts, 2)) * (0.62, 0.9)
    tall = rng.uniform(0.10, 0.24, tufts)[tuft] * rng.uniform(0.7, 1.2, count)
    angle = rng.uniform(0, 2 * np.pi, count)
    out = np.stack([np.cos(angle), np.sin(angle)], -1)
    foot = centre[tuft] + 0.05 * out
    side = np.stack([-out[:, 1], out[:, 0]], -1) * rng.uniform(0.03, 0.055, (count, 1))
    points = np.zeros((count, 3, 3))
    points[:, 0, :2], points[:, 1, :2] = foot + side, foot - side
    points[:, 2, :2] = foot + out * (tall * rng.uniform(0.2, 0.9, count))[:, None]
    points[:, 2, 2] = tall
    names = rng.choice(["grass_blade_dark", "grass_blade", "leaf_light", "grass_blade_dry"], tufts,
                       p=(0.35, 0.4, 0.1, 0.15))[tuft]  # fmt: skip
    blades = polygons(points, [(3 * i, 3 * i + 1, 3 * i + 2) for i in range(count)],
                      [str(name) for name in names])  # fmt: skip
    cards = 24
    place = np.zeros((cards, 3))
    place[:, :2] = rng.uniform(-1, 1, (cards, 2)) * (0.68, 0.94)
    place[:, 2] = 0.03
    kinds = ["leaf_litter"] * 11 + ["leaf"] * 9 + ["weed_flower"] * 4
    size = np.array([0.07] * 11 + [0.13] * 9 + [0.05] * 4)
    place[20:, 2] = rng.uniform(0.1, 0.2, 4)
    normals = np.array((0.0, 0.0, 1.0)) + rng.normal(0, 0.15, (cards, 3))
    return join(blades, kites(place, normals, size, kinds, rng))
