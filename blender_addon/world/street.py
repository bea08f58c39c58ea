"""Where things stand on a street: arc length and offset become world positions. No bpy.

The road's centre line starts at the origin, runs along +Y and has constant curvature kappa
(1/m, positive bends left). At arc length s its heading is ``kappa s`` (anticlockwise from +Y), and
the point at lateral offset d (positive right) is::

    x = -(1 - cos(kappa s)) / kappa + d cos(kappa s)
    y =  sin(kappa s) / kappa       + d sin(kappa s)

which tends to (d, s) as kappa tends to 0. ``across`` is a lateral distance from a lane's centre,
positive to the right of the road's direction whichever way the lane's traffic goes, or outward
from the outer edge of the outermost lane on a side.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..contract.scene_graph import Node, SceneGraph
from .attributes import WorldError, choice, number, positive

KERB_HEIGHT = 0.12
KERB_WIDTH = 0.16
BUILDING_DEPTH = 9.0

PLACED = ("car", "van", "person", "tree", "building", "pole")
TURNED = ("car", "van", "person")  # these have a yaw of their own


@dataclass(frozen=True)
class Placement:
    """Where an upright object stands.

    Attributes:
        x, y, z: world position of the centre of its base, metres.
        turn: angle of its front (+X) from world +X, radians, anticlockwise.
        scale: factors along its own x, y, z.
    """

    x: float
    y: float
    z: float
    turn: float
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def matrix(self) -> np.ndarray:
        """4 x 4 float64, object to world, with scale."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        sx, sy, sz = self.scale
        return np.array(
            [
                [cos * sx, -sin * sy, 0.0, self.x],
                [sin * sx, cos * sy, 0.0, self.y],
                [0.0, 0.0, sz, self.z],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )


def arc_points(
    along: np.ndarray | float, offset: np.ndarray | float, curvature: float
) -> tuple[np.ndarray, np.ndarray]:
    """World x and y of points at arc lengths and lateral offsets (metres; arrays broadcast)."""
    along, offset = np.broadcast_arrays(np.float64(along), np.float64(offset))
    angle = curvature * along
    # sinc keeps both forms exact through kappa = 0: numpy's is sin(pi x) / (pi x).
    forward = along * np.sinc(angle / np.pi)
    left = along * np.sin(angle / 2) * np.sinc(angle / (2 * np.pi))
    return offset * np.cos(angle) - left, forward + offset * np.sin(angle)


@dataclass(frozen=True)
class Lane:
    """A lane: its number from the ego lane (positive right) and its direction of travel."""

    position: int
    oncoming: bool


@dataclass(frozen=True)
class Side:
    """One side of the road; widths in metres, listed from the lanes outward."""

    right: bool
    parking_width: float
    sidewalk_width: float
    ground: str
    kerb: float = KERB_HEIGHT

    def height(self, across: float) -> float:
        """Height of the surface at a distance outward from the lanes; continuous, metres."""
        climbed = (across - self.parking_width) / KERB_WIDTH
        return self.kerb * min(max(climbed, 0.0), 1.0)


@dataclass(frozen=True)
class Street:
    """The frames of a scene's lanes and sides; places the objects on them."""

    curvature: float
    lane_width: float
    setting: str
    lanes: Mapping[str, Lane]
    sides: Mapping[str, Side]

    @property
    def edges(self) -> tuple[float, float]:
        """Lateral offset of the lanes' outer edges: left, right; metres."""
        positions = [lane.position for lane in self.lanes.values()] or [0]
        return (min(positions) - 0.5) * self.lane_width, (max(positions) + 0.5) * self.lane_width

    def side(self, right: bool) -> Side:
        """The side of that edge; bare grass without a kerb when the scene has none."""
        for side in self.sides.values():
            if side.right == right:
                return side
        return Side(right, 0.0, 0.0, "grass", 0.0)

    def point(self, along: float, offset: float) -> tuple[float, float]:
        """World x, y at arc length and lateral offset, metres."""
        x, y = arc_points(along, offset, self.curvature)
        return float(x), float(y)

    def place(self, node: Node) -> Placement:
        """Where a node of one of the classes in ``PLACED`` stands.

        Raises:
            WorldError: when an attribute is missing or wrong, or the parent is no lane or side.
        """
        along, across = number(node, "along"), number(node, "across")
        forward = math.pi / 2 + self.curvature * along
        lane = self.lanes.get(node.parent or "")
        side = self.sides.get(node.parent or "")
        if lane is not None:
            offset = lane.position * self.lane_width + across
            height = 0.0
            travel = forward + (math.pi if lane.oncoming else 0.0)
            inward = forward
        elif side is not None:
            outward = 1.0 if side.right else -1.0
            height = side.height(across)
            if node.class_name == "building":
                across += BUILDING_DEPTH / 2
            offset = self.edges[side.right] + outward * across
            travel = forward
            inward = forward + outward * math.pi / 2
        else:
            raise WorldError(
                f"Node {node.id!r} ({node.class_name}) belongs to {node.parent!r}; "
                "place it on a lane or a side."
            )
        x, y = self.point(along, offset)
        turn, scale = _turn_and_scale(node, travel, inward)
        return Placement(x, y, height, turn, scale)


def _turn_and_scale(
    node: Node, travel: float, inward: float
) -> tuple[float, tuple[float, float, float]]:
    """Direction of a node's front and the scale of its unit shape."""
    kind = node.class_name
    scale = (1.0, 1.0, 1.0)
    if kind in TURNED:
        turn = travel + math.radians(number(node, "yaw"))
        if kind == "person":
            scale = (positive(node, "height"),) * 3
    elif kind == "building":
        turn, scale = inward, (1.0, positive(node, "width"), positive(node, "height"))
    else:
        scale = (positive(node, "height"),) * 3
        if kind == "tree":
            # No two trees show the same face, and each keeps its own from scene to scene.
            turn = zlib.crc32(node.id.encode()) % 360 * math.pi / 180
        else:
            sign = node.attributes.get("model") == "sign"
            turn = travel + math.pi if sign else inward
    return turn, scale


def read_street(scene: SceneGraph) -> Street:
    """The frames of a scene.

    Raises:
        WorldError: when there is not one road, or a lane or side lacks something or is doubled.
    """
    roads = scene.of_class("road")
    if len(roads) != 1:
        raise WorldError(f"A street needs exactly one node of class 'road'; found {len(roads)}.")
    lanes = {node.id: _lane(node) for node in scene.of_class("lane")}
    sides: dict[str, Side] = {}
    for node in scene.of_class("side"):
        side = _side(node)
        if any(other.right == side.right for other in sides.values()):
            edge = node.attributes["edge"]
            raise WorldError(f"Node {node.id!r}: the road already has a side at its {edge} edge.")
        sides[node.id] = side
    if not lanes:
        raise WorldError("A street needs at least one node of class 'lane'.")
    positions = [lane.position for lane in lanes.values()]
    if len(set(positions)) < len(positions):
        raise WorldError("Two lanes have the same 'position'; give each lane its own.")
    setting = scene.root.attributes.get("setting", "suburban")
    return Street(
        number(roads[0], "curvature"), positive(roads[0], "lane_width"), str(setting), lanes, sides
    )


def _lane(node: Node) -> Lane:
    position = number(node, "position")
    if position != int(position) or abs(position) > 8:
        raise WorldError(
            f"Node {node.id!r}, attribute 'position': {position!r} is not a whole number from "
            "-8 to 8."
        )
    return Lane(int(position), choice(node, "direction", ("ahead", "oncoming")) == "oncoming")


def _side(node: Node) -> Side:
    return Side(
        choice(node, "edge", ("left", "right")) == "right",
        max(number(node, "parking_width"), 0.0),
        max(number(node, "sidewalk_width"), 0.0),
        choice(node, "ground", ("grass", "paving")),
    )
