"""Conifers: whorls of hanging boughs, a pine's flat tufts, a narrow garden conifer. No bpy."""

from __future__ import annotations

import numpy as np

from ..shapes import Face, Shape, join, polygons
from ..sweeps import sweep
from .foliage import Leaves, Lobes, foliage, kites, shade
from .surfaces import NEEDLES
from .wood import boughs, trunk


def spruce(rng: np.random.Generator) -> Shape:
    """Whorls of boughs that hang and overlap, the lowest nearly on the ground."""
    parts = [trunk([(0, 0, 0), (0, 0, 0.5), (0, 0, 0.94)], [0.02, 0.012, 0.003], "bark")]
    whorls = 17
    for number in range(whorls):
        share = number / (whorls - 1)
        height = 0.10 + 0.84 * share**0.95
        reach = 0.235 * (1 - share) ** 0.85 + 0.015
        count = max(5, round(13 - 8 * share))
        angle = np.arange(count) * (2 * np.pi / count) + rng.uniform(0, 2 * np.pi)
        angle += rng.uniform(-0.2, 0.2, count)
        length = reach * rng.uniform(0.72, 1.15, count)
        parts += [_fan(a, height + rng.uniform(-0.015, 0.015), float(r), rng)
                  for a, r in zip(angle, length, strict=True)]  # fmt: skip
    parts.append(_tip(rng))
    return join(*parts)


def _fan(angle: float, height: float, length: float, rng: np.random.Generator) -> Shape:
    """A bough: a bent leaf-shaped sheet, and ragged twigs along it."""
    along = np.array((np.cos(angle), np.sin(angle), 0.0))
    side = np.array((-np.sin(angle), np.cos(angle), 0.0))
    up = np.array((0.0, 0.0, 1.0))
    fall = rng.uniform(0.25, 0.5)

    def at(share: float, out: float) -> np.ndarray:
        drop = 0.06 * share - fall * share**2 - 0.5 * abs(out)
        # The lowest boughs lie on the ground.
        level = max(height + length * drop, 0.012)
        return up * level + length * (along * share + side * out)

    points = np.array([at(0, 0), at(0.45, 0.24), at(0.5, 0.0), at(0.45, -0.24), at(1.0, 0.0)])
    faces: list[Face] = [(0, 2, 1), (0, 3, 2), (1, 2, 4), (2, 3, 4)]
    tone = rng.choice(NEEDLES[1:4], p=(0.45, 0.4, 0.15))
    sheet = polygons(points, faces, [NEEDLES[0], NEEDLES[0], str(tone), str(tone)])
    count = 8
    share = rng.uniform(0.35, 1.0, count)
    out = rng.uniform(-0.3, 0.3, count) * (1.25 - share)
    places = np.array([at(s, o) for s, o in zip(share, out, strict=True)])
    number = np.clip(4.2 * share - 0.9 + rng.normal(0, 0.8, count), 0, 3.9)
    normals = 0.5 * up + 0.4 * along + rng.normal(0, 0.5, (count, 3))
    size = (0.022 + 0.14 * length) * rng.uniform(0.7, 1.3, count)
    places[:, 2] = np.maximum(places[:, 2], size / 2)
    return join(sheet, kites(places, normals, size, [NEEDLES[int(i)] for i in number], rng))


def _tip(rng: np.random.Generator) -> Shape:
    height = rng.uniform(0.9, 1.0, 14)
    places = np.stack([*rng.normal(0, 0.006, (2, 14)), height], -1)
    return kites(places, rng.normal(size=(14, 3)) * (1, 1, 0.3), np.full(14, 0.03),
                 [NEEDLES[2]] * 14, rng)  # fmt: skip


def pine(rng: np.random.Generator) -> Shape:
    """A long bare stem, red-brown above, and flat tufts of dark needles at the top."""
    count = 13
    height = np.sort(rng.uniform(0.52, 0.93, count))
    out = np.interp(height, (0.5, 0.65, 0.95), (0.17, 0.23, 0.03)) * rng.uniform(0.55, 1.1, count)
    angle = np.arange(count) * 2.4 + rng.uniform(-0.3, 0.3, count)
    centres = np.stack([out * np.cos(angle) + 0.02, out * np.sin(angle), height], -1)
    lobes = Lobes(centres, rng.uniform(0.085, 0.13, count), 0.55)
    path = [(0, 0, 0), (0.006, 0, 0.28), (-0.008, 0.005, 0.5), (0.015, 0, 0.72), (0.02, 0, 0.92)]
    lower = trunk(path[:3], [0.024, 0.019, 0.0165], "bark_grey")
    upper = sweep(path[2:], [0.0165, 0.011, 0.004], "bark_pine", sides=7)
    forks = np.stack([np.full(count, 0.01), np.zeros(count), height - 0.06], -1)
    # Two stubs of dead boughs on the bare stem.
    forks = np.vstack([forks, [(0, 0, 0.40), (0, 0, 0.47)]])
    ends = np.vstack([centres, [(0.09, 0.03, 0.43), (-0.07, 0.05, 0.49)]])
    leaves = Leaves(1900, 0.046, NEEDLES[:4], clump=9, spread=0.3, light=0.02)
    return join(lower, upper, *boughs(forks, ends, 0.007, "bark_pine", rng),
                shade(lobes, 0.8, NEEDLES[0], rng), foliage(lobes, leaves, rng))  # fmt: skip


def column(rng: np.random.Generator) -> Shape:
    """A narrow garden conifer, leafy from the ground: a spire of upright tufts."""
    height = np.linspace(0.09, 0.9, 15)
    out = np.interp(height, (0.0, 0.3, 0.9), (0.075, 0.085, 0.0)) * rng.uniform(0.3, 0.9, 15)
    angle = np.arange(15) * 2.4
    centres = np.stack([out * np.cos(angle), out * np.sin(angle), height], -1)
    radii = np.interp(height, (0.0, 0.35, 0.9), (0.075, 0.085, 0.03)) * rng.uniform(0.9, 1.1, 15)
    lobes = Lobes(centres, radii, 1.5)
    stem = trunk([(0, 0, 0), (0, 0, 0.1), (0, 0, 0.5)], [0.018, 0.014, 0.005], "bark")
    leaves = Leaves(1500, 0.042, NEEDLES, spread=0.3, light=-0.04)
    return join(stem, shade(lobes, 1.0, NEEDLES[0], rng), foliage(lobes, leaves, rng))
