"""An object as it stands on the stage, as plain arrays: what labels are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class StagedObject:
    """An object that now stands on the stage.

    Its origin is the centre of its base, its front is +X and z is up.

    Attributes:
        node, class_name: of the scene graph's node.
        index: 0 unlabelled, else 1..n in scene order; Blender's pass index of labelled objects.
        vertices: V x 3 float32, object frame, shared with every object of the same mesh.
        triangles: T x 3 int32.
        matrix: 4 x 4 float64, object to world, with scale.
        dimensions: length (along its front), width and height after scale, metres.
    """

    node: str
    class_name: str
    index: int
    vertices: np.ndarray
    triangles: np.ndarray
    matrix: np.ndarray
    dimensions: tuple[float, float, float]

    @property
    def bottom_center(self) -> np.ndarray:
        """World position of the origin, (3,) float64, metres."""
        return self.matrix[:3, 3].copy()
