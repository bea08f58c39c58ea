"""Where things stand on a street: arc length and offset become world positions.

The road's centre line starts at the origin, runs along +Y and has constant curvature kappa
(1/m, positive bends left). At arc length s its heading is ``kappa s`` (anticlockwise from +Y), and
the point at lateral offset d (positive right) is::

    x = -(1 - cos(kappa s)) / kappa + d cos(kappa s)
    y =  sin(kappa s) / kappa       + d sin(kappa s)

which tends to (d, s) as kappa tends to 0. A hill lifts all of a cross-section alike, by ``rise``
metres between s = 20 m and s = 140 m::

    z = rise (3 t^2 - 2 t^3),   t = (s - 20 m) / 120 m, between 0 and 1

``across`` is a lateral distance from a lane's centre, positive to the right of the road's direction
whichever way the lane's traffic goes, or outward from the outer edge of the outermost lane on a
side. Where a junction's cross street passes, kerbs sink to the road's level.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .attribute_reading import WorldError, choice, number, positive
from .placement import Placement
from .scene_graph import Node, SceneGraph
from .street_classes import STREET_CLASSES

KERB_HEIGHT = 0.12
KERB_WIDTH = 0.16
BUILDING_DEPTH = 9.0
BARRIER_SECTION = 2.0
SETTINGS = ("suburban", "town", "country")
PARKING = ("none", "row", "bays")

HILL_FROM, HILL_LENGTH = 20.0, 120.0
STRAIGHT = 1e-7  # curvature below which a bend is less than a millimetre wide
KERB_RAMP = 0.6  # metres over which a kerb sinks beside a junction


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


def arc_coordinates(x: float, y: float, curvature: float) -> tuple[float, float]:
    """Arc length and lateral offset of a world point, metres: the inverse of :func:`arc_points`."""
    if abs(curvature) < STRAIGHT:
        return y, x
    sideways, forward = 1 + curvature * x, curvature * y
    along = math.atan2(forward, sideways) / curvature
    return along, (math.hypot(forward, sideways) - 1) / curvature


def _arc_point(along: float, offset: float, curvature: float) -> tuple[float, float]:
    """:func:`arc_points` of one point, in a fraction of the time."""
    angle = curvature * along
    forward = along * _sinc(angle / np.pi)
    left = along * np.sin(angle / 2) * _sinc(angle / (2 * np.pi))
    return float(offset * np.cos(angle) - left), float(forward + offset * np.sin(angle))


def _sinc(x: float) -> float:
    y = np.pi * (x if x else 1.0e-20)  # as numpy does it
    return np.sin(y) / y


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
    parking: str = "row"

    def height(self, across: float) -> float:
        """Height of the surface at a distance outward from the lanes; continuous, metres."""
        climbed = (across - self.parking_width) / KERB_WIDTH
        return self.kerb * min(max(climbed, 0.0), 1.0)


@dataclass(frozen=True)
class Junction:
    """A cross street: where its middle meets the road, and how wide it is; metres."""

    along: float
    width: float

    @property
    def begin(self) -> float:
        return self.along - self.width / 2

    @property
    def end(self) -> float:
        return self.along + self.width / 2


@dataclass(frozen=True)
class Street:
    """The frames of a scene's lanes and sides; places the objects on them.

    Attributes:
        curvature: 1/m, positive to the left.
        rise: how much higher the road's far end lies, metres.
        zebras: distances of zebra crossings' middles, metres.
    """

    curvature: float
    lane_width: float
    setting: str
    lanes: Mapping[str, Lane]
    sides: Mapping[str, Side]
    rise: float = 0.0
    junctions: tuple[Junction, ...] = ()
    zebras: tuple[float, ...] = ()

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
        return _arc_point(along, offset, self.curvature)

    def lift(self, along: np.ndarray | float) -> np.ndarray:
        """Height of the road's surface at arc lengths, metres."""
        t = np.clip((np.float64(along) - HILL_FROM) / HILL_LENGTH, 0.0, 1.0)
        return np.asarray(self.rise * t * t * (3 - 2 * t))

    def _height(self, along: float) -> float:
        """:meth:`lift` at one arc length."""
        t = min(max((along - HILL_FROM) / HILL_LENGTH, 0.0), 1.0)
        return self.rise * t * t * (3 - 2 * t)

    def slope(self, along: float) -> float:
        """How steeply the road climbs at an arc length, radians."""
        t = min(max((along - HILL_FROM) / HILL_LENGTH, 0.0), 1.0)
        return math.atan(self.rise * 6 * t * (1 - t) / HILL_LENGTH)

    def kerb_share(self, along: np.ndarray | float) -> np.ndarray:
        """What is left of the kerbs' height: 0 in a junction, 1 away from it."""
        share = np.ones_like(np.asarray(along, np.float64))
        for one in self.junctions:
            outside = np.maximum(one.begin - along, np.float64(along) - one.end)
            share = np.minimum(share, np.clip(outside / KERB_RAMP, 0.0, 1.0))
        return share

    def place(self, node: Node) -> Placement:
        """Where a node of one of the ``STREET_CLASSES`` stands.

        Raises:
            WorldError: when an attribute is missing or wrong, or the parent is no lane or side.
        """
        along, across = number(node, "along"), number(node, "across")
        treated = STREET_CLASSES[node.class_name]
        forward = math.pi / 2 + self.curvature * along
        slope = self.slope(along)
        height = self._height(along)
        lane = self.lanes.get(node.parent or "")
        side = self.sides.get(node.parent or "")
        scale = _scale(node)
        if lane is not None:
            offset = lane.position * self.lane_width + across
            travel = forward + (math.pi if lane.oncoming else 0.0)
            inward = forward
        elif side is not None:
            outward = 1.0 if side.right else -1.0
            share = float(self.kerb_share(along)) if self.junctions else 1.0
            height += side.height(across) * share
            if node.class_name == "building":
                across += BUILDING_DEPTH / 2
                height -= abs(math.tan(slope)) * scale[1] / 2  # its lower end must not float
            offset = self.edges[side.right] + outward * across
            travel = forward
            inward = forward + outward * math.pi / 2
        else:
            raise WorldError(
                f"Node {node.id!r} ({node.class_name}) belongs to {node.parent!r}; "
                "place it on a lane or a side."
            )
        x, y = self.point(along, offset)
        if treated.turned:
            turn = travel + math.radians(number(node, "yaw"))
        elif treated.front == "any":
            # No two trees show the same face, and each keeps its own from scene to scene.
            turn = zlib.crc32(node.id.encode()) % 360 * math.pi / 180
        else:
            turn = inward if treated.front == "road" else travel + math.pi
        if not treated.tilted:
            slope = 0.0
        return Placement(x, y, height, turn, scale, slope, forward)


