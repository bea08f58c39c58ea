"""Leaves: cards in clumps over the lobes of a crown, light outside and dark within. No bpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shapes import Shape, polygons

SPRAY_REACH = 0.7
"""No corner of a spray is further from its middle, in parts of its width."""

_UP = np.array((0.0, 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class Lobes:
    """The round parts that a crown is made of.

    Attributes:
        centres: N x 3.
        radii: N.
        squash: height of a lobe in parts of its width.
    """

    centres: np.ndarray
    radii: np.ndarray
    squash: float = 1.0

    def depth(self, points: np.ndarray) -> np.ndarray:
        """How deep points (P x 3) lie: 0 on the surface, 1 in the middle of a lobe; P."""
        away = points[:, None] - self.centres
        away[..., 2] /= self.squash
        return 1 - (np.linalg.norm(away, axis=2) / self.radii).min(axis=1)


@dataclass(frozen=True)
class Leaves:
    """How a plant's leaves look.

    Attributes:
        count: cards, each of which stands for a spray of leaves.
        size: width of a card.
        tones: surfaces from deep inside to sunlit.
        clump: cards that hang together.
        spread: radius of a clump in parts of its lobe's.
        light: shifts all cards towards the sunlit tones.
        droop: how far below its clump a card hangs, in parts of its length.
    """

    count: int
    size: float
    tones: tuple[str, ...]
    clump: int = 7
    spread: float = 0.26
    light: float = 0.0
    droop: float = 0.0


def foliage(lobes: Lobes, leaves: Leaves, rng: np.random.Generator) -> Shape:
    """The leaves of a crown."""
    clumps = -(-leaves.count // leaves.clump)
    which, seeds = _clump_centres(lobes, clumps, rng)
    owner = np.repeat(np.arange(clumps), leaves.clump)[: leaves.count]
    radius = lobes.radii[which][owner]
    # No leaf is so far from the others of its clump that it seems to float.
    shift = np.clip(rng.normal(0, 1, (leaves.count, 3)), -1.6, 1.6) * (1, 1, 0.6)
    points = seeds[owner] + shift * (radius * leaves.spread * 0.6)[:, None]
    points[:, 2] -= leaves.droop * leaves.size * rng.uniform(0, 1, leaves.count)
    size = leaves.size * rng.uniform(0.6, 1.3, leaves.count)
    points[:, 2] = np.maximum(points[:, 2], SPRAY_REACH * size)

    outward = points - lobes.centres[which][owner]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    normals = 0.75 * outward + 0.45 * _UP + rng.normal(0, 0.55, points.shape)
    tones = _tones(lobes, points, outward, leaves, owner, rng)
    return sprays(points, normals, size, tones, rng)


def sprays(
    centres: np.ndarray,
    normals: np.ndarray,
    size: np.ndarray,
    surfaces: list[str],
    rng: np.random.Generator,
) -> Shape:
    """Cards of three leaflets, each turned about its normal at random.

    One face each; a fan of triangles from its first corner, the stalk, covers it.

    Args:
        centres: N x 3.
        normals: N x 3, of any length.
        size: N widths.
        surfaces: one name for each card.
        rng: turns the cards and makes no two alike.
    """
    count = len(centres)
    first, second = _plane(normals, rng)
    # Stalk, then tip, notch, tip, notch, tip: angles from the middle leaflet and reaches.
    angle = np.radians((0.0, -62.0, -30.0, 0.0, 30.0, 62.0)) + rng.normal(0, 0.07, (count, 6))
    reach = np.array((0.0, 0.50, 0.37, 0.62, 0.37, 0.50)) * rng.uniform(0.8, 1.25, (count, 6))
    along, side = reach * np.cos(angle) - 0.28, reach * np.sin(angle)
    points = centres[:, None] + size[:, None, None] * (
        along[..., None] * first[:, None] + side[..., None] * second[:, None]
    )
    return polygons(points, _numbered(count, 6), surfaces)


def kites(
    centres: np.ndarray,
    normals: np.ndarray,
    size: np.ndarray,
    surfaces: list[str],
    rng: np.random.Generator,
) -> Shape:
    """Pointed cards of four corners; as ``sprays``, but ``size`` is a length."""
    count = len(centres)
    first, second = _plane(normals, rng)
    half = size[:, None] / 2
    wide = half * second * rng.uniform(0.55, 0.95, (count, 1))
    belly = half * first * rng.uniform(-0.25, 0.25, (count, 1))
    long = half * first
    corners = (-long, belly - wide, long, belly + wide)
    points = np.stack([centres + corner for corner in corners], axis=1)
    return polygons(points, _numbered(count, 4), surfaces)


def _plane(normals: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors across each normal, square to each other, turned at random."""
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    first = np.cross(normals, rng.normal(size=normals.shape))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return first, np.cross(normals, first)


