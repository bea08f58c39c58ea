"""The inverse of :meth:`.street.Street.place`: what a node's attributes are for where it stands."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .scene_graph import Node
from .street import BUILDING_DEPTH, Street, arc_coordinates
from .street_classes import STREET_CLASSES

DIGITS = 4  # of metres and degrees: finer than a hand, and than Blender's single precision


def attributes_at(
    street: Street, node: Node, parent: str, x: float, y: float, front: Sequence[float]
) -> dict[str, float]:
    """``along``, ``across`` and, where the class has one, ``yaw`` of a node at a place.

    Args:
        street: the frames.
        node: of one of the ``STREET_CLASSES``.
        parent: the lane or side to which it shall belong.
        x, y: world position of the centre of its base, metres.
        front: (3,) where its front points, world axes.

    Raises:
        KeyError: when the parent is neither a lane nor a side.
    """
    along, offset = arc_coordinates(x, y, street.curvature)
    forward = math.pi / 2 + street.curvature * along
    lane = street.lanes.get(parent)
    if lane is not None:
        across = offset - lane.position * street.lane_width
        travel = forward + (math.pi if lane.oncoming else 0.0)
    else:
        side = street.sides[parent]
        across = (1.0 if side.right else -1.0) * (offset - street.edges[side.right])
        if node.class_name == "building":
            across -= BUILDING_DEPTH / 2
        travel = forward
    found = {"along": round(along, DIGITS), "across": round(across, DIGITS)}
    if STREET_CLASSES[node.class_name].turned:
        slope = street.slope(along) if STREET_CLASSES[node.class_name].tilted else 0.0
        turn = _turn(front, slope, forward)
        yaw = math.degrees(turn - travel)
        found["yaw"] = round((yaw + 180.0) % 360.0 - 180.0, DIGITS)
    return found


def _turn(front: Sequence[float], slope: float, uphill: float) -> float:
    """The angle about the ground's normal, radians, of what points to ``front``."""
    cos, sin = math.cos(uphill), math.sin(uphill)
    up, left = front[0] * cos + front[1] * sin, front[1] * cos - front[0] * sin
    up = up * math.cos(slope) + front[2] * math.sin(slope)  # laid flat again
    return math.atan2(left, up) + uphill


def on_ground(
    street: Street, node: Node, parent: str, point: np.ndarray, eye: np.ndarray
) -> tuple[float, float] | None:
    """Where the line of sight to a point meets the ground on which a node would stand.

    Args:
        point: (3,) world position to which it was drawn, metres.
        eye: (3,) world position from which it was looked at.

    Returns:
        World x and y, or None where the line meets no ground in front of the eye.
    """
    direction = point - eye
    x, y = float(point[0]), float(point[1])
    for _ in range(6):  # the ground is nearly level
        height = height_at(street, node, parent, x, y)
        if direction[2] * (height - eye[2]) <= 0:
            return None
        share = (height - eye[2]) / direction[2]
        x, y = (float(eye[i] + share * direction[i]) for i in (0, 1))
    return x, y


def height_at(street: Street, node: Node, parent: str, x: float, y: float) -> float:
    """Height of the ground under a node of a lane or a side at a place, metres."""
    along, offset = arc_coordinates(x, y, street.curvature)
    height = float(street.lift(along))
    side = street.sides.get(parent)
    if side is None:
        return height
    across = (1.0 if side.right else -1.0) * (offset - street.edges[side.right])
    return height + side.height(across) * float(street.kerb_share(along))
