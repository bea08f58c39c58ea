"""A mesh as packed arrays, to be written into another mesh of a fixed number of triangles.

Cycles knows a mesh by an address in memory, and when several change at once they may exchange
their addresses. As long as all that change have as many triangles, no other mesh moves in Cycles'
arrays; else it builds the tree of every mesh between them anew, which takes 50 ms. So a mesh that
shows one shape after another is padded with triangles without an area.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import bpy
import numpy as np

_OURS = "metasim"  # what the names of our own attributes begin with
_BYTES = 4  # to a corner, of every attribute of ours
ROOM = 3072  # triangles of every mesh that is written anew: 19 of 20 houses and hedges fit
_VERTICES = ROOM + ROOM // 4
_FEWEST_SPARE = 96  # vertices of the padding


@dataclass(frozen=True, eq=False)
class MeshArrays:
    """What a mesh shows, cut into triangles.

    Attributes:
        materials: names of the materials, each once; the first is that of the first slot.
    """

    materials: tuple[str, ...]
    _vertices: int
    _triangles: int
    _attributes: tuple[str, ...]  # byte colours of the corners
    _packed: bytes

    @property
    def look(self) -> str:
        """The material of the first slot."""
        return self.materials[0]

    @classmethod
    def of(cls, mesh: bpy.types.Mesh) -> MeshArrays:
        """A mesh's vertices, faces, materials, smoothness and our own attributes."""
        mesh.calc_loop_triangles()
        corners = _read(mesh.loop_triangles, "loops", np.int32, 3)
        faces = _read(mesh.loop_triangles, "polygon_index", np.int32)
        names = [material.name for material in mesh.materials]
        materials = tuple(dict.fromkeys(names))
        slot = np.array([materials.index(name) for name in names], np.int32)
        parts = [
            _read(mesh.vertices, "co", np.float32, 3),
            _read(mesh.loops, "vertex_index", np.int32)[corners],
            slot[_read(mesh.polygons, "material_index", np.int32)[faces]],
            _read(mesh.polygons, "use_smooth", np.bool_)[faces],
        ]
        attributes = []
        for one in mesh.attributes:
            if one.name.startswith(_OURS) and one.data_type == "BYTE_COLOR":
                shares = _read(one.data, "color_srgb", np.float32, _BYTES)
                parts.append(np.rint(255 * shares).astype(np.uint8).reshape(-1, _BYTES)[corners])
                attributes.append(one.name)
        return cls(
            materials,
            len(mesh.vertices),
            len(faces),
            tuple(attributes),
            # Packed, for a street's worth of houses is a hundred times what is shown of them.
            zlib.compress(b"".join(np.ascontiguousarray(part).tobytes() for part in parts), 1),
        )

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        return self._triangles <= ROOM and self._vertices + _FEWEST_SPARE <= _VERTICES

    def write(self, mesh: bpy.types.Mesh) -> None:
        """Make a mesh show this; materials that it lacks are added to its slots.

        Its vertices and triangles come first, the padding last.
        """
        count = self._triangles
        data, at = zlib.decompress(self._packed), 0

        def take(dtype: type, rows: int, width: int = 1) -> np.ndarray:
            nonlocal at
            values: np.ndarray = np.frombuffer(data, dtype, rows * width, at)
            at += values.nbytes
            return values

        mesh.clear_geometry()
        mesh.vertices.add(_VERTICES)
        mesh.loops.add(3 * ROOM)
        mesh.polygons.add(ROOM)
        mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * ROOM, 3, dtype=np.int32))
        if bpy.app.version < (4, 0):
            mesh.polygons.foreach_set("loop_total", np.full(ROOM, 3, np.int32))
        shown = take(np.float32, self._vertices, 3).reshape(-1, 3)
        points = np.empty((_VERTICES, 3), np.float32)
        points[: self._vertices] = shown
        # Of the padding each triangle lies in a vertex, and not all in the same: see road_markings.
        spare = np.arange((len(points) - self._vertices) // 3)
        points[self._vertices :] = shown[0]
        points[self._vertices :][: 3 * len(spare)] = shown[spare % self._vertices].repeat(3, axis=0)
        set_points(mesh, points)
        corners = np.empty((ROOM, 3), np.int32)
        corners[:count] = take(np.int32, count, 3).reshape(-1, 3)
        padding = np.arange(ROOM - count) % len(spare)
        corners[count:] = self._vertices + 3 * padding[:, None] + range(3)
        if ".corner_vert" in mesh.attributes:  # from Blender 3.6 on
            mesh.attributes[".corner_vert"].data.foreach_set("value", corners.ravel())
        else:
            mesh.loops.foreach_set("vertex_index", corners.ravel())
        slots = self._slots(mesh)[take(np.int32, count)]
        _fill(mesh, "material_index", "INT", "FACE", _padded(slots, ROOM))
        smooth = _padded(take(np.bool_, count), ROOM)
        if bpy.app.version < (4, 1):
            mesh.polygons.foreach_set("use_smooth", smooth)
        else:
            _fill(mesh, "sharp_face", "BOOLEAN", "FACE", ~smooth)
        for name in self._attributes:
            shares = _padded(take(np.uint8, 3 * count, _BYTES), 3 * ROOM * _BYTES) / np.float32(255)
            _fill(mesh, name, "BYTE_COLOR", "CORNER", shares, "color_srgb")
        mesh.update(calc_edges=True)

    def _slots(self, mesh: bpy.types.Mesh) -> np.ndarray:
        """The mesh's slot of each of the materials."""
        there = [material.name for material in mesh.materials]
        for name in self.materials:
            if name not in there:
                mesh.materials.append(bpy.data.materials[name])
                there.append(name)
        return np.array([there.index(name) for name in self.materials], np.int32)


def set_points(mesh: bpy.types.Mesh, points: np.ndarray) -> None:
    """Set a mesh's vertices, V x 3 float32."""
    if "position" in mesh.attributes:  # from Blender 3.5 on
        _fill(mesh, "position", "FLOAT_VECTOR", "POINT", points.ravel(), "vector")
    else:
        mesh.vertices.foreach_set("co", points.ravel())


def _fill(
    mesh: bpy.types.Mesh,
    name: str,
    kind: str,
    domain: str,
    values: np.ndarray,
    field: str = "value",
) -> None:
    """Set an attribute: as arrays, which takes a tenth of the time of the mesh's own properties."""
    attribute = mesh.attributes.get(name) or mesh.attributes.new(name, kind, domain)
    attribute.data.foreach_set(field, values)


def _read(items, field: str, dtype: type, width: int = 1) -> np.ndarray:
    values: np.ndarray = np.empty(width * len(items), dtype)
    items.foreach_get(field, values)
    return values


def _padded(values: np.ndarray, size: int) -> np.ndarray:
    whole = np.zeros(size, values.dtype)
    whole[: len(values)] = values
    return whole
