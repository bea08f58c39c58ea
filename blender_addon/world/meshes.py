"""Blender meshes of the shapes, each made once and shared by every object that shows it."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from .buildings import building
from .materials import Materials
from .people import person
from .poles import pole
from .shapes import COLOUR, OBJECT_SURFACES, Shape
from .vegetation import tree
from .vehicles import vehicle

# (class, model), or ("building", storeys, windows a storey)
MeshKey = tuple[str, str] | tuple[str, int, int]


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
    """Makes meshes when first asked for and keeps them."""

    def __init__(self, materials: Materials) -> None:
        self._materials = materials
        self._made: dict[MeshKey, SharedMesh] = {}

    def get(self, key: MeshKey) -> SharedMesh:
        """The shared mesh of a class and model."""
        shared = self._made.get(key)
        if shared is None:
            shared = self._made[key] = self._build(key)
        return shared

    def clear(self) -> None:
        """Remove them all from Blender."""
        bpy.data.batch_remove([shared.mesh for shared in self._made.values()])
        self._made.clear()

    def _build(self, key: MeshKey) -> SharedMesh:
        shape = _shape(key)
        mesh = mesh_of(shape, "metasim " + " ".join(map(str, key)), self._materials)
        vertices = shape.vertices.astype(np.float32)
        triangles = shape.triangles()
        for array in (vertices, triangles):
            array.flags.writeable = False
        sx, sy, sz = (float(extent) for extent in shape.size)
        return SharedMesh(mesh, vertices, triangles, (sx, sy, sz), COLOUR in shape.slots)


def _shape(key: MeshKey) -> Shape:
    if len(key) == 3:
        return building(key[1], key[2])
    kind, model = key
    if kind in ("car", "van"):
        return vehicle(model)
    return {"person": person, "tree": tree, "pole": pole}[kind](model)


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
