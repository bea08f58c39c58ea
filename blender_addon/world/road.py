"""The road, its markings and its sides as strips of fixed topology, and the distant horizon.

A change of curvature or width rewrites the strips' vertices in place; a change in the number of
lanes shows or hides separators. No data-block is made for either.
"""

from __future__ import annotations

import bpy
import numpy as np

from .materials import Materials
from .meshes import mesh_of
from .shapes import Shape, grid, join, polygons
from .street import KERB_WIDTH, Street, arc_points

_BEGIN, _END = -15.0, 320.0
_NEAR = np.concatenate(
    [np.arange(_BEGIN, 60, 2.5), np.arange(60, 150, 5), np.linspace(150, _END, 18)]
)
_MOST_TURN = 2.6  # radians after which the road ends, before it could meet itself
_GROUND_REACH = 70.0
_LINE_WIDTH, _LINE_INSET, _LINE_HEIGHT = 0.13, 0.16, 0.008
_DASH, _GAP, _DASHES = 3.0, 6.0, 18
_FAR_DROP = -0.06

# Strips from left to right; two markings lie on the asphalt.
_STRIPS = (
    "ground_left", "sidewalk", "kerb", "parking", "asphalt", "parking", "kerb", "sidewalk",
    "ground_right", "marking", "marking",
)  # fmt: skip


def surface_coordinates(street: Street) -> np.ndarray:
    """Vertices of all strips, V x 3 float32: for each strip its stations' left and right points."""
    stations = _stations(street.curvature)
    coordinates = np.empty((len(_STRIPS), len(stations), 2, 3), np.float32)
    for strip, ends in enumerate(_cross_section(street)):
        for end, (offset, height) in enumerate(ends):
            x, y = arc_points(stations, offset, street.curvature)
            coordinates[strip, :, end] = np.stack([x, y, np.full_like(x, height)], axis=-1)
    return coordinates.reshape(-1, 3)


def separator_coordinates(street: Street, offset: float) -> np.ndarray:
    """Vertices of a dashed line at a lateral offset, V x 3 float32: four stations a dash."""
    starts = _BEGIN + 1.0 + (_DASH + _GAP) * np.arange(_DASHES)
    along = (starts[:, None] + np.linspace(0, _DASH, 4)).reshape(-1)
    ends = []
    for side in (-0.5, 0.5):
        x, y = arc_points(along, offset + side * _LINE_WIDTH, street.curvature)
        ends.append(np.stack([x, y, np.full_like(x, _LINE_HEIGHT)], axis=-1))
    return np.stack(ends, axis=1).reshape(-1, 3).astype(np.float32)


def _stations(curvature: float) -> np.ndarray:
    bend = abs(curvature) * _END
    return _NEAR * min(1.0, _MOST_TURN / bend) if bend else _NEAR


def _cross_section(street: Street) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """(lateral offset, height) of both ends of each strip."""
    left, right = street.edges
    profiles = []
    for right_hand, edge in ((False, left), (True, right)):
        side = street.side(right_hand)
        reach = _GROUND_REACH
        if street.curvature:
            reach = max(min(reach, 0.85 / abs(street.curvature) - abs(edge)), 0.0)
        kerb = side.parking_width + KERB_WIDTH
        walk = side.parking_width + max(side.sidewalk_width, KERB_WIDTH)
        outward = ((0.0, 0.0), (side.parking_width, 0.0), (kerb, side.kerb), (walk, side.kerb),
                   (max(reach, walk), side.kerb))  # fmt: skip
        sign = 1.0 if right_hand else -1.0
        profiles.append([(edge + sign * across, height) for across, height in outward])
    far_left, line = profiles[0][::-1], profiles[1]
    strips = list(zip(far_left[:-1], far_left[1:], strict=True))
    strips.append((far_left[-1], line[0]))
    strips += list(zip(line[:-1], line[1:], strict=True))
    width = 0.0 if street.setting == "town" else _LINE_WIDTH
    for inner in (left + _LINE_INSET, right - _LINE_INSET):
        ends = (inner - width / 2, inner + width / 2)
        strips.append(((ends[0], _LINE_HEIGHT), (ends[1], _LINE_HEIGHT)))
    return strips


