"""Small parts: number plates, mirrors, handles, aerials, seats behind a window. No bpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..shapes import COLOUR, Shape, ball, box, join, tube


def plate(s: float, z: float, rear: bool) -> Shape:
    """A German number plate, 0.52 x 0.11 m, standing out from s; z of its middle, metres."""
    out = -1 if rear else 1

    def slab(y0: float, y1: float, low: float, high: float, depth: float, surface: str) -> Shape:
        x0, x1 = sorted((-s - out * 0.05, -s + out * depth))
        return box((x0, y0, z + low), (x1, y1, z + high), surface)

    parts = [
        slab(-0.27, 0.27, -0.065, 0.065, 0.010, "plastic"),
        slab(-0.26, 0.26, -0.055, 0.055, 0.014, "plate"),
    ]
    # Letters read from the left as seen from outside: towards +Y behind, towards -Y in front.
    left = -out
    marks = ((-0.26, -0.222, 0.055, "plate_band"), (-0.19, -0.155, 0.034, "plate_mark"),
             (-0.125, -0.09, 0.034, "plate_mark"), (-0.01, 0.025, 0.034, "plate_mark"),
             (0.075, 0.1, 0.034, "plate_mark"), (0.13, 0.155, 0.034, "plate_mark"),
             (0.185, 0.21, 0.034, "plate_mark"))  # fmt: skip
    for a, b, tall, surface in marks:
        y0, y1 = sorted((-left * a, -left * b))
        parts.append(slab(y0, y1, -tall, tall, 0.018, surface))
    return join(*parts)


def mirrors(s: float, y: float, z: float, size: Sequence[float], surface: str = COLOUR) -> Shape:
    """Both outside mirrors: rounded housings on short arms.

    Args:
        s, y, z: where the left arm leaves the body.
        size: of a housing along x, y and z.
    """
    deep, wide, tall = size
    housing = ball((-s, y + 0.04 + wide / 2, z + tall / 2), (deep / 2, wide / 2, tall / 2),
                   surface, sides=8, rings=4)  # fmt: skip
    arm = box((-s - 0.03, y - 0.05, z + 0.01), (-s + 0.03, y + 0.08, z + 0.05), "plastic")
    back = box((-s - deep / 2 - 0.004, y + 0.04 + wide * 0.2, z + tall * 0.22),
               (-s, y + 0.04 + wide * 0.8, z + tall * 0.78), "glass")  # fmt: skip
    left = join(housing, arm, back)
    return join(left, left.mirrored())


def handle(s: float, y: float, z: float, surface: str = "plastic") -> Shape:
    """Door handles of both sides, 0.19 m long."""
    left = box((-s - 0.095, y - 0.02, z - 0.014), (-s + 0.095, y + 0.018, z + 0.014), surface)
    return join(left, left.mirrored())


def aerial(s: float, z: float, tall: float = 0.11) -> Shape:
    """A rod on the roof that leans back."""
    return tube([(-s, 0, z - 0.02), (-s - 0.45 * tall, 0, z + tall)], [0.012, 0.006], "plastic",
                sides=5)  # fmt: skip


def rails(s0: float, s1: float, y: float, z: np.ndarray, surface: str) -> Shape:
    """Roof rails of both sides: bars that stand at their ends; z at five places along."""
    at = np.linspace(s0, s1, 5)
    lift = np.array([0.0, 0.03, 0.032, 0.03, 0.0])
    # Rings across x are turned outward when the centres run towards +x.
    centres = [(-s, y, h) for s, h in zip(at[::-1], (z + lift)[::-1], strict=True)]
    left = tube(centres, [0.015] * 5, surface, sides=5, axis="x")
    return join(left, left.mirrored())