def barrier_sections(length: float) -> int:
    """How many sections of ``BARRIER_SECTION`` metres make up a barrier of that length."""
    return max(1, round(length / BARRIER_SECTION))


def _scale(node: Node) -> tuple[float, float, float]:
    """Factors on the shape of a node's model."""
    scaled = STREET_CLASSES[node.class_name].scaled
    if scaled == "height":
        return (positive(node, "height"),) * 3
    if scaled == "box":
        return 1.0, positive(node, "width"), positive(node, "height")
    if scaled == "length":
        length = positive(node, "length")
        return 1.0, length / (BARRIER_SECTION * barrier_sections(length)), 1.0
    return 1.0, 1.0, 1.0


def read_street(scene: SceneGraph) -> Street:
    """The frames of a scene.

    Raises:
        WorldError: when there is not one road, or a lane or side lacks something or is doubled.
    """
    return street_of(scene.nodes)


def street_of(nodes: Sequence[Node]) -> Street:
    """The frames among a scene's nodes, of which the first is the root.

    Raises:
        WorldError: as :func:`read_street`.
    """
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.class_name, []).append(node)
    roads = found.get("road", [])
    if len(roads) != 1:
        raise WorldError(f"A street needs exactly one node of class 'road'; found {len(roads)}.")
    road = roads[0]
    lanes = {node.id: _lane(node) for node in found.get("lane", [])}
    sides: dict[str, Side] = {}
    for node in found.get("side", []):
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
    return Street(
        curvature=number(road, "curvature"),
        lane_width=positive(road, "lane_width"),
        setting=choice(nodes[0], "setting", SETTINGS, "suburban"),
        lanes=lanes,
        sides=sides,
        rise=number(road, "rise", 0.0),
        junctions=tuple(
            Junction(number(node, "along"), positive(node, "width"))
            for node in found.get("junction", [])
        ),
        zebras=tuple(number(node, "along") for node in found.get("zebra", [])),
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
        parking=choice(node, "parking", PARKING, "row"),
    )
