"""A street like the one in a picture: an approximate twin, as a scene graph.

What there is once (camera, light, road) is as it was read, and so are the objects. What no reader
reads (houses, trees, which lanes there are) is that of the drawn scene whose numbers are nearest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from blender_addon.contract.scene_graph import Node, SceneGraph
from blender_addon.contract.street import Street, arc_coordinates, street_of
from blender_addon.contract.street_classes import LABELLED
from metasim_backend.features.reader.description import ReadObject, ReadPicture
from metasim_backend.grammar.encoding import Encoding

LEAST_PROBABILITY = 0.5
"""Of an object's class, from which it is put into the street."""


def twin(picture: ReadPicture, drawn: Sequence[SceneGraph], encoding: Encoding) -> SceneGraph:
    """A scene graph of a picture.

    Args:
        drawn: streets of the generator, from which what was not read is taken.
    """
    draft = min(drawn, key=lambda scene: _apart(scene, picture, encoding))
    kept = [
        replace(
            node, attributes=dict(node.attributes) | picture.attributes.get(node.class_name, {})
        )
        for node in draft.nodes
        if node.class_name not in LABELLED
    ]
    street = street_of(kept)
    turned = picture.attributes.get("camera", {}).get("yaw", 0.0)
    for number, one in enumerate(picture.objects):
        patterns = [node for scene in drawn for node in scene.of_class(one.class_name)]
        if one.probability >= LEAST_PROBABILITY and patterns:
            # Its model and colour are not read: any of its class will do, another for each.
            pattern = patterns[number % len(patterns)]
            kept.append(_placed(one, number, pattern, street, turned, encoding))
    return replace(draft, nodes=tuple(kept))


def _apart(scene: SceneGraph, picture: ReadPicture, encoding: Encoding) -> float:
    total = 0.0
    for node in scene.nodes:
        for name, value in picture.attributes.get(node.class_name, {}).items():
            span = encoding.slot(node.class_name, name).attribute.span
            total += ((float(node.attributes[name]) - value) / span) ** 2
    return total


def _placed(
    one: ReadObject, number: int, pattern: Node, street: Street, turned: float, encoding: Encoding
) -> Node:
    """An object as a node, on the lane or side that is nearest."""
    yaw = math.radians(turned)
    x = one.offset * math.cos(yaw) - one.distance * math.sin(yaw)
    y = one.offset * math.sin(yaw) + one.distance * math.cos(yaw)
    along, offset = arc_coordinates(x, y, street.curvature)
    rotation = math.radians(one.aspect) + math.atan2(one.offset, one.distance)
    turn = yaw - rotation - math.pi / 2 - street.curvature * along
    parent, across, oncoming = _anchor(offset, street)
    values = {
        "along": along,
        "across": across,
        "yaw": _wrapped(math.degrees(turn) - (180.0 if oncoming else 0.0)),
    }
    fitted = {
        name: encoding.slot(one.class_name, name).attribute.fit(value)
        for name, value in values.items()
    }
    return Node(
        f"{one.class_name}_read_{number}",
        one.class_name,
        parent,
        dict(pattern.attributes) | fitted,
    )


def _anchor(offset: float, street: Street) -> tuple[str, float, bool]:
    """The node that something at an offset belongs to, its distance from it, and whether the
    traffic there is oncoming."""
    left, right = street.edges
    for side_id, side in street.sides.items():
        outward = offset - right if side.right else left - offset
        if outward > 0:
            return side_id, outward, False
    lanes = {
        lane_id: offset - lane.position * street.lane_width
        for lane_id, lane in street.lanes.items()
    }
    lane_id = min(lanes, key=lambda one: abs(lanes[one]))
    return lane_id, lanes[lane_id], street.lanes[lane_id].oncoming


def _wrapped(degrees: float) -> float:
    return (degrees + 180.0) % 360.0 - 180.0
