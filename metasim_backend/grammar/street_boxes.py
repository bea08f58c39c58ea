"""Which boxes the vehicles of a street show in its picture, from the scene graph and without
rendering.

What can be seen of a vehicle is a block of the catalogue's size with a narrower roof and cut
corners. What is nearer hides what is farther: blocks of vehicles and houses, as rectangles on a
coarse grid of pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from blender_addon.contract.catalogue import read_catalogue, user_assets
from blender_addon.contract.scene_graph import Node, SceneGraph
from blender_addon.contract.street import BUILDING_DEPTH, Placement, read_street
from metasim_backend.shipped_files.folders import CATALOGUE

VEHICLES = ("car", "van", "truck", "bus", "caravan")
HIDING = (*VEHICLES, "building")
ROOF = 0.7
"""Length of a car's roof as a share of its own."""
ROUNDED = 0.7
"""Share of a vehicle's length and width that is straight: seen from above its corners are cut."""
MARGIN = 0.08
"""Share of a rectangle at its left, right and top that hides nothing: the block's corners."""
NEAREST = 0.3
"""Metres before the camera from which a corner counts; nearer ones are moved there."""
CELL = 4
"""Pixels of a grid's cell on which is counted what is hidden."""
LEAST_VISIBLE = 0.15
"""Of a box's cells; what shows less is left out."""


@dataclass(frozen=True, eq=False)
class StreetBoxes:
    """Boxes in a picture, nearest first.

    Attributes:
        visible: [n, 4] float64, x0, y0, x1, y1 in pixels around what is visible.
        whole: [n, 4], of the whole 3-D box, hidden or not, cut by the picture; as KITTI has them.
        classes: [n] names.
    """

    visible: np.ndarray
    whole: np.ndarray
    classes: tuple[str, ...]


@dataclass(frozen=True)
class _Block:
    """What a thing covers in a picture, and the rectangle of its 3-D box; cut by the picture."""

    class_name: str
    distance: float
    covers: tuple[float, float, float, float]
    whole: tuple[float, float, float, float]


@cache
def _model_heights() -> Mapping[tuple[str, str], tuple[float, float, float]]:
    assets = (*read_catalogue(CATALOGUE), *user_assets())
    return {(one.class_name, one.name): (one.length, one.width, one.height) for one in assets}


def street_boxes(scene: SceneGraph, width: int, height: int) -> StreetBoxes:
    """Boxes of the vehicles that show in the picture of a street.

    Args:
        scene: with one camera and one road.
        width, height: of the picture, pixels.

    Raises:
        WorldError: where the street cannot be read.
    """
    street = read_street(scene)
    (camera,) = scene.of_class("camera")
    rotation, shift, focal = _camera(camera, width)
    blocks = []
    for node in scene.nodes:
        if node.class_name not in HIDING:
            continue
        place = street.place(node)
        corners = _corners(node, place, rounded=True) @ rotation.T + shift
        covers = _rectangle(corners, focal, width, height)
        if covers is None:
            continue
        solid = _corners(node, place, rounded=False) @ rotation.T + shift
        depth = np.maximum(corners[:, 2], NEAREST)
        distance = depth.min() if node.class_name == "building" else depth.mean()
        whole = _rectangle(solid, focal, width, height) or covers
        blocks.append(_Block(node.class_name, float(distance), covers, whole))
    return _visible(sorted(blocks, key=lambda one: one.distance), width, height)


def _rectangle(
    corners: np.ndarray, focal: float, width: int, height: int
) -> tuple[float, float, float, float] | None:
    """Around the projected corners [n, 3] (camera axes), cut by the picture; None outside it."""
    if corners[:, 2].max() < NEAREST:
        return None
    depth = np.maximum(corners[:, 2], NEAREST)
    columns = focal * corners[:, 0] / depth + width / 2
    rows = focal * corners[:, 1] / depth + height / 2
    x0, x1 = np.clip((columns.min(), columns.max()), 0, width)
    y0, y1 = np.clip((rows.min(), rows.max()), 0, height)
    return (x0, y0, x1, y1) if x1 - x0 >= 1 and y1 - y0 >= 1 else None


def _visible(blocks: Sequence[_Block], width: int, height: int) -> StreetBoxes:
    """What of each vehicle's rectangle no nearer one hides; the nearest come first."""
    hidden = np.zeros((height // CELL + 1, width // CELL + 1), dtype=bool)
    visible, whole, classes = [], [], []
    for block in blocks:
        x0, y0, x1, y1 = block.covers
        if block.class_name in VEHICLES:
            top, left = int(y0 // CELL), int(x0 // CELL)
            free = ~hidden[top : int(y1 // CELL) + 1, left : int(x1 // CELL) + 1]
            if free.mean() >= LEAST_VISIBLE:
                rows, columns = (np.flatnonzero(free.any(axis)) for axis in (1, 0))
                visible.append(
                    (
                        max(x0, CELL * (left + columns[0])),
                        max(y0, CELL * (top + rows[0])),
                        min(x1, CELL * (left + columns[-1] + 1)),
                        min(y1, CELL * (top + rows[-1] + 1)),
                    )
                )
                whole.append(block.whole)
                classes.append(block.class_name)
        across, down = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
        hidden[
            int((y0 + down) // CELL) : int(y1 // CELL) + 1,
            int((x0 + across) // CELL) : int((x1 - across) // CELL) + 1,
        ] = True
    return StreetBoxes(
        np.array(visible, dtype=np.float64).reshape(-1, 4),
        np.array(whole, dtype=np.float64).reshape(-1, 4),
        tuple(classes),
    )


def _camera(node: Node, width: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Rotation [3, 3] and translation [3] from the world to OpenCV's axes, and the focal length
    in pixels; as ``blender_addon.world.camera``."""
    values = {name: float(node.attributes[name]) for name in ("height", "pitch", "yaw", "fov")}
    pitch, yaw = math.radians(values["pitch"]), math.radians(values["yaw"])
    level = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    flat = np.array([-math.sin(yaw), math.cos(yaw), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    down = math.sin(pitch) * flat - math.cos(pitch) * up
    rotation = np.stack([level, down, math.cos(pitch) * flat + math.sin(pitch) * up])
    focal = width / 2 / math.tan(math.radians(values["fov"]) / 2)
    return rotation, -rotation @ (0.0, 0.0, values["height"]), focal


def _corners(node: Node, place: Placement, *, rounded: bool) -> np.ndarray:
    """[16, 3]: the corners of a node's block in the world, metres; not ``rounded``: each corner of
    its 3-D box twice."""
    if node.class_name == "building":
        long, wide, tall = BUILDING_DEPTH, *place.scale[1:]
        roof = 1.0
    else:
        model = str(node.attributes["model"])
        long, wide, tall = _model_heights()[node.class_name, model]
        roof = ROOF if rounded and node.class_name == "car" else 1.0
    ahead = np.array([math.cos(place.turn), math.sin(place.turn), 0.0])
    beside = np.array([-math.sin(place.turn), math.cos(place.turn), 0.0])
    foot = np.array([place.x, place.y, place.z])
    cut = ROUNDED if rounded and node.class_name in VEHICLES else 1.0
    return np.array(
        [
            foot
            + (a * x * long / 2 * (roof if top else 1.0)) * ahead
            + (b * y * wide / 2) * beside
            + (0.0, 0.0, top * tall)
            for x, y in ((1.0, cut), (cut, 1.0))
            for a in (-1, 1)
            for b in (-1, 1)
            for top in (0, 1)
        ]
    )
