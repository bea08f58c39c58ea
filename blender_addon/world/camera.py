"""The camera: attributes to intrinsics, pose and a Blender camera.

It stands over the road's start (the ego lane's centre) and looks along +Y. Blender's own camera
looks along its -Z with +Y up; OpenCV's looks along +Z with +Y down. Pixel (0, 0) has its centre at
(0.5, 0.5), so the principal point of a W x H image is (W / 2, H / 2), with nothing to add.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..contract.attribute_reading import WorldError, number, positive
from ..contract.placement import EXPOSURE_LEFT
from ..contract.scene_graph import Node

SENSOR_WIDTH = 36.0
MOST_FILM_EXPOSURE = 10.0  # Cycles' own bound; what is above it is left to whoever reads pixels


@dataclass(frozen=True)
class CameraView:
    """Where the camera stands and what it takes in.

    Attributes:
        height: metres over the road.
        pitch, yaw: degrees, up and to the left.
        fov: horizontal field of view, degrees.
        exposure: stops by which all light is raised, as by a longer exposure.
    """

    height: float
    pitch: float
    yaw: float
    fov: float
    exposure: float = 0.0

    def intrinsics(self, width: int, height: int) -> np.ndarray:
        """3 x 3 float64 camera matrix K for an image of that size in pixels."""
        focal = width / 2 / math.tan(math.radians(self.fov) / 2)
        return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])

    def pose(self) -> np.ndarray:
        """4 x 4 float64, world to camera in OpenCV's axes."""
        pitch, yaw = math.radians(self.pitch), math.radians(self.yaw)
        level = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        flat = np.array([-math.sin(yaw), math.cos(yaw), 0.0])
        up = np.array([0.0, 0.0, 1.0])
        ahead = math.cos(pitch) * flat + math.sin(pitch) * up
        down = math.sin(pitch) * flat - math.cos(pitch) * up
        pose = np.eye(4)
        pose[:3, :3] = np.stack([level, down, ahead])
        pose[:3, 3] = -pose[:3, :3] @ (0.0, 0.0, self.height)
        return pose

    def apply(self, camera, scene) -> None:
        """Set a bpy camera object, and the exposure of a bpy scene (square pixels are the render
        settings' business)."""
        self.expose(scene)
        camera.data.sensor_fit = "HORIZONTAL"
        camera.data.sensor_width = SENSOR_WIDTH
        camera.data.lens = SENSOR_WIDTH / 2 / math.tan(math.radians(self.fov) / 2)
        camera.location = (0.0, 0.0, self.height)
        pitch, yaw = math.radians(self.pitch), math.radians(self.yaw)
        camera.rotation_euler = (math.pi / 2 + pitch, 0.0, yaw)

    def expose(self, scene) -> None:
        """Set the exposure of a bpy scene's pictures."""
        gain = 2.0**self.exposure
        scene.cycles.film_exposure = min(gain, MOST_FILM_EXPOSURE)
        scene[EXPOSURE_LEFT] = gain / min(gain, MOST_FILM_EXPOSURE)


def read_camera(node: Node) -> CameraView:
    """Raises WorldError when an attribute is missing or wrong."""
    fov = number(node, "fov")
    if not 1.0 <= fov <= 170.0:
        raise WorldError(
            f"Node {node.id!r}, attribute 'fov': {fov!r} is not an angle from 1 to 170 degrees."
        )
    return CameraView(
        positive(node, "height"),
        number(node, "pitch"),
        number(node, "yaw"),
        fov,
        number(node, "exposure", 0.0),
    )
