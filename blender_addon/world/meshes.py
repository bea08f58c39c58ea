"""Blender meshes of the shapes, each made once and shared by every object that shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import bpy
import numpy as np

from ..contract.street_classes import STREET_CLASSES
from .contact import contact_sheet
from .face_attributes import write_attributes
from .finishes import PAINTS
from .library import Library
from .materials import Materials, face_finish
from .model_light import light_material, write_openness
from .models import ShapeKey, shape_of
from .occlusion import Openness, Surroundings, corner_openness
from .shapes import COLOUR, Shape, join
from .stage_parts import is_worn, mark_shape
from .vegetation.surfaces import LEAVES

# Of what stands on the ground and casts a dark contact there.
_CONTACT = ("car", "van", "truck", "bus", "caravan", "person", "cyclist", "pole", "sign",
            "furniture")  # fmt: skip
_STREET = 0.87  # share of the sky that the houses on the other side leave to a house
_RECESS = 0.6  # metres: windows and doors in a wall


@dataclass(frozen=True, eq=False)
class SharedMesh:
    """A Blender mesh and its geometry.

    Attributes:
        mesh: the bpy mesh, the object's colour, where it has one, in slot 0; None where only the
            geometry is asked for.
        vertices: V x 3 float32, object frame, metres before scale; read-only.
        triangles: T x 3 int32; read-only.
        size: extent along x, y, z before scale.
        coloured: whether slot 0 takes the object's colour.
    """

    mesh: bpy.types.Mesh | None
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
        self._adopted: dict[ShapeKey, bpy.types.Mesh] = {}  # until they are asked for

    def get(self, key: ShapeKey) -> SharedMesh:
        """The shared mesh of a class and model."""
        shared = self._made.get(key)
        if shared is None and key in self._adopted:
            mesh = self._adopted.pop(key)
            shared = self._made[key] = replace(self.describe(key, mesh), mesh=mesh)
        if shared is None:
            shared = self._made[key] = self.build(key)
            mark_shape(shared.mesh, key)
        return shared

    def adopt(self, key: ShapeKey, mesh: bpy.types.Mesh) -> None:
        """Use a mesh that shows this shape already."""
        self._adopted[key] = mesh

    def describe(self, key: ShapeKey, mesh: bpy.types.Mesh) -> SharedMesh:
        """The geometry of a shape, of which there is a mesh already: without its light."""
        if not self._library.has(key):
            return _described(key)
        vertices, triangles = geometry(mesh)
        worn = mesh.materials[0] if mesh.materials else None
        return _shared(None, vertices, triangles, is_worn(worn))

    def clear(self) -> None:
        """Remove them all from Blender."""
        made = [shared.mesh for shared in self._made.values()]
        bpy.data.batch_remove([*made, *self._adopted.values()])
        self._made.clear()
        self._adopted.clear()

    def build(self, key: ShapeKey) -> SharedMesh:
        """Another mesh of a class and model, that is not kept."""
        kind = str(key[0])
        wearer = STREET_CLASSES[kind].wears if kind in STREET_CLASSES else ""
        worn = (wearer, str(key[-1]) if wearer == "wall" else next(iter(PAINTS)))
        own = self._library.load(key)
        if own is not None:
            vertices, triangles = geometry(own)
            coloured = bool(own.materials) and own.materials[0] is None
            write_openness(own, vertices, triangles, face_finish(COLOUR, worn))
            if coloured:
                own.materials[0] = self._materials.worn(*worn)
            for material in own.materials:
                if material is not None:
                    light_material(material, self._materials.light)
            return _shared(own, vertices, triangles, coloured)
        shape = shape_of(key)
        name = "metasim " + " ".join(map(str, key))
        recess = _RECESS if kind == "building" else 0.0
        triangles = shape.triangles()
        around = Surroundings(shape.vertices, triangles, recess)
        openness = corner_openness(shape, around, LEAVES)
        if kind == "building":
            openness = Openness(_STREET * openness.above, openness.below)
        shown = shape
        if kind in _CONTACT:
            sheet, left = contact_sheet(around)
            shown, openness = join(shape, sheet), openness.followed_by(corners_of(sheet, left))
        mesh = mesh_of(shown, name, self._materials, openness, worn)
        vertices = shape.vertices.astype(np.float32)
        return _shared(mesh, vertices, triangles, COLOUR in shape.slots)


@lru_cache(maxsize=256)
def _described(key: ShapeKey) -> SharedMesh:
    """The geometry of a shipped shape; kept, since each undo asks for a street's worth."""
    shape = shape_of(key)
    vertices = shape.vertices.astype(np.float32)
    return _shared(None, vertices, shape.triangles(), COLOUR in shape.slots)


def _shared(
    mesh: bpy.types.Mesh | None, vertices: np.ndarray, triangles: np.ndarray, coloured: bool
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


def corners_of(shape: Shape, values: np.ndarray) -> Openness:
    """Values of a shape's vertices as those of its faces' corners."""
    corners = np.array([i for face in shape.faces for i in face], np.int64)
    return Openness(values[corners], values[corners])


def mesh_of(
    shape: Shape,
    name: str,
    materials: Materials,
    openness: Openness | None = None,
    worn: tuple[str, str] = ("paint", "white"),
) -> bpy.types.Mesh:
    """A new bpy mesh.

    Args:
        openness: of each face's corners, in the faces' order; None: all in the open.
        worn: what the faces of surface ``COLOUR`` are of: its wearer, and a colour of its pattern.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(shape.vertices.tolist(), [], [list(face) for face in shape.faces])
    slots = shape.slots
    for slot in slots:
        own = materials.worn(*worn) if slot == COLOUR else materials.surface(slot)
        mesh.materials.append(own)
    number = {slot: i for i, slot in enumerate(slots)}
    slot_of_face = np.array([number[s] for s in shape.surfaces], np.int32)
    mesh.polygons.foreach_set("material_index", slot_of_face)
    mesh.polygons.foreach_set("use_smooth", shape.smooth)
    write_attributes(mesh, [face_finish(slot, worn) for slot in slots], slot_of_face, openness)
    mesh.update()
    return mesh
