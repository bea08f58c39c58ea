"""What ground the things of a street cover, and which stand in each other.

A footprint is a rectangle seen from above: the catalogue's size of the node's model, where
:mod:`blender_addon.contract.street` places it. Of trees only the trunk counts, since crowns may
overhang; heights do not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np

from blender_addon.contract.catalogue import read_catalogue, user_assets
from blender_addon.contract.scene_graph import Node, SceneGraph
from blender_addon.contract.street import BUILDING_DEPTH, Street, street_of
from blender_addon.contract.street_classes import STREET_CLASSES
from metasim_backend.shipped_files.folders import CATALOGUE

TRUNK = 0.5
FRAMES = frozenset({"road", "lane", "side", "junction", "zebra"})

Sizes = Mapping[tuple[str, str], tuple[float, float]]


@cache
def model_sizes() -> Sizes:
    """Length and width, metres, of every shipped and every user's model, by class and name.

    Raises:
        CatalogueError: when a catalogue cannot be read.
    """
    assets = (*read_catalogue(CATALOGUE), *user_assets())
    return {(one.class_name, one.name): (one.length, one.width) for one in assets}


class Layout:
    """A street that is being filled: tells whether the next node stands in an earlier one.

    Args:
        sizes: of the models, from :func:`model_sizes`.
        gap: least distance between two footprints, metres.
    """

    def __init__(self, sizes: Sizes, gap: float = 0.0) -> None:
        self._sizes = sizes
        self._gap = gap
        self._frames: list[Node] = []
        self._street: Street | None = None
        self._ids: list[str] = []
        self._rectangles = np.empty((0, 5))
        self._circles: list[tuple[float, float, float]] = []
        self._last: tuple[Node, np.ndarray] | None = None

    def add(self, node: Node, *, counted: bool = True) -> None:
        """Take a node up: a frame of the street, or one that covers ground."""
        if not self._frames or node.class_name in FRAMES:
            self._frames.append(node)
            self._street = None
        elif counted and node.class_name in STREET_CLASSES:
            self._ids.append(node.id)
            one = self._rectangle(node)
            self._rectangles = np.vstack([self._rectangles, one])
            self._circles.append((float(one[0]), float(one[1]), math.hypot(one[3], one[4])))

    def collisions(self, node: Node) -> tuple[str, ...]:
        """Ids of the nodes taken up whose ground this one would cover too."""
        if not self._ids:
            return ()
        one = self._rectangle(node)
        # Most are too far away, whichever way they are turned: the axes of one rectangle see at
        # least 1/sqrt(2) of a distance, and without a gap disjoint circles are enough.
        x, y, reach = float(one[0]), float(one[1]), math.hypot(one[3], one[4]) + self._gap
        seen = math.sqrt(2) if self._gap else 1.0
        near = [
            i
            for i, (other_x, other_y, radius) in enumerate(self._circles)
            if math.hypot(other_x - x, other_y - y) < seen * (reach + radius) + 1e-6
        ]
        if not near:
            return ()
        hit = overlapping(one, self._rectangles[near], self._gap)
        return tuple(self._ids[i] for i, own in zip(near, hit, strict=True) if own)

    def _rectangle(self, node: Node) -> np.ndarray:
        if self._street is None:
            self._street = street_of(self._frames)
            self._last = None
        if self._last is not None and self._last[0] is node:  # asked after, then taken up
            return self._last[1]
        place = self._street.place(node)
        length, width = _size(node, self._sizes)
        found = np.array([place.x, place.y, place.turn, length / 2, width / 2])
        self._last = node, found
        return found


def _size(node: Node, sizes: Sizes) -> tuple[float, float]:
    """Length (along its front) and width of a node's footprint, metres."""
    kind, values = node.class_name, node.attributes
    if kind in ("tree", "scenery"):
        return TRUNK, TRUNK
    if kind == "building":
        return BUILDING_DEPTH, float(values["width"])
    length, width = sizes.get((kind, str(values.get("model", ""))), (0.5, 0.5))
    scaled = STREET_CLASSES[kind].scaled
    if scaled == "height":
        factor = float(values["height"])
        return length * factor, width * factor
    return (length, float(values["length"])) if scaled == "length" else (length, width)


def overlapping(one: np.ndarray, others: np.ndarray, gap: float = 0.0) -> np.ndarray:
    """Which rectangles overlap one, by separating axes; touching is not overlapping.

    Args:
        one: (x, y, direction of its length in radians, half length, half width).
        others: N x 5, likewise.
        gap: metres that must stay free between two.

    Returns:
        N bool.
    """
    between = others[:, :2] - one[:2]
    first, second = np.full(len(others), one[2]), others[:, 2]
    apart = np.zeros(len(others), bool)
    cos, sin = abs(np.cos(second - first)), abs(np.sin(second - first))
    for angle, own, far in ((first, one[None], others), (second, others, one[None])):
        for quarter in (0, 1):
            axis = angle + quarter * np.pi / 2
            distance = abs(between[:, 0] * np.cos(axis) + between[:, 1] * np.sin(axis))
            along, across = (cos, sin) if quarter == 0 else (sin, cos)
            reach = own[:, 3 + quarter] + far[:, 3] * along + far[:, 4] * across
            apart |= distance >= reach + gap
    return ~apart


def collisions(
    nodes: SceneGraph | Sequence[Node], classes: Iterable[str] | None = None
) -> tuple[tuple[str, str], ...]:
    """Pairs of a street's nodes that stand in each other, the later node first.

    Args:
        classes: only pairs of these; None: of all placed classes.

    Raises:
        WorldError: when the nodes are no street.
    """
    listed = nodes.nodes if isinstance(nodes, SceneGraph) else tuple(nodes)
    counted = set(STREET_CLASSES if classes is None else classes)
    layout = Layout(model_sizes())
    for node in listed:
        if node is listed[0] or node.class_name in FRAMES:
            layout.add(node)
    pairs = []
    for node in listed:
        if node.class_name in counted and node.class_name in STREET_CLASSES:
            pairs += [(node.id, other) for other in layout.collisions(node)]
            layout.add(node)
    return tuple(pairs)
