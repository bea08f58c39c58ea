"""The road and the land beside it as Blender objects; a street only rewrites their vertices.

What carries one label lies in one mesh, since a change costs Cycles the more, the more meshes
change. A part that a street has no use for shrinks to a line under the ground, and all meshes are
padded to the same number of triangles (see mesh_arrays), so that none changes its size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import bpy
import numpy as np

from ..contract.semantics import unlabelled_index
from ..contract.street import Street
from .landscape import plain, rim
from .materials import Materials
from .mesh_arrays import ROOM, set_points
from .meshes import mesh_of
from .road_markings import (
    DASHES,
    JUNCTION_COLUMNS,
    JUNCTION_ROWS,
    MOST_JUNCTIONS,
    PAINT_QUADS,
    WALK_COLUMNS,
    WALK_ROWS,
    buried,
    junction_coordinates,
    paint_coordinates,
    separator_coordinates,
)
from .road_surfaces import NEAR, RIBBONS, plain_height, surface_coordinates
from .shapes import Shape, grid, join, polygons
from .stage_parts import mark_surface

_MEANING = {
    "road": "road",
    "walks": "sidewalk",
    "parking": "parking",
    "grass": "terrain",
    "plain": "terrain",
    "forest": "vegetation",
    "forest_far": "vegetation",
    "hills": "terrain",
}
_LAND: Mapping[str, Callable[[], Shape]] = {
    "plain": plain,
    "forest": partial(rim, "forest"),
    "forest_far": partial(rim, "forest_far"),
    "hills": partial(rim, "hills"),
}
_LINES = 20  # dashed lines for which there is room at first
_LINE = DASHES * 4 * 2  # vertices
_KEPT = "metasim lines"  # the mesh's property that says for how many there is


class Road:
    """The objects of road and landscape; ``show`` makes them follow a street.

    Args:
        collection: for the objects.
        materials: for their meshes.
        found: objects that there are, by name; what is missing is made.

    Attributes:
        is_complete: whether nothing was missing.
    """

    def __init__(
        self,
        collection: bpy.types.Collection,
        materials: Materials,
        found: Mapping[str, bpy.types.Object] = MappingProxyType({}),
    ) -> None:
        self._collection = collection
        self._materials = materials
        self._surfaces = {
            name: found.get(name) or self._add(name, shape)
            for name, shape in _shapes(_LINES).items()
        }
        self._land = [found.get(name) or self._add(name, build()) for name, build in _LAND.items()]
        self.is_complete = all(name in found for name in (*self._surfaces, *_LAND))
        self._written: dict[str, np.ndarray] = {}
        self._shown: Street | None = None

    def show(self, street: Street) -> None:
        """Rewrite what differs from the street shown."""
        if street == self._shown:
            return
        needed = len(street.lanes) - 1
        if needed > self._lines():
            self._draw_more(needed)
        for name, pieces in _coordinates(street, self._lines()).items():
            room = len(self._surfaces[name].data.vertices)
            coordinates = np.concatenate([*pieces, buried(room - sum(map(len, pieces)))])
            if not np.array_equal(coordinates, self._written.get(name, ())):
                _rewrite(self._surfaces[name], coordinates)
                self._written[name] = coordinates
        height = plain_height(street)
        for body in self._land:
            if body.location.z != height:
                body.location.z = height
        self._shown = street

    def clear(self) -> None:
        """Remove them all from Blender."""
        bodies = [*self._surfaces.values(), *self._land]
        meshes = [body.data for body in bodies]
        bpy.data.batch_remove(bodies)
        bpy.data.batch_remove(meshes)
        self._surfaces.clear()
        self._written.clear()
        self._shown = None

    def bodies(self) -> tuple[bpy.types.Object, ...]:
        """All of its objects."""
        return (*self._surfaces.values(), *self._land)

    def resume(self, street: Street) -> None:
        """Take it that this street is shown already, unless a part had to be made."""
        if self.is_complete:
            self._shown = street

    def _lines(self) -> int:
        """For how many dashed lines there is room."""
        return int(self._surfaces["road"].data.get(_KEPT, _LINES))

    def _draw_more(self, lines: int) -> None:
        """Make room for more dashed lines."""
        body = self._surfaces["road"]
        before = body.data
        body.data = mesh_of(_shapes(lines)["road"].in_triangles(), "metasim road", self._materials)
        body.data[_KEPT] = lines
        bpy.data.meshes.remove(before)
        self._written.pop("road", None)

    def _add(self, name: str, shape: Shape) -> bpy.types.Object:
        # Another cut of a quad would be other triangles, and Cycles would pack all meshes anew.
        mesh = mesh_of(shape.in_triangles(), f"metasim {name}", self._materials)
        body = bpy.data.objects.new(f"metasim {name}", mesh)
        mark_surface(body, name)
        body.pass_index = unlabelled_index(_MEANING[name])
        self._collection.objects.link(body)
        return body


def _shapes(lines: int) -> dict[str, Shape]:
    stations = len(NEAR)
    shapes = {
        "road": join(
            _ribbons(RIBBONS["road"], stations),
            _ribbons(("marking",) * DASHES * lines, 4),
            _quads(PAINT_QUADS, "marking"),
            _sheets(2 * MOST_JUNCTIONS, JUNCTION_ROWS, JUNCTION_COLUMNS, "asphalt"),
        ),
        "walks": join(
            _ribbons(RIBBONS["walks"], stations),
            _sheets(4 * MOST_JUNCTIONS, WALK_ROWS, WALK_COLUMNS, "sidewalk"),
            _ribbons(("paving",) * 4, stations),
        ),
        "parking": _ribbons(RIBBONS["parking"], stations),
        "grass": _ribbons(("grass",) * 4, stations),
    }
    # A change is cheap only between meshes of as many triangles: see mesh_arrays.
    for name, shape in shapes.items():
        left = max(ROOM - len(shape.triangles()), 0)
        shapes[name] = join(shape, _quads(left // 2, shape.surfaces[0]))
    return shapes


def _coordinates(street: Street, lines: int) -> Mapping[str, list[np.ndarray]]:
    """Vertices of each object's parts, each V x 3 float32, without the padding."""
    parts = surface_coordinates(street)
    roads, walks = junction_coordinates(street)
    paving, grass = [], []
    for name in ("left", "right"):
        points = parts[f"ground_{name}"]
        paved = street.side(name == "right").ground == "paving"
        paving.append(points if paved else buried(len(points)))
        grass.append(buried(len(points)) if paved else points)
    positions = sorted(lane.position for lane in street.lanes.values())
    dashed = [
        separator_coordinates(street, (position + 0.5) * street.lane_width)
        for position in positions[:-1]
    ]
    spare = buried((lines - len(dashed)) * _LINE)
    paint = paint_coordinates(street)
    return {
        "road": [parts["road"], *dashed, spare, paint, roads],
        "walks": [parts["walks"], walks, *paving],
        "parking": [parts["parking"]],
        "grass": grass,
    }


def _rewrite(body: bpy.types.Object, coordinates: np.ndarray) -> None:
    set_points(body.data, coordinates)
    body.data.update()
    if not bpy.app.background:
        # Where only the mesh is evaluated anew, Blender 3.4's solid view shades it black.
        body.update_tag(refresh={"OBJECT"})


def _ribbons(names: tuple[str, ...], stations: int) -> Shape:
    """One unconnected ribbon a name, with two points a station; coordinates come later."""
    flat = np.zeros((stations, 2, 3))
    return join(*(grid(flat, name) for name in names))


def _sheets(count: int, rows: int, columns: int, name: str) -> Shape:
    return join(*[grid(np.zeros((rows, columns, 3)), name)] * count)


def _quads(count: int, name: str) -> Shape:
    faces = [tuple(range(4 * i, 4 * i + 4)) for i in range(count)]
    return polygons(np.zeros((4 * count, 3)), faces, name)
