"""A box truck and a lorry with a semi-trailer under a tarpaulin. No bpy."""

from __future__ import annotations

import numpy as np

from ..shapes import COLOUR, Shape, box, join
from .coachwork import arches, coach, slab, slabs
from .fittings import plate
from .loft import Cell
from .wheels import disc, wheels

TRUCK_MODELS = ("delivery_truck", "lorry")


def truck(model: str) -> Shape:
    """The finished shape of a model, its front towards +X, origin under its middle."""
    return {"delivery_truck": _delivery_truck, "lorry": _lorry}[model]().on_base()


def _cab(long: float, half: float, screen: tuple[float, float], roof: float) -> Shape:
    """A cab over the engine.

    Args:
        long: metres from front to rear.
        half: half its width.
        screen: between which z the windscreen lies.
        roof: z of its top.
    """
    low, high = screen
    lean = 0.12 * (high - low)
    rows = [(0.38, 0.07, long, half * 0.96), (0.62, 0.01, long, half), (0.70, 0.0, long, half),
            (0.92, 0.0, long, half), (low - 0.34, 0.02, long, half), (low - 0.06, 0.04, long, half),
            (low, 0.05, long, half * 0.995), (high, 0.05 + lean, long, half * 0.97),
            (high + 0.12, 0.1 + lean, long, half * 0.96),
            (roof - 0.1, 0.2 + 0.5 * (roof - high), long - 0.02, half * 0.94),
            (roof - 0.05, 0.3 + 0.55 * (roof - high), long - 0.06, half * 0.90)]  # fmt: skip
    door = (0.34, min(1.42, long - 0.12))
    pane = (0.42, min(1.34, long - 0.2))
    stations = [0.28, door[0], door[0] + 0.02, pane[0], pane[1], door[1], door[1] + 0.02,
                long - 0.06]  # fmt: skip

    def surface(cell: Cell) -> str:
        row = cell.row
        if cell.end == "front":
            if row <= 1:
                return "plastic" if row == 0 or cell.f < 0.4 else COLOUR
            if row == 2:
                return "plastic" if cell.f < 0.55 else "lens" if cell.f < 0.97 else "indicator"
            if row in (3, 4):
                return "grille" if cell.f < 0.62 else COLOUR
            return "glass" if row == 6 and cell.f < 0.98 else COLOUR
        if cell.end == "rear":
            return "plastic"
        if row == 0:
            return "plastic"
        if 1 <= row <= 7 and any(0 < cell.s - edge < 0.02 for edge in door):
            return "plastic"
        return "glass" if row == 6 and pane[0] < cell.s < pane[1] else COLOUR

    shell = coach(rows, stations, surface, roof=COLOUR, crown=0.06, square=(4.5, 8.0))
    strips = [slab((-0.006, 0.05), (-half * 0.58, half * 0.58), (z, z + 0.03), "chrome")
              for z in (1.02, 1.16)]  # fmt: skip
    mirror = slabs((0.10, 0.22), (half + 0.06, half + 0.24), (low + 0.05, low + 0.72), "plastic")
    arm = slabs((0.14, 0.18), (half - 0.06, half + 0.1), (low + 0.6, low + 0.64), "plastic")
    wipers = slab((0.035, 0.06), (-0.6, 0.6), (low - 0.02, low + 0.015), "plastic")
    belly = slab((0.16, 0.46), (-half + 0.1, half - 0.1), (0.42, 1.2), "underbody")
    lamps = slabs((-0.004, 0.05), (half * 0.66, half * 0.84), (0.74, 0.88), "headlight")
    star = disc((0.0, 0, low - 0.2), 0.1, "x", "chrome")
    return join(
        shell, belly, *strips, mirror, arm, wipers, lamps, star, plate(0.0, 0.5, rear=False)
    )


def _rear_lamps(s: float, half: float, z: float) -> Shape:
    """Lamps, plate and the bar that they hang on, at the rear end s."""
    return join(
        slab((s - 0.2, s - 0.04), (-half + 0.04, half - 0.04), (z - 0.08, z + 0.1), "plastic"),
        slabs((s - 0.06, s), (half - 0.46, half - 0.22), (z - 0.05, z + 0.07), "taillight"),
        slabs((s - 0.06, s - 0.002), (half - 0.2, half - 0.1), (z - 0.05, z + 0.07), "indicator"),
        plate(s - 0.03, z + 0.01, rear=True),
    )


