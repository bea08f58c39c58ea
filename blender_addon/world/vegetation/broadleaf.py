"""Broad-leaved trees: a trunk, boughs, and a crown of lobes that fill an outline. No bpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shapes import Shape, box, join
from .foliage import Leaves, Lobes, foliage, shade
from .surfaces import AUTUMN, GREEN, LIME
from .wood import boughs, trunk


@dataclass(frozen=True)
class Broadleaf:
    """How a species grows, about one metre tall.

    Attributes:
        outline: (height, radius) of the crown from its lowest leaves to its top.
        lobes: how many round parts it has.
        lobe: least and largest radius of a part.
        leaves: how they look.
        clear: height at which the first boughs leave the trunk.
        thick: radius of the trunk above its foot.
        bark: its surface.
        squash: height of a lobe in parts of its width.
        core: how much of a lobe dark leaves fill, in parts of its radius; 0 for none.
        lean: how far the middle of the crown is from above the foot.
        scars: dark bands on the bark.
    """

    outline: tuple[tuple[float, float], ...]
    lobes: int
    lobe: tuple[float, float]
    leaves: Leaves
    clear: float
    thick: float
    bark: str = "bark"
    squash: float = 0.85
    core: float = 0.62
    lean: float = 0.02
    scars: int = 0


BROADLEAVES: dict[str, Broadleaf] = {
    "broadleaf": Broadleaf(
        outline=((0.26, 0.22), (0.42, 0.37), (0.62, 0.36), (0.82, 0.25), (0.96, 0.08)),
        lobes=17, lobe=(0.10, 0.17), leaves=Leaves(2500, 0.058, GREEN), clear=0.22, thick=0.028,
    ),
    "broadleaf_wide": Broadleaf(
        outline=((0.36, 0.56), (0.50, 0.66), (0.68, 0.58), (0.84, 0.38), (0.95, 0.12)),
        lobes=22, lobe=(0.12, 0.19), leaves=Leaves(2450, 0.068, LIME, light=0.06), clear=0.22,
        thick=0.036, bark="bark_plane", squash=0.7, core=0.55, lean=0.05,
    ),
    "broadleaf_tall": Broadleaf(
        outline=((0.14, 0.09), (0.32, 0.17), (0.58, 0.175), (0.80, 0.12), (0.96, 0.035)),
        lobes=17, lobe=(0.065, 0.10), leaves=Leaves(2500, 0.042, GREEN), clear=0.12, thick=0.02,
        bark="bark_grey", squash=1.5,
    ),
    "broadleaf_young": Broadleaf(
        outline=((0.40, 0.13), (0.52, 0.22), (0.70, 0.23), (0.86, 0.15), (0.96, 0.05)),
        lobes=9, lobe=(0.085, 0.13), leaves=Leaves(1250, 0.062, LIME), clear=0.40, thick=0.0125,
        bark="bark_grey", core=0.65, lean=0.01,
    ),
    "broadleaf_autumn": Broadleaf(
        outline=((0.32, 0.26), (0.46, 0.36), (0.64, 0.35), (0.82, 0.24), (0.95, 0.08)),
        lobes=15, lobe=(0.10, 0.15), leaves=Leaves(2200, 0.062, AUTUMN, light=0.05), clear=0.30,
        thick=0.024, core=0.55,
    ),
    "birch": Broadleaf(
        outline=((0.26, 0.14), (0.42, 0.24), (0.62, 0.22), (0.82, 0.13), (0.97, 0.03)),
        lobes=15, lobe=(0.07, 0.12),
        leaves=Leaves(2100, 0.044, LIME, clump=9, spread=0.34, light=0.06, droop=1.2), clear=0.24,
        thick=0.017, bark="bark_birch", squash=1.15, core=0.0, lean=0.03, scars=9,
    ),
}  # fmt: skip


def broadleaf(kind: Broadleaf, rng: np.random.Generator) -> Shape:
    """A tree of this kind."""
    lobes = _lobes(kind, rng)
    top = kind.outline[-1][0]
    bend = np.array([kind.lean, rng.normal(0, 0.5) * kind.lean])
    lobes.centres[:, :2] += bend * (lobes.centres[:, 2:] / top)

    def middle(height: float) -> tuple[float, float, float]:
        return (*(bend * height / top), height)

    end = 0.8 * top
    path = [middle(z) for z in (0.0, 0.5 * kind.clear, kind.clear, 0.55 * top, end)]
    parts = [trunk(path, [kind.thick * f for f in (1.0, 0.86, 0.78, 0.45, 0.15)], kind.bark)]
    # The lowest lobes have the lowest and thickest boughs.
    level = np.clip(lobes.centres[:, 2] - 1.1 * lobes.radii, kind.clear, 0.7 * top)
    forks = np.array([middle(float(z)) for z in kind.clear + 0.6 * (level - kind.clear)])
    parts += boughs(forks, lobes.centres, 0.42 * kind.thick, kind.bark, rng)
    if kind.scars:
        parts += _scars(kind, middle, rng)
    if kind.core:
        parts.append(shade(lobes, kind.core, kind.leaves.tones[0], rng))
    return join(*parts, foliage(lobes, kind.leaves, rng))


def _lobes(kind: Broadleaf, rng: np.random.Generator) -> Lobes:
    """Lobes inside the outline, far from each other: of several places the loneliest is taken."""
    heights, reach = np.array(kind.outline).T
    radii = np.sort(rng.uniform(*kind.lobe, kind.lobes))[::-1]
    centres = np.empty((0, 3))
    for radius in radii:
        z = rng.uniform(heights[0] + 0.6 * radius * kind.squash, heights[-1] - 0.4 * radius, 40)
        most = np.maximum(np.interp(z, heights, reach) - 0.75 * radius, 0)
        out = most * rng.uniform(0.0, 1.0, 40) ** 0.35
        angle = rng.uniform(0, 2 * np.pi, 40)
        places = np.stack([out * np.cos(angle), out * np.sin(angle), z], -1)
        away = np.linalg.norm((places[:, None] - centres) / (1, 1, kind.squash), axis=2)
        nearest = away.min(axis=1, initial=1.0)
        centres = np.vstack([centres, places[np.argmax(nearest + rng.uniform(0, 0.03, 40))]])
    return Lobes(centres, radii, kind.squash)


def _scars(kind: Broadleaf, middle, rng: np.random.Generator) -> list[Shape]:
    """Short dark bands, which stand out from the bark by a hair."""
    bands = []
    for height in np.linspace(0.06, 0.5, kind.scars) + rng.uniform(-0.02, 0.02, kind.scars):
        x, y, z = middle(float(height))
        half = kind.thick * float(np.interp(height, (0.0, 0.5), (0.86, 0.5)))
        side = rng.uniform(0, 2 * np.pi)
        dx, dy = 0.35 * half * np.cos(side), 0.35 * half * np.sin(side)
        thin = rng.uniform(0.004, 0.009)
        bands.append(box((x + dx - 0.75 * half, y + dy - 0.75 * half, z - thin),
                         (x + dx + 0.75 * half, y + dy + 0.75 * half, z + thin),
                         "bark_scar"))  # fmt: skip
    return bands
