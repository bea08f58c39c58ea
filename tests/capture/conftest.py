"""A stage of cubes whose pictures can be calculated by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from blender_addon.contract.scene_graph import Node, SceneGraph
from blender_addon.contract.semantics import unlabelled_index


@dataclass(frozen=True)
class Cube:
    """A staged cube: see blender_addon.capture.staging.StagedObject."""

    node: str
    class_name: str
    index: int
    vertices: np.ndarray
    triangles: np.ndarray
    matrix: np.ndarray
    dimensions: tuple[float, float, float]


CORNERS = np.array(
    [[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0, 1)], np.float32
)
QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
TRIANGLES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))], np.int32)


def cube_scene(*cubes: dict, height: float = 1.5, pitch: float = 0.0, **world) -> SceneGraph:
    """A scene of cubes on the ground; each has x, y, and optionally z, yaw, size.

    A cube's ``kind`` is its class ("cube" without); with ``labelled=0`` it has no label.
    """
    nodes = [
        Node(
            "world",
            "world",
            None,
            {
                "height": height,
                "pitch": pitch,
                "fov": 90.0,
                "sun_azimuth": 40.0,
                "sun_elevation": 50.0,
                **world,
            },
        )
    ]
    for n, cube in enumerate(cubes):
        values = {"x": 0.0, "y": 10.0, "z": 0.0, "yaw": 0.0, "size": 1.0, **cube}
        nodes.append(Node(f"cube_{n}", "cube", "world", values))
    return SceneGraph(tuple(nodes), "cubes")


def matrix_of(node: Node) -> np.ndarray:
    a = node.attributes
    yaw = np.radians(a["yaw"])
    c, s = np.cos(yaw), np.sin(yaw)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * a["size"]
    matrix[:3, 3] = a["x"], a["y"], a["z"]
    return matrix


class CubeGeometry:
    """The stage without Blender: a camera at the origin that looks along +Y, and cubes."""

    blender_scene = None

    def show(self, scene: SceneGraph) -> None:
        self.scene = scene

    def objects(self) -> tuple[Cube, ...]:
        cubes = self.scene.of_class("cube")
        return tuple(
            Cube(
                node.id,
                node.attributes.get("kind", "cube"),
                n + 1 if node.attributes.get("labelled", 1) else 0,
                CORNERS,
                TRIANGLES,
                matrix_of(node),
                (node.attributes["size"],) * 3,
            )
            for n, node in enumerate(cubes)
        )

    def camera_intrinsics(self, width: int, height: int) -> np.ndarray:
        focal = width / 2 / np.tan(np.radians(self.scene.root.attributes["fov"]) / 2)
        return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])

    def camera_pose(self) -> np.ndarray:
        pitch = np.radians(self.scene.root.attributes["pitch"])
        c, s = np.cos(pitch), np.sin(pitch)
        pose = np.eye(4)
        pose[:3, :3] = [[1, 0, 0], [0, s, -c], [0, c, s]]
        pose[:3, 3] = -pose[:3, :3] @ [0, 0, self.scene.root.attributes["height"]]
        return pose

    solid_view = True

    def light_by(self, lighting: str, pixel: float) -> None:
        """Cubes have no ambient term: in direct light the sky is seen, and lights nothing."""
        self.blender_scene.world.cycles_visibility.diffuse = lighting == "traced"

    def sun_direction(self) -> np.ndarray:
        a = self.scene.root.attributes
        azimuth, up = np.radians(a["sun_azimuth"]), np.radians(a["sun_elevation"])
        return np.array([-np.sin(azimuth) * np.cos(up), np.cos(azimuth) * np.cos(up), np.sin(up)])

    def affected_by(self, node_id: str, attribute: str) -> str:
        return "global" if node_id == "world" else "local"


class CubeStage(CubeGeometry):
    """The same in Blender: a grey ground, grey cubes, a sun, a sky."""

    def __init__(self, bpy) -> None:
        self.bpy = bpy
        self.blender_scene = bpy.data.scenes.new("cubes")
        data = bpy.data.cameras.new("cubes")
        data.sensor_width, data.clip_start = 36.0, 0.01
        self.camera = self._add("camera", data)
        self.blender_scene.camera = self.camera
        sun = bpy.data.lights.new("cubes", "SUN")
        sun.energy, sun.angle = 3.0, 0.0
        self.sun = self._add("sun", sun)
        world = bpy.data.worlds.new("cubes")
        world.use_nodes = True
        world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.5
        self.blender_scene.world = world
        self.mesh = bpy.data.meshes.new("cube")
        self.mesh.from_pydata(CORNERS.tolist(), [], QUADS)
        ground = bpy.data.meshes.new("ground")
        far = 300.0
        corners = [(-far, -far, 0), (far, -far, 0), (far, far, 0), (-far, far, 0)]
        ground.from_pydata(corners, [], [(0, 1, 2, 3)])
        self._add("ground", ground).pass_index = unlabelled_index("road")
        self.cubes: list = []

    def _add(self, name: str, data):
        item = self.bpy.data.objects.new(name, data)
        self.blender_scene.collection.objects.link(item)
        return item

    def show(self, scene: SceneGraph) -> None:
        from mathutils import Matrix, Vector

        super().show(scene)
        root = scene.root.attributes
        self.camera.data.angle = np.radians(root["fov"])
        self.camera.location = (0, 0, root["height"])
        self.camera.rotation_euler = (np.radians(90 + root["pitch"]), 0, 0)
        self.sun.rotation_euler = Vector(self.sun_direction()).to_track_quat("Z", "Y").to_euler()
        staged = self.objects()
        while len(self.cubes) < len(staged):
            self.cubes.append(self._add("cube", self.mesh))
        while len(self.cubes) > len(staged):
            self.bpy.data.objects.remove(self.cubes.pop())
        for item, cube in zip(self.cubes, staged, strict=True):
            item.matrix_world = Matrix(cube.matrix.tolist())
            item.pass_index = cube.index or unlabelled_index(cube.class_name)


@pytest.fixture(scope="session")
def cube_stage() -> CubeStage:
    bpy = pytest.importorskip("bpy", reason="bpy is not installed")
    return CubeStage(bpy)


@pytest.fixture
def cube_geometry() -> CubeGeometry:
    return CubeGeometry()
