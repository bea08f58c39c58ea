"""What hands do to a street's objects in Blender, taken into the scene graph.

Blender's objects can be moved, turned, copied and deleted by many ways. So nobody watches the ways:
the objects are compared with what the scene graph has of them, and the scene graph follows. What a
node cannot express is put back, and said in the panel. An undo brings back both together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from ..contract.attribute_reading import WorldError
from ..contract.child_counts import allowed
from ..contract.hand_placement import attributes_at, on_ground
from ..contract.scene_graph import AttributeValue, Node, SceneGraph
from ..contract.street import Street, read_street
from ..contract.street_classes import STREET_CLASSES
from ..world.stage import Stage
from ..world.stage_parts import NODE, shape_shown, unmark
from ..world.strays import NEAR, camera_is_askew, camera_numbers, sun_numbers, world_matrix
from .session import session
from .street_in_file import keep_graph, read_graph

_UPRIGHT = 0.995  # cosine of how far it may lean: the ground's slope is its own
_WHOLE = 1e-3  # parts of 1 by which a factor of size may be off


def take_in(scene: Any, eye: np.ndarray | None = None) -> bool:
    """Bring a street's scene graph in step with what hands have done to its objects.

    Must not be called while Blender moves objects with the mouse: what is refused is deleted.

    Args:
        scene: Blender's; nothing happens to one without a street.
        eye: (3,) from where an object was looked at that was moved in the view's plane, metres.

    Returns:
        Whether anything was done.
    """
    if scene is None or not scene.metasim.graph:
        return False
    street = session().street
    stage = street.current(scene)
    if stage is None:
        return False
    before = read_graph(scene.metasim.graph)
    edit = _Edit(scene, stage, before, eye)
    edit.deletions()
    edit.copies()
    edit.movements()
    if not edit.found:
        return False
    try:
        if edit.graph != before:
            _keep(scene, edit.graph)
            if edit.restructured:
                street.forget()
        stage = street.show(scene, edit.graph)
    except WorldError as error:
        edit.said.append(str(error))
        _keep(scene, before)
        street.forget()
        stage = street.show(scene, before)
    stage.settle()
    if edit.said:
        more = f" And {len(edit.said) - 2} more." if len(edit.said) > 2 else ""
        session().said["scene"] = " ".join(edit.said[:2]) + more
    else:
        session().said.pop("scene", None)
    return True


def _keep(scene: Any, graph: SceneGraph) -> None:
    learned = scene.metasim.learned_graph
    keep_graph(scene, graph)
    if scene.metasim.shown == "LEARNED":
        return
    if learned and read_graph(learned).nodes == graph.nodes:
        scene.metasim.learned_graph = learned


class _Edit:
    """One comparison of a stage with its scene graph.

    Attributes:
        graph: the scene graph that follows.
        said: a sentence for each thing that was refused.
        found: whether anything differs.
        restructured: whether nodes came or went.
    """

    def __init__(self, scene: Any, stage: Stage, graph: SceneGraph, eye: np.ndarray | None) -> None:
        self.scene, self.stage, self.graph, self.eye = scene, stage, graph, eye
        self.said: list[str] = []
        self.found = self.restructured = False
        self.street: Street = read_street(graph)
        self.classes = json.loads(scene.metasim.classes or "{}")
        self.children = json.loads(scene.metasim.children or "{}")

    def deletions(self) -> None:
        """Nodes whose objects are gone, go; road, camera and sun come back."""
        for node_id in self.stage.missing():
            node = self.graph.node(node_id)
            self.found = self.restructured = True
            why = self._forbidden(node.class_name, str(node.parent), -1)
            if why:
                self.said.append(f"{node_id} was put back: {why}.")
            else:
                self.graph = _without(self.graph, node_id)
        for part in self.stage.made_anew():
            self.found = True
            self.said.append(f"The {part} was put back: a street needs it.")

    def copies(self) -> None:
        """Copies of objects become nodes; copies of road, camera and sun are the user's own."""
        waste = []
        for body in [one for one in self.scene.objects if NODE in one]:
            node_id = str(body[NODE])
            placed = node_id in self.graph and shape_shown(body) is not None
            if not placed:
                if body not in self.stage.frame_bodies():
                    self.found = True
                    unmark(body)
                continue
            node = self.graph.node(node_id)
            if node.class_name not in STREET_CLASSES or self._is_shown_by(node_id, body):
                continue
            self.found = self.restructured = True
            copy = replace(node, id=_new_id(self.graph, node.class_name))
            moved, problem = self._moved(copy, body)
            why = self._forbidden(node.class_name, str(moved.parent), +1) or problem
            if why:
                self.said.append(f"The copy of {node_id} was removed: {why}.")
                waste.append(body)
                continue
            self.graph = _inserted(self.graph, moved)
            body[NODE] = body.name = moved.id
        if waste:  # to remove nothing has Blender draw all anew too
            bpy.data.batch_remove(waste)

    def movements(self) -> None:
        """What was moved, turned or scaled changes its node, as far as the node can express it."""
        for node_id, body in self.stage.strays().items():
            if node_id not in self.graph:
                continue
            self.found = True
            node = self.graph.node(node_id)
            moved, problem = self._moved(node, body)
            if problem:
                self.said.append(f"{node_id} was put back: {problem}.")
            elif moved.parent != node.parent:
                self.graph = _inserted(_without(self.graph, node_id), moved)
            elif moved != node:
                self.graph = self.graph.with_attributes({node_id: dict(moved.attributes)})
        if self.stage.camera_strayed():
            askew = camera_is_askew(self.stage.camera)
            self._frame_moved("camera", camera_numbers(self.stage.camera))
            if askew:
                self.said.append(
                    "The camera stands over the road's start, upright: its height, pitch, yaw and "
                    "field of view were taken, the rest was put back."
                )
        if self.stage.sun_strayed():
            self._frame_moved("sky", sun_numbers(self.stage.sun))

    def _frame_moved(self, class_name: str, numbers: Mapping[str, float]) -> None:
        self.found = True
        (node,) = self.graph.of_class(class_name)
        values = dict(node.attributes)
        for name, value in numbers.items():
            before = values.get(name)
            if isinstance(before, (int, float)) and abs(value - before) > 1e-3:
                values[name] = self._within(node, name, round(value, 3))
        self.graph = self.graph.with_attributes({node.id: values})

    def _is_shown_by(self, node_id: str, body: Any) -> bool:
        return node_id not in self.stage.missing() and self.stage.body(node_id) == body

    def _forbidden(self, class_name: str, parent: str, more: int) -> str:
        """Why a parent may not have so many children more of a class."""
        number = sum(one.class_name == class_name for one in self.graph.children(parent)) + more
        return allowed(self.children, self.graph.node(parent).class_name, class_name, number)

    def _moved(self, node: Node, body: Any) -> tuple[Node, str]:
        """The node as its body stands now; and what it cannot express, in words."""
        matrix = world_matrix(body)
        scale = np.linalg.norm(matrix[:3, :3], axis=0)
        if scale.min() < 1e-6 or not np.isfinite(matrix).all():
            return node, "it has no size any more"
        front = matrix[:3, 0] / scale[0]
        sized, problem = self._scaled(node, scale)
        if problem:
            return node, problem
        placement = self.street.place(node)
        x, y = float(matrix[0, 3]), float(matrix[1, 3])
        raised = abs(matrix[2, 3] - placement.z) > 10 * NEAR
        shifted = max(abs(x - placement.x), abs(y - placement.y)) > NEAR
        if raised and not shifted:
            return node, "it stands on the ground and cannot be raised or sunk"
        if raised and self.eye is not None:
            ground = on_ground(self.street, node, str(node.parent), matrix[:3, 3], self.eye)
            x, y = ground or (x, y)
        lean = float(matrix[:3, 2] @ placement.rotation()[:, 2] / scale[2])
        if lean < _UPRIGHT and abs(matrix[2, 2] / scale[2]) < _UPRIGHT:
            turned = STREET_CLASSES[node.class_name].turned
            return node, "it cannot be tilted" + ("; turn it with R Z" if turned else "")
        if not STREET_CLASSES[node.class_name].turned and not np.allclose(
            front, placement.rotation()[:, 0], atol=2e-3
        ):
            return node, f"a {node.class_name} has no yaw, so it cannot be turned"
        return self._nearest(sized, x, y, front)

    def _nearest(self, node: Node, x: float, y: float, front: np.ndarray) -> tuple[Node, str]:
        """On its own lane or side if it can stand there so, else on one on which it can."""
        problem = ""
        others = [one for one in (*self.street.lanes, *self.street.sides) if one != node.parent]
        for parent in (str(node.parent), *others):
            values = attributes_at(self.street, node, parent, x, y, front.tolist())
            fitted = self._fitted(node, values)
            wrong = self._beyond(node, fitted)
            if parent != node.parent and not wrong:
                wrong = self._forbidden(node.class_name, parent, +1)
            if not wrong:
                return replace(node, parent=parent, attributes=fitted), ""
            problem = problem or wrong
        return node, problem

    def _fitted(self, node: Node, values: Mapping[str, float]) -> dict[str, AttributeValue]:
        """The node's attributes with new values; what differs by less than a hand keeps its own."""
        fitted = dict(node.attributes)
        for name, value in values.items():
            period = self._described(node, name).get("period")
            value = value % float(period) if period else value
            before = float(fitted[name])
            off = abs(value - before)
            off = min(off, abs(off - 360.0)) if name == "yaw" else off
            if off > NEAR * (60.0 if name == "yaw" else 1.0):
                fitted[name] = value
        return fitted

    def _scaled(self, node: Node, scale: np.ndarray) -> tuple[Node, str]:
        """The node with the size that its body has now."""
        before = np.array(self.street.place(node).scale)
        if np.allclose(scale, before, rtol=_WHOLE):
            return node, ""
        how = STREET_CLASSES[node.class_name].scaled
        if how == "height" and np.allclose(scale, scale[0], rtol=0.01):
            size = {"height": round(float(scale[0]), 3)}
        elif how == "box" and np.allclose(scale[0], before[0], rtol=0.01):
            size = {"width": round(float(scale[1]), 3), "height": round(float(scale[2]), 3)}
        else:
            ways = {"height": "it has one height, so scale it evenly",
                    "box": "it has a width and a height, but no depth",
                    "length": "its length is an attribute; set it below"}  # fmt: skip
            return node, ways.get(how, f"a {node.class_name} has no size of its own")
        sized = replace(node, attributes={**node.attributes, **size})
        return sized, self._beyond(sized, dict(sized.attributes))

    def _beyond(self, node: Node, values: Mapping[str, AttributeValue]) -> str:
        """Which of the values lies outside its attribute's range, in words."""
        for name, value in values.items():
            known = self._described(node, name)
            bounds = known.get("range")
            if bounds and not bounds[0] - 1e-6 <= float(value) <= bounds[1] + 1e-6:
                unit = f" {known['unit']}" if known.get("unit") else ""
                return f"its {name} may be {bounds[0]:g} to {bounds[1]:g}{unit}, not {value:.4g}"
        return ""

    def _within(self, node: Node, name: str, value: float) -> float:
        known = self._described(node, name)
        if known.get("period"):
            return float(value % known["period"])
        low, high = known.get("range") or (-np.inf, np.inf)
        return float(min(max(value, low), high))

    def _described(self, node: Node, name: str) -> Mapping[str, Any]:
        return self.classes.get(node.class_name, {}).get(name, {})


def _new_id(graph: SceneGraph, class_name: str) -> str:
    numbers = [
        int(tail)
        for head, _, tail in (node.id.rpartition("_") for node in graph.nodes)
        if head == class_name and tail.isdigit()
    ]
    return f"{class_name}_{max(numbers, default=-1) + 1}"


def _without(graph: SceneGraph, node_id: str) -> SceneGraph:
    return replace(graph, nodes=tuple(node for node in graph.nodes if node.id != node_id))


def _inserted(graph: SceneGraph, node: Node) -> SceneGraph:
    """A scene graph with one node more, after the last child of its parent."""
    nodes = list(graph.nodes)
    family = [node.parent, *(child.id for child in graph.children(str(node.parent)))]
    at = max(i for i, one in enumerate(nodes) if one.id in family)
    return replace(graph, nodes=(*nodes[: at + 1], node, *nodes[at + 1 :]))
