"""Blender meshes of the shapes, each made once and shared by every object that shows it."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from .library import Library
from .materials import Materials
from .models import ShapeKey, shape_of
from .shapes import COLOUR, OBJECT_SURFACES, Shape


@dataclass(frozen=True, eq=False)
class SharedMesh:
    """A Blender mesh and its geometry.

    Attributes:
        mesh: the bpy mesh; the object's colour, where it has one, is slot 0.
        vertices: V x 3 float32, object frame, metres before scale; read-only.
        triangles: T x 3 int32; read-only.
        size: extent along x, y, z before scale.
        coloured: whether slot 0 takes the object's colour.
    """

    mesh: bpy.types.Mesh
    vertices: np.ndarray
    triangles: np.ndarray
    size: tuple[float, float, float]
    coloured: bool


class Meshes:
    """Makes meshes when first asked for and keeps them.

    Args:
        materials: for the shipped shapes.
        library: users' assets.
    """

    def __init__(self, materials: Materials, library: Library) -> None:
        self._materials = materials
        self._library = library
        self._made: dict[ShapeKey, SharedMesh] = {}

    def get(self, key: ShapeKey) -> SharedMesh:
        """The shared mesh of a class and model."""
        shared = self._made.get(key)
        if shared is None:
            shared = self._made[key] = self._build(key)
        return shared

    def clear(self) -> None:
        """Remove them all from Blender."""
        bpy.data.batch_remove([shared.mesh for shared in self._made.values()])
        self._made.clear()

    def _build(self, key: ShapeKey) -> SharedMesh:
        own = self._library.load(key)
        if own is not None:
            vertices, triangles = geometry(own)
            coloured = bool(own.materials) and own.materials[0] is None
            return _shared(own, vertices, triangles, coloured)
        shape = shape_of(key)
        mesh = mesh_of(shape, "metasim " + " ".join(map(str, key)), self._materials)
        vertices = shape.vertices.astype(np.float32)
        return _shared(mesh, vertices, shape.triangles(), COLOUR in shape.slots)


def _shared(
    mesh: bpy.types.Mesh, vertices: np.ndarray, triangles: np.ndarray, coloured: bool
) -> SharedMesh:
    for array in (vertices, triangles):
        array.flags.writeable = False
    sx, sy, sz = (float(extent) for extent in np.ptp(vertices.astype(np.float64), axis=0))
    return SharedMesh(mesh, vertices, triangles, (sx, sy, sz), coloured)


def geometry(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Vertices, V x 3 float32, and triangles, T x 3 int32, of any mesh."""
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    mesh.calc_loop_triangles()
    triangles = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    return vertices.reshape(-1, 3), triangles.reshape(-1, 3)


def mesh_of(shape: Shape, name: str, materials: Materials) -> bpy.types.Mesh:
    """A new bpy mesh; slots of OBJECT_SURFACES are left empty for the object to fill."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(shape.vertices.tolist(), [], [list(face) for face in shape.faces])
    slots = shape.slots
    for slot in slots:
        mesh.materials.append(None if slot in OBJECT_SURFACES else materials.surface(slot))
    number = {slot: i for i, slot in enumerate(slots)}
    mesh.polygons.foreach_set("material_index", [number[s] for s in shape.surfaces])
    mesh.polygons.foreach_set("use_smooth", shape.smooth)
    mesh.update()
    return mesh