class Road:
    """The objects of road and landscape; ``show`` makes them follow a street."""

    def __init__(self, collection: bpy.types.Collection, materials: Materials) -> None:
        self._collection = collection
        self._materials = materials
        self._separators: list[bpy.types.Object] = []
        self._surface = self._add("road", _ribbons(_STRIPS, len(_NEAR)))
        self._slots = {slot: i for i, slot in enumerate(dict.fromkeys(_STRIPS))}
        for slot in ("ground_left", "ground_right"):
            self._surface.material_slots[self._slots[slot]].link = "OBJECT"
        self._landscape = self._add("landscape", landscape())
        self._shown: Street | None = None

    def show(self, street: Street) -> None:
        """Rewrite the strips where the street differs from the one shown."""
        if street == self._shown:
            return
        _rewrite(self._surface, surface_coordinates(street))
        for right, slot in ((False, "ground_left"), (True, "ground_right")):
            material = self._materials.surface(street.side(right).ground)
            self._surface.material_slots[self._slots[slot]].material = material
        positions = sorted(lane.position for lane in street.lanes.values())
        offsets = [(p + 0.5) * street.lane_width for p in positions[:-1]]
        while len(self._separators) < len(offsets):
            self._separators.append(self._add("separator", _ribbons(("marking",) * _DASHES, 4)))
        for separator, offset in zip(self._separators, offsets, strict=False):
            _rewrite(separator, separator_coordinates(street, offset))
        for i, separator in enumerate(self._separators):
            hidden = i >= len(offsets)
            if separator.hide_render != hidden:
                separator.hide_render = separator.hide_viewport = hidden
        self._shown = street

    def clear(self) -> None:
        """Remove them all from Blender."""
        meshes = [o.data for o in (self._surface, self._landscape, *self._separators)]
        bpy.data.batch_remove([self._surface, self._landscape, *self._separators])
        bpy.data.batch_remove(meshes)
        self._separators.clear()
        self._shown = None

    def _add(self, name: str, shape: Shape) -> bpy.types.Object:
        mesh = mesh_of(shape, f"metasim {name}", self._materials)
        body = bpy.data.objects.new(f"metasim {name}", mesh)
        self._collection.objects.link(body)
        return body


def _rewrite(body: bpy.types.Object, coordinates: np.ndarray) -> None:
    body.data.vertices.foreach_set("co", coordinates.ravel())
    body.data.update()


def _ribbons(names: tuple[str, ...], stations: int) -> Shape:
    """One unconnected ribbon a name, with two points a station; coordinates come later."""
    flat = np.zeros((stations, 2, 3))
    return join(*(grid(flat, name) for name in names))


def landscape() -> Shape:
    """A plain to the horizon, a rim of woods and hills behind it; no bpy."""
    rng = np.random.default_rng(11)
    angle = np.linspace(0, 2 * np.pi, 97)
    corners = np.stack([420 * np.cos(angle[:-1:4]), 420 * np.sin(angle[:-1:4])], axis=-1)
    plain = np.column_stack([corners, np.full(len(corners), _FAR_DROP)])
    parts = [polygons(plain, [tuple(range(len(plain)))], "far")]
    for name, distance, low, high, count in (
        ("forest", 350, 7, 15, 480),
        ("hills", 400, 14, 30, 60),
    ):
        around = np.linspace(0, 2 * np.pi, count + 1)
        tops = rng.uniform(low, high, count + 1)
        tops = 0.5 * tops + 0.5 * np.roll(tops, 1)
        tops[-1] = tops[0]
        flat = np.stack([distance * np.cos(around), distance * np.sin(around)], axis=-1)
        foot = np.column_stack([flat, np.full(count + 1, -1.0)])
        top = np.column_stack([flat, tops])
        parts.append(grid(np.stack([foot, top]), name))
    return join(*parts)
