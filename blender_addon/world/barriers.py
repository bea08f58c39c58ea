"""Shapes of what runs along a street: walls, fences, guard rails, hedges, verges. No bpy.

Metres; a barrier runs along Y with its centre at the origin and its front towards +X.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..contract.street import BARRIER_SECTION
from .finishes import Finish
from .hedges import HEDGES, hedge, verge
from .shapes import Shape, box, join, polygons
from .sweeps import plate

SECTION_LENGTH = BARRIER_SECTION
SURFACES: dict[str, Finish] = {
    "fence_board": Finish((0.16, 0.105, 0.062)),
    "fence_board_pale": Finish((0.21, 0.15, 0.095)),
    "fence_steel": Finish((0.034, 0.062, 0.045)),
    "brick_wall": Finish((0.25, 0.095, 0.062), None, 0.25, 0.25, "brick"),
    "wall_coping": Finish((0.30, 0.285, 0.26)),
    "sandstone": Finish((0.33, 0.155, 0.112), None, 0.28, 0.42, "brick"),
    "sandstone_coping": Finish((0.26, 0.135, 0.10)),
    "galvanised": Finish((0.40, 0.41, 0.42)),
    "galvanised_dull": Finish((0.19, 0.195, 0.20)),
    "hedge_body": Finish((0.014, 0.031, 0.007), None, 0.75, 0.11),
    "grass_blade": Finish((0.072, 0.118, 0.022)),
    "grass_blade_dark": Finish((0.028, 0.055, 0.012)),
    "grass_blade_dry": Finish((0.225, 0.195, 0.075)),
    "leaf_litter": Finish((0.17, 0.085, 0.028)),
    "weed_flower": Finish((0.60, 0.52, 0.14)),
}


def barrier(model: str, sections: int) -> Shape:
    """A barrier of so many sections of ``SECTION_LENGTH``, in its natural height.

    Args:
        model: one of ``BARRIER_MODELS``.
        sections: at least 1.
    """
    if model in HEDGES:
        return hedge(HEDGES[model], sections)
    if model == "verge":
        return verge(sections)
    return _MODELS[model](sections)


def _fence_wood(sections: int) -> Shape:
    """Pointed pickets before two rails, on posts."""
    half = sections * SECTION_LENGTH / 2
    rng = np.random.default_rng(1)
    parts = [box((-0.02, -half, z - 0.04), (0.02, half, z + 0.04), "fence_board")
             for z in (0.28, 0.82)]  # fmt: skip
    parts += [box((-0.10, y - 0.05, 0.0), (-0.02, y + 0.05, 1.0), "fence_board")
              for y in _posts(half, 0.05)]  # fmt: skip
    pickets = round(2 * half / 0.25)
    for number in range(pickets):
        y = -half + (number + 0.5) * 0.25
        top = 1.1 if number % 4 == 1 else 1.1 - rng.uniform(0, 0.03)
        outline = [(y - 0.075, 0.06), (y + 0.075, 0.06), (y + 0.075, top - 0.08), (y, top),
                   (y - 0.075, top - 0.08)]  # fmt: skip
        tone = "fence_board_pale" if rng.uniform() < 0.6 else "fence_board"
        parts.append(plate(outline, 0.02, 0.045, tone))
    return join(*parts)


def _fence_metal(sections: int) -> Shape:
    """Thin upright bars between two rails, on posts."""
    half = sections * SECTION_LENGTH / 2
    parts = [box((-0.014, -half, z - 0.022), (0.014, half, z + 0.022), "fence_steel")
             for z in (0.16, 1.08)]  # fmt: skip
    parts += [box((-0.03, y - 0.03, 0.0), (0.03, y + 0.03, 1.2), "fence_steel")
              for y in _posts(half, 0.03)]  # fmt: skip
    for y in np.arange(-half + 0.1, half, 0.2):
        parts.append(_bar(float(y), 0.10, 1.16, 0.014))
    return join(*parts)


def _bar(y: float, low: float, high: float, radius: float) -> Shape:
    """A three-sided upright bar, the cheapest closed one."""
    angle = np.radians((0.0, 120.0, 240.0))
    ring = np.stack([radius * np.cos(angle), y + radius * np.sin(angle)], -1)
    points = np.array([(*corner, z) for z in (low, high) for corner in ring])
    faces = [(0, 1, 4, 3), (1, 2, 5, 4), (2, 0, 3, 5), (2, 1, 0), (3, 4, 5)]
    return polygons(points, faces, "fence_steel")


def _wall_brick(sections: int) -> Shape:
    """A garden wall with a coping that stands out, and piers."""
    half = sections * SECTION_LENGTH / 2
    end = half - 0.1  # inside the last pier
    parts = [
        box((-0.12, -end, 0.0), (0.12, end, 0.98), "brick_wall"),
        _coping(0.16, end, 0.98, 0.055, 0.015, "wall_coping"),
    ]
    for y in _posts(half, 0.19, apart=4.0):
        parts.append(box((-0.19, y - 0.19, 0.0), (0.19, y + 0.19, 1.06), "brick_wall"))
        parts.append(box((-0.22, max(y - 0.22, -half), 1.06), (0.22, min(y + 0.22, half), 1.12),
                         "wall_coping"))  # fmt: skip
    return join(*parts)


def _wall_stone(sections: int) -> Shape:
    """A tall wall of sandstone blocks on a plinth, under a ridged coping."""
    half = sections * SECTION_LENGTH / 2
    return join(
        box((-0.24, -half, 0.0), (0.24, half, 0.32), "sandstone_coping"),
        box((-0.20, -half, 0.32), (0.20, half, 1.62), "sandstone"),
        _coping(0.27, half, 1.62, 0.10, 0.08, "sandstone_coping"),
    )


def _coping(wide: float, half: float, z: float, thick: float, rise: float, surface: str) -> Shape:
    """Stones on top of a wall: ``thick`` at the edges, higher along the middle by ``rise``."""
    outline = [(-wide, z), (wide, z), (wide, z + thick), (0.0, z + thick + rise),
               (-wide, z + thick)]  # fmt: skip
    return _along_y(outline, half, surface)


def _guard_rail(sections: int) -> Shape:
    """A steel rail of two waves on posts."""
    half = sections * SECTION_LENGTH / 2
    front = [(0.05, 0.44), (0.10, 0.48), (0.10, 0.53), (0.05, 0.57), (0.05, 0.62), (0.10, 0.66),
             (0.10, 0.71), (0.05, 0.75)]  # fmt: skip
    back = [(x - 0.02, z) for x, z in reversed(front)]
    back[0], back[-1] = (0.03, 0.75), (0.03, 0.44)
    parts = [_along_y(front + back, half, "galvanised")]
    for y in _posts(half, 0.05):
        parts.append(box((-0.07, y - 0.05, 0.0), (0.03, y + 0.05, 0.70), "galvanised_dull"))
    return join(*parts)


def _along_y(outline: Sequence[tuple[float, float]], half: float, surface: str) -> Shape:
    """A bar from -half to half along Y; the outline is (x, z), anticlockwise seen from -Y."""
    sides = len(outline)
    points = np.array([(x, y, z) for y in (-half, half) for x, z in outline])
    faces = [
        *[(k, (k + 1) % sides, sides + (k + 1) % sides, sides + k) for k in range(sides)],
        tuple(reversed(range(sides))),
        tuple(range(sides, 2 * sides)),
    ]
    return polygons(points, [face[::-1] for face in faces], surface)


def _posts(half: float, inset: float, apart: float = SECTION_LENGTH) -> list[float]:
    """Where posts stand: at both ends, inside the length, and evenly between.

    Args:
        half: half the length of the barrier, metres.
        inset: from its ends to the middles of the outer posts.
        apart: the most that a post is from the next, but for the insets.
    """
    spans = math.ceil(2 * half / apart)
    inner = np.linspace(-half, half, spans + 1)[1:-1]
    return [-half + inset, *map(float, inner), half - inset]


_MODELS = {
    "fence_wood": _fence_wood,
    "fence_metal": _fence_metal,
    "wall_brick": _wall_brick,
    "wall_stone": _wall_stone,
    "guard_rail": _guard_rail,
}

BARRIER_MODELS = (*HEDGES, *_MODELS, "verge")
