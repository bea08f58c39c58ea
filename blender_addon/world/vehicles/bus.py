"""A city bus, 12 m. No bpy."""

from __future__ import annotations

from ..shapes import COLOUR, Shape, box, join
from .coachwork import arches, coach, slab, slabs
from .fittings import mirrors, plate
from .loft import Cell
from .wheels import wheels

_LENGTH = 11.95
_HALF = 1.275
_AXLES = (2.7, 8.55)
_PILLARS = (0.95, 2.3, 3.85, 5.4, 6.95, 8.5, 10.05, 11.5)  # s between the windows


def bus() -> Shape:
    """The finished shape, its front towards +X, origin under its middle."""
    parts = [_shell(), _doors(), _outside()]
    parts.append(arches(_AXLES, 0.57, _HALF + 0.006, 0.30))
    parts += wheels(_AXLES, 0.48, _HALF + 0.012, 0.3)
    return join(*parts).on_base()


def _shell() -> Shape:
    rear = _LENGTH
    rows = [(0.30, 0.10, rear - 0.06, _HALF * 0.985), (0.46, 0.03, rear, _HALF),
            (0.60, 0.01, rear, _HALF), (0.78, 0.0, rear, _HALF), (0.98, 0.02, rear, _HALF),
            (1.12, 0.04, rear, _HALF), (1.55, 0.09, rear - 0.01, _HALF),
            (2.38, 0.19, rear - 0.06, _HALF * 0.985), (2.46, 0.20, rear - 0.07, _HALF * 0.982),
            (2.74, 0.26, rear - 0.10, _HALF * 0.965), (2.86, 0.34, rear - 0.18, _HALF * 0.92),
            (2.93, 0.5, rear - 0.35, _HALF * 0.84)]  # fmt: skip
    frames = [edge for s in _PILLARS for edge in (s, s + 0.06)]

    def surface(cell: Cell) -> str:
        row = cell.row
        if row == 0:
            return "plastic"
        if cell.end == "front":
            if row in (2, 3) and 0.6 < cell.f < 0.98:
                return "headlight" if row == 2 and 0.78 < cell.f < 0.93 else "lens"
            if 5 <= row <= 7:
                return "glass"
            return "display" if row == 8 and cell.f < 0.9 else COLOUR
        if cell.end == "rear":
            if row in (3, 4) and cell.f > 0.82:
                return "taillight" if row == 3 else "indicator"
            if row in (2, 3) and cell.f < 0.6:
                return "grille"
            return "glass" if row in (6, 7) and cell.f < 0.85 else COLOUR
        if row in (5, 6) and cell.s < 1.0:
            return "glass"
        if row == 6:
            inside = any(s < cell.s < s + 0.06 for s in _PILLARS)
            return "plastic" if inside else "glass" if cell.s < 11.5 else COLOUR
        return COLOUR

    return coach(rows, [0.28, *frames, rear - 0.3], surface, roof=COLOUR, crown=0.06,
                 square=(3.6, 5.0))  # fmt: skip


def _doors() -> Shape:
    """Two double doors on the right, glass nearly to the floor."""
    y = -_HALF
    parts = []
    wide = 1.15
    for s in (0.42, 5.0):
        parts.append(slab((s, s + wide), (y - 0.012, y + 0.05), (0.32, 2.42), "plastic"))
        for k in range(2):
            a = s + 0.06 + k * wide / 2
            parts.append(slab((a, a + wide / 2 - 0.1), (y - 0.018, y), (0.52, 2.34), "glass"))
    return join(*parts)


def _outside() -> Shape:
    text = [slab((0.215 + 0.01 * abs(k), 0.3), (0.17 * k - 0.06, 0.17 * k + 0.06), (2.54, 2.66),
                 "display_text") for k in range(-3, 4)]  # fmt: skip
    inner, gutter = _HALF - 0.3, _HALF * 0.982
    return join(
        *text,
        box((-_LENGTH + 0.3, -inner, 0.22), (-0.4, inner, 0.6), "underbody"),
        slab((2.2, 5.6), (-0.75, 0.75), (2.9, 3.1), COLOUR),
        slab((8.2, 10.6), (-0.75, 0.75), (2.9, 3.08), COLOUR),
        mirrors(0.12, _HALF - 0.06, 1.85, (0.14, 0.2, 0.42), "plastic"),
        slab((0.05, 0.1), (-0.9, 0.9), (1.10, 1.14), "plastic"),
        plate(0.01, 0.52, rear=False),
        plate(_LENGTH, 0.98, rear=True),
        slabs((_LENGTH - 0.1, _LENGTH - 0.03), (0.85, 1.05), (2.52, 2.58), "taillight"),
        slabs((0.5, _LENGTH - 0.5), (gutter - 0.04, gutter + 0.006), (2.47, 2.5), "plastic"),
    )
