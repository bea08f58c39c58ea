"""Where one object stands in the world, as numbers and as a matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

EXPOSURE_LEFT = "metasim_exposure_left"  # a Blender scene's gain that its film does not apply


@dataclass(frozen=True)
class Placement:
    """Where an object stands: turned about the surface's normal, on ground that may slope.

    Attributes:
        x, y, z: world position of the centre of its base, metres.
        turn: angle of its front (+X) from world +X, radians, anticlockwise, seen along the normal.
        scale: factors along its own x, y, z.
        slope: how steeply the ground rises, radians; 0 for what stands upright.
        uphill: horizontal direction in which it rises, as an angle from world +X, radians.
    """

    x: float
    y: float
    z: float
    turn: float
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    slope: float = 0.0
    uphill: float = 0.0

    def rotation(self) -> np.ndarray:
        """3 x 3 float64: turned about z, then tipped up towards ``uphill``."""
        turned = _about_z(self.turn)
        if not self.slope:
            return turned
        cos, sin = math.cos(self.slope), math.sin(self.slope)
        tip = np.array([[cos, 0.0, -sin], [0.0, 1.0, 0.0], [sin, 0.0, cos]])
        return _about_z(self.uphill) @ tip @ _about_z(self.turn - self.uphill)

    def matrix(self) -> np.ndarray:
        """4 x 4 float64, object to world, with scale."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation() * self.scale
        matrix[:3, 3] = self.x, self.y, self.z
        return matrix

    def euler(self) -> tuple[float, float, float]:
        """Angles about x, y and z, radians, applied in that order (Blender's XYZ)."""
        if not self.slope:
            return 0.0, 0.0, self.turn
        r = self.rotation()
        # R = Rz Ry Rx; tipped by a road's slope, it never looks straight up.
        return (
            math.atan2(r[2, 1], r[2, 2]),
            -math.asin(max(-1.0, min(1.0, float(r[2, 0])))),
            math.atan2(r[1, 0], r[0, 0]),
        )


def _about_z(angle: float) -> np.ndarray:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
