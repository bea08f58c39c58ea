"""Nodes and their attributes as Blender properties, for the tree and the fields below it."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import bpy

from ..contract.scene_graph import SceneGraph

UNKNOWN = 1e30  # a bound that no grammar has given


@cache
def _choices(values: str) -> list[tuple[str, str, str]]:
    """Items of a categorical attribute; kept, since Blender does not hold on to the strings."""
    return [(value, value, "") for value in values.split(";")]


def _items(item, context):
    return _choices(item.values)


_listeners: list[Callable[[Any, Any], None]] = []


def call_when_edited(listener: Callable[[Any, Any], None]) -> None:
    """Have a function called with context and attribute whenever a field is changed."""
    _listeners[:] = [listener]


def _edited(item, context):
    for listener in _listeners:
        listener(context, item)


class MetasimAttribute(bpy.types.PropertyGroup):
    """One attribute of a node. ``name`` is its name."""

    node: bpy.props.StringProperty()
    kind: bpy.props.StringProperty()
    unit: bpy.props.StringProperty()
    mutable: bpy.props.BoolProperty()
    known: bpy.props.BoolProperty(description="Whether the grammar that describes it is known")
    low: bpy.props.FloatProperty(default=-UNKNOWN)
    high: bpy.props.FloatProperty(default=UNKNOWN)
    values: bpy.props.StringProperty()
    number: bpy.props.FloatProperty(
        name="Value",
        description="The attribute's value, in the unit beside its name; kept in its range",
        precision=3,
        step=10,
        update=_edited,
    )
    whole: bpy.props.IntProperty(
        name="Value", description="The attribute's value, a whole number", update=_edited
    )
    category: bpy.props.EnumProperty(
        name="Value", description="The attribute's value", items=_items, update=_edited
    )

    @property
    def field(self):
        """The property that holds the value."""
        return {"categorical": "category", "integer": "whole"}.get(self.kind, "number")

    @property
    def bounds(self):
        """Range for people; empty when unknown."""
        if self.kind == "categorical" or self.high >= UNKNOWN or self.low <= -UNKNOWN:
            return ""
        return f"{self.low:g} – {self.high:g}"


class MetasimNode(bpy.types.PropertyGroup):
    """One node of the scene graph. ``name`` is its id."""

    class_name: bpy.props.StringProperty()
    depth: bpy.props.IntProperty()
    attributes: bpy.props.CollectionProperty(type=MetasimAttribute)


def fill_nodes(nodes, graph: SceneGraph, classes: dict) -> None:
    """Make a collection of :class:`MetasimNode` show a scene graph, in the tree's order.

    Args:
        nodes: the collection.
        graph: the scene graph, which must be the one that the scene keeps by now.
        classes: class -> attribute -> its description in the grammar; empty when unknown.
    """
    depths: dict[str, int] = {}
    order = _tree_order(graph, depths)
    while len(nodes) > len(order):
        nodes.remove(len(nodes) - 1)
    while len(nodes) < len(order):
        nodes.add()
    for item, node in zip(nodes, order, strict=True):
        if item.name != node.id or item.class_name != node.class_name:
            item.name, item.class_name = node.id, node.class_name
        item.depth = depths[node.id]
        known = classes.get(node.class_name, {})
        if [a.name for a in item.attributes] != list(node.attributes):
            item.attributes.clear()
            for name in node.attributes:
                item.attributes.add().name = name
        for attribute in item.attributes:
            attribute.node = node.id
            _fill(attribute, node.attributes[attribute.name], known.get(attribute.name))


def _tree_order(graph: SceneGraph, depths: dict[str, int]) -> list:
    found = []
    stack = [(graph.root, 0)]
    while stack:
        node, depth = stack.pop()
        depths[node.id] = depth
        found.append(node)
        stack += [(child, depth + 1) for child in reversed(graph.children(node.id))]
    return found


def _fill(item, value, known) -> None:
    """The fields' update callback sees the scene graph's own value, and does nothing."""
    known = known or {}
    kinds = {str: "categorical", int: "integer"}
    kind = known.get("kind") or kinds.get(type(value), "continuous")
    item.kind, item.unit = kind, str(known.get("unit", ""))
    item.known, item.mutable = bool(known), bool(known.get("mutable"))
    item.low, item.high = _bounds(known)
    if kind == "categorical":
        values = list(known.get("values") or [])
        if value not in values:
            values.append(value)
        item.values = ";".join(values)
        item.category = value  # not read before: what it held may be no category of this node
    elif kind == "integer":
        _set(item, "whole", round(value))
    else:
        _set(item, "number", float(value))


def _set(item, field: str, value) -> None:
    if getattr(item, field) != value:
        setattr(item, field, value)


def _bounds(known) -> tuple[float, float]:
    if known.get("range"):
        low, high = known["range"]
        return float(low), float(high)
    if known.get("period"):
        return 0.0, float(known["period"])
    return -UNKNOWN, UNKNOWN


def legal(item) -> float | int | str:
    """The value in an item's field, clipped to the range or wrapped into the period."""
    value = getattr(item, item.field)
    if item.kind == "circular" and item.high < UNKNOWN:
        return math.fmod(math.fmod(value, item.high) + item.high, item.high)
    if item.kind in ("continuous", "integer"):
        return type(value)(min(max(value, item.low), item.high))
    return value