def _numbered(count: int, corners: int) -> list[tuple[int, ...]]:
    return [tuple(range(corners * i, corners * (i + 1))) for i in range(count)]


def shade(
    lobes: Lobes, share: float, surface: str, rng: np.random.Generator, *, each: int = 8
) -> Shape:
    """Large dark cards within the lobes, which keep the sky from showing through their middles.

    Args:
        share: radius that they fill, in parts of the lobe's.
        surface: of all faces.
        rng: places and turns them.
        each: cards in a lobe.
    """
    radius = np.repeat(lobes.radii, each) * share
    shift = rng.uniform(-0.45, 0.45, (len(radius), 3)) * (1, 1, lobes.squash)
    points = np.repeat(lobes.centres, each, axis=0) + shift * radius[:, None]
    size = 1.5 * radius * rng.uniform(0.7, 1.1, len(radius))
    points[:, 2] = np.maximum(points[:, 2], SPRAY_REACH * size)
    normals = rng.normal(size=points.shape)
    return sprays(points, normals, size, [surface] * len(points), rng)


def _clump_centres(
    lobes: Lobes, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Lobe number and place of each clump: near the surface of the crown, not inside it."""
    tries = 6 * count
    weight = lobes.radii**1.5  # between radius and area, or small lobes would be too thin
    which = rng.choice(len(lobes.radii), tries, p=weight / weight.sum())
    away = rng.normal(size=(tries, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    reach = lobes.radii[which] * rng.uniform(0.6, 0.97, tries)
    # What hangs below the lowest lobes would seem to float.
    reach *= 1 + 0.25 * np.minimum(away[:, 2], 0)
    points = lobes.centres[which] + away * reach[:, None] * (1, 1, lobes.squash)
    unwanted = np.maximum(lobes.depth(points) - 0.3, 0)
    best = np.argsort(unwanted + rng.uniform(0, 0.08, tries), kind="stable")[:count]
    return which[best], points[best]


def _tones(
    lobes: Lobes,
    points: np.ndarray,
    outward: np.ndarray,
    leaves: Leaves,
    owner: np.ndarray,
    rng: np.random.Generator,
) -> list[str]:
    """Light on top and outside, dark below and within; whole clumps differ."""
    low, high = points[:, 2].min(), points[:, 2].max()
    level = (points[:, 2] - low) / (high - low)
    lit = 0.41 + 0.22 * level + 0.22 * outward[:, 2]
    lit -= 0.5 * np.clip(lobes.depth(points) - 0.1, 0, 1)
    # Also leaves on the outside of a lobe are in the shade where it faces the trunk.
    middle, half = (points.max(axis=0) + points.min(axis=0)) / 2, np.ptp(points, axis=0) / 2
    lit -= 0.3 * np.clip(0.75 - np.linalg.norm((points - middle) / half, axis=1), 0, 1)
    lit += rng.normal(0, 0.13, owner.max() + 1)[owner] + rng.normal(0, 0.10, len(points))
    number = np.clip((lit + leaves.light) * len(leaves.tones), 0, len(leaves.tones) - 1)
    return [leaves.tones[int(i)] for i in number]
