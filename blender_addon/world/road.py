"""The road and the land beside it as Blender objects; a street only rewrites their vertices.

No data-block is made or removed when a street changes, but for one more dashed line when it has
more lanes than any before.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..contract.semantics import unlabelled_index
from ..contract.street import Street
from .landscape import plain, rim
from .materials import Materials
from .meshes import mesh_of
from .road_markings import (
    DASHES,
    JUNCTION_COLUMNS,
    JUNCTION_ROWS,
    MOST_JUNCTIONS,
    PAINT_QUADS,
    WALK_COLUMNS,
    WALK_ROWS,
    junction_coordinates,
    paint_coordinates,
    separator_coordinates,
)
from .road_surfaces import NEAR, RIBBONS, plain_height, surface_coordinates
from .shapes import Shape, grid, join, polygons

_MEANING = {
    "road": "road",
    "walks": "sidewalk",
    "parking": "parking",
    "separator": "road",
    "paint": "road",
    "cross_road": "road",
    "cross_walk": "sidewalk",
    "plain": "terrain",
    "forest": "vegetation",
    "forest_far": "vegetation",
    "hills": "terrain",
}
_GROUND = {"grass": "terrain", "paving": "sidewalk"}


class Road:
    """The objects of road and landscape; ``show`` makes them follow a street."""

    def __init__(self, collection: bpy.types.Collection, materials: Materials) -> None:
        self._collection = collection
        self._materials = materials
        self._separators: list[bpy.types.Object] = []
        self._surfaces = {
            name: self._add(name, _ribbons(names, len(NEAR))) for name, names in RIBBONS.items()
        }
        for name in ("ground_left", "ground_right"):
            self._surfaces[name].material_slots[0].link = "OBJECT"
        self._paint = self._add("paint", _quads(PAINT_QUADS, "marking"))
        self._cross_road = self._add(
            "cross_road", _sheets(2 * MOST_JUNCTIONS, JUNCTION_ROWS, JUNCTION_COLUMNS, "asphalt")
        )
        self._cross_walk = self._add(
            "cross_walk", _sheets(4 * MOST_JUNCTIONS, WALK_ROWS, WALK_COLUMNS, "sidewalk")
        )
        self._land = [
            self._add("plain", plain()),
            self._add("forest", rim("forest")),
            self._add("forest_far", rim("forest_far")),
            self._add("hills", rim("hills")),
        ]
        self._shown: Street | None = None

    def show(self, street: Street) -> None:
        """Rewrite what differs from the street shown."""
        if street == self._shown:
            return
        for name, coordinates in surface_coordinates(street).items():
            _rewrite(self._surfaces[name], coordinates)
        for right, name in ((False, "ground_left"), (True, "ground_right")):
            ground = street.side(right).ground
            body = self._surfaces[name]
            body.material_slots[0].material = self._materials.surface(ground)
            body.pass_index = unlabelled_index(_GROUND[ground])
        self._show_separators(street)
        if self._shown is None or _laid(street) != _laid(self._shown):
            _rewrite(self._paint, paint_coordinates(street))
            roads, walks = junction_coordinates(street)
            _rewrite(self._cross_road, roads)
            _rewrite(self._cross_walk, walks)
        height = plain_height(street)
        for body in self._land:
            if body.location.z != height:
                body.location.z = height
        self._shown = street

    def clear(self) -> None:
        """Remove them all from Blender."""
        bodies = [*self._surfaces.values(), self._paint, self._cross_road, self._cross_walk]
        bodies += [*self._land, *self._separators]
        meshes = [body.data for body in bodies]
        bpy.data.batch_remove(bodies)
        bpy.data.batch_remove(meshes)
        self._surfaces.clear()
        self._separators.clear()
        self._shown = None

    def _show_separators(self, street: Street) -> None:
        positions = sorted(lane.position for lane in street.lanes.values())
        offsets = [(p + 0.5) * street.lane_width for p in positions[:-1]]
        while len(self._separators) < len(offsets):
            self._separators.append(self._add("separator", _ribbons(("marking",) * DASHES, 4)))
        for separator, offset in zip(self._separators, offsets, strict=False):
            _rewrite(separator, separator_coordinates(street, offset))
        for i, separator in enumerate(self._separators):
            hidden = i >= len(offsets)
            if separator.hide_render != hidden:
                separator.hide_render = separator.hide_viewport = hidden

    def _add(self, name: str, shape: Shape) -> bpy.types.Object:
        mesh = mesh_of(shape, f"metasim {name}", self._materials)
        body = bpy.data.objects.new(f"metasim {name}", mesh)
        if name in _MEANING:
            body.pass_index = unlabelled_index(_MEANING[name])
        self._collection.objects.link(body)
        return body


def _laid(street: Street) -> Street | None:
    """What decides the paint and the cross streets; None when there are neither."""
    bays = any(side.parking == "bays" for side in street.sides.values())
    return street if street.junctions or street.zebras or bays else None


def _rewrite(body: bpy.types.Object, coordinates: np.ndarray) -> None:
    body.data.vertices.foreach_set("co", coordinates.ravel())
    body.data.update()
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