def _delivery_truck() -> Shape:
    half, length, top = 1.2, 7.55, 3.25
    cargo = box((-length, -half, 0.98), (-1.98, half, top), "cargo")
    rim = "chrome"
    frame = [
        slabs((1.98, length), (half - 0.02, half + 0.012), (0.96, 1.06), rim),
        slabs((1.98, length), (half - 0.02, half + 0.012), (top - 0.07, top + 0.004), rim),
        slabs((1.97, 2.05), (half - 0.02, half + 0.008), (1.06, top - 0.07), rim),
        slabs(
            (length - 0.07, length + 0.016), (half - 0.05, half + 0.016), (0.95, top + 0.008), rim
        ),
        slab((length - 0.02, length + 0.012), (-half, half), (top - 0.1, top + 0.004), rim),
        slab((length - 0.02, length + 0.012), (-half, half), (0.96, 1.08), rim),
        slab((length - 0.01, length + 0.008), (-0.015, 0.015), (1.08, top - 0.1), "plastic"),
        slabs((length - 0.01, length + 0.03), (0.13, 0.16), (1.08, top - 0.1), rim),
        slabs((length - 0.01, length + 0.03), (half - 0.28, half - 0.25), (1.08, top - 0.1), rim),
    ]
    under = [
        slab((0.4, length - 0.1), (-0.5, 0.5), (0.55, 0.98), "underbody"),
        slab((0.3, 1.7), (-half + 0.3, half - 0.3), (0.45, 1.0), "underbody"),
        slabs((2.4, 4.5), (half - 0.06, half - 0.02), (0.48, 0.6), "chrome"),
        slabs((2.4, 4.5), (half - 0.06, half - 0.02), (0.74, 0.86), "chrome"),
        slabs((2.5, 4.4), (half - 0.6, half - 0.1), (0.5, 0.95), "plastic"),
        slab((1.72, 1.98), (-half + 0.3, half - 0.3), (0.6, 2.2), "underbody"),
    ]
    parts = [_cab(1.75, 1.12, (1.40, 2.22), 2.62), cargo, *frame, *under]
    parts += [arches((1.05,), 0.55, 1.125, 0.38), _rear_lamps(length - 0.02, half, 0.66)]
    parts += wheels((1.05,), 0.44, 1.135, 0.28) + wheels((5.75,), 0.44, half - 0.03, 0.55)
    return join(*parts)


def _lorry() -> Shape:
    half, length, top = 1.27, 13.9, 3.9
    start = 2.75
    straps = np.arange(start + 0.55, length - 0.3, 0.62)
    cover = box((-length + 0.03, -half, 1.24), (-start, half, top), "tarpaulin")
    trailer = [
        slabs((start, length), (half - 0.03, half + 0.012), (1.10, 1.26), "chrome"),
        slabs(
            (start - 0.01, start + 0.09), (half - 0.03, half + 0.010), (1.26, top - 0.004), "chrome"
        ),
        slabs(
            (length - 0.12, length + 0.006),
            (half - 0.05, half + 0.016),
            (1.09, top + 0.004),
            "chrome",
        ),
        slab((length - 0.05, length), (-half, half), (1.12, top - 0.01), "trailer_rear"),
        slab((length - 0.01, length + 0.012), (-0.018, 0.018), (1.2, top - 0.1), "plastic"),
        slabs((length - 0.01, length + 0.03), (0.2, 0.23), (1.2, top - 0.05), "chrome"),
        slabs(
            (length - 0.01, length + 0.03), (half - 0.3, half - 0.27), (1.2, top - 0.05), "chrome"
        ),
        slab((start + 0.3, length - 0.1), (-0.55, 0.55), (0.8, 1.12), "underbody"),
        slabs((6.4, 9.3), (half - 0.06, half - 0.03), (0.5, 0.62), "chrome"),
        slabs((6.4, 9.3), (half - 0.06, half - 0.03), (0.78, 0.90), "chrome"),
        slabs((6.6, 9.1), (half - 0.7, half - 0.2), (0.5, 1.05), "underbody"),
        slabs((9.5, length - 0.3), (half - 0.5, half - 0.06), (1.0, 1.06), "plastic"),
    ]
    trailer += [
        slabs((s, s + 0.035), (half, half + 0.006), (1.16, 1.75), "plastic") for s in straps
    ]
    tractor = [
        _cab(2.2, 1.24, (1.75, 2.62), 3.55),
        slab((0.4, 5.9), (-0.5, 0.5), (0.5, 0.98), "underbody"),
        slab((0.3, 2.2), (-0.9, 0.9), (0.5, 1.2), "underbody"),
        slabs((2.3, 3.7), (0.6, 1.2), (0.42, 0.92), "metal"),
        slabs((4.1, 5.2), (0.66, 1.22), (1.02, 1.07), "plastic"),
    ]
    parts = [cover, *trailer, *tractor, _rear_lamps(length, half, 0.78)]
    parts.append(arches((1.4,), 0.62, 1.246, 0.38))
    parts += wheels((1.4,), 0.5, 1.25, 0.3) + wheels((4.7,), 0.5, 1.25, 0.55)
    parts += wheels((10.2, 11.45, 12.7), 0.5, half - 0.02, 0.38)
    return join(*parts)
