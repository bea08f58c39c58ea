"""What this package asks of a stage: the world's objects, camera and sun, as plain arrays.

Protocols, so that pictures and labels can be tested on scenes of a few cubes.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..contract.scene_graph import SceneGraph


class StagedObject(Protocol):
    """One object as it stands in the world.

    Its origin is the centre of its base, +X is its front, z is up.

    Attributes:
        node: the id of its node in the scene graph.
        class_name: the node's class.
        index: its value in the index map; 0 for unlabelled context.
        vertices: V x 3 float32, metres in the object's frame.
        triangles: T x 3 int32, rows of ``vertices``.
        matrix: 4 x 4 float64, object to world.
        dimensions: (length, width, height) in metres.
    """

    @property
    def node(self) -> str: ...
    @property
    def class_name(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def vertices(self) -> np.ndarray: ...
    @property
    def triangles(self) -> np.ndarray: ...
    @property
    def matrix(self) -> np.ndarray: ...
    @property
    def dimensions(self) -> tuple[float, float, float]: ...


class Stage(Protocol):
    """A scene graph kept as Blender objects."""

    @property
    def blender_scene(self) -> Any:
        """The ``bpy.types.Scene`` to render."""

    def light_by(self, lighting: str, pixel: float) -> None:
        """Light as ``RenderSettings.lighting`` says, for pixels of a width in radians."""

    @property
    def solid_view(self) -> bool:
        """Whether Workbench shows every colour."""

    def show(self, scene: SceneGraph) -> None:
        """Bring the Blender objects in step with a scene graph."""

    def objects(self) -> tuple[Any, ...]:
        """The objects shown, labelled ones in the scene graph's order (:class:`StagedObject`)."""

    def camera_intrinsics(self, width: int, height: int) -> np.ndarray:
        """3 x 3 float64 camera matrix K for a picture of that size, pixels."""

    def camera_pose(self) -> np.ndarray:
        """4 x 4 float64, world to camera, OpenCV axes (x right, y down, z forward)."""

    def sun_direction(self) -> np.ndarray:
        """Unit vector from the world's origin to the sun."""

    def affected_by(self, node_id: str, attribute: str) -> str:
        """``"local"`` when the attribute changes its own node's objects only, or ``"global"``."""
