"""A caravan with its drawbar. No bpy."""

from __future__ import annotations

from ..shapes import COLOUR, Shape, join, tube
from .coachwork import arches, coach, slab, slabs
from .fittings import plate
from .loft import Cell
from .wheels import wheels

_FRONT, _REAR, _HALF = 1.15, 6.05, 1.12
_AXLE = 3.85


def caravan() -> Shape:
    """The finished shape, its drawbar towards +X, origin under its middle."""
    parts = [_shell(), _drawbar(), _outside()]
    parts.append(arches((_AXLE,), 0.38, _HALF + 0.006, 0.36))
    parts += wheels((_AXLE,), 0.32, _HALF + 0.012, 0.2)
    return join(*parts).on_base()


def _shell() -> Shape:
    f, r = _FRONT, _REAR
    rows = [(0.36, f + 0.20, r - 0.05, _HALF * 0.98), (0.52, f + 0.06, r, _HALF),
            (0.84, f, r, _HALF), (0.94, f, r, _HALF), (1.02, f + 0.01, r, _HALF),
            (1.34, f + 0.05, r - 0.01, _HALF), (1.92, f + 0.24, r - 0.04, _HALF),
            (2.25, f + 0.42, r - 0.07, _HALF), (2.48, f + 0.64, r - 0.13, _HALF * 0.985),
            (2.57, f + 0.85, r - 0.24, _HALF * 0.93)]  # fmt: skip
    panes = ((1.75, 2.55), (3.3, 4.3), (5.0, 5.6))
    edges = [edge for pane in panes for edge in pane]

    def surface(cell: Cell) -> str:
        row = cell.row
        if row == 3:  # a stripe
            return COLOUR
        if row == 0:
            return "caravan_wall" if cell.end == "side" else "plastic"
        if row == 5:
            if cell.end == "front":
                return "glass" if cell.f < 0.9 else "caravan_wall"
            if cell.end == "rear":
                return "glass" if cell.f < 0.8 else "caravan_wall"
            return "glass" if any(a < cell.s < b for a, b in panes) else "caravan_wall"
        return "caravan_wall"

    return coach(rows, [f + 0.95, *edges[1:], r - 0.32], surface, roof="caravan_wall", crown=0.05,
                 square=(4.5, 5.0))  # fmt: skip


def _drawbar() -> Shape:
    parts = []
    for side in (1, -1):
        parts.append(tube([(-_FRONT - 0.5, side * 0.6, 0.42), (-0.2, side * 0.05, 0.42)],
                          [0.045, 0.045], "metal", sides=6, axis="x"))  # fmt: skip
    parts.append(slab((0.0, 0.28), (-0.06, 0.06), (0.38, 0.50), "metal"))
    parts.append(tube([(-0.45, 0, 0.08), (-0.45, 0, 0.7)], [0.03, 0.03], "metal", sides=6))
    parts.append(tube([(-0.45, 0.03, 0.1), (-0.45, -0.03, 0.1)], [0.1, 0.1], "tyre", sides=10,
                      axis="y"))  # fmt: skip
    parts.append(slab((0.62, 1.12), (-0.34, 0.34), (0.5, 0.92), "caravan_wall"))
    return join(*parts)


def _outside() -> Shape:
    lamps = slabs((_REAR - 0.05, _REAR + 0.02), (0.78, 1.02), (0.62, 0.76), "taillight")
    amber = slabs((_REAR - 0.05, _REAR + 0.016), (0.66, 0.78), (0.62, 0.76), "indicator")
    door = slab((2.72, 3.22), (-_HALF - 0.008, -_HALF + 0.02), (0.5, 2.2), "sign_white")
    seam = slab((2.70, 3.24), (-_HALF - 0.004, -_HALF + 0.02), (0.48, 2.22), "plastic")
    return join(
        lamps, amber, seam, door,
        slab((_REAR - 0.03, _REAR + 0.03), (-0.3, 0.3), (1.1, 1.14), "plastic"),
        slab((_FRONT + 0.3, _REAR - 0.3), (-0.7, 0.7), (0.28, 0.5), "underbody"),
        slab((3.2, 4.6), (-0.35, 0.35), (2.56, 2.70), "caravan_wall"),
        plate(_REAR, 0.68, rear=True),
    )  # fmt: skip
