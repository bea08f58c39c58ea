"""What happens when someone changes an attribute's field."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract.attribute_reading import WorldError
from ..contract.scene_graph import AttributeValue
from .attribute_items import legal
from .hand_edits import take_in
from .session import session
from .street_in_file import keep_graph, shown_graph


def edit_attribute(context: Any, item: Any) -> None:
    """Bring scene graph and objects in step with an attribute's field.

    Args:
        context: Blender's.
        item: the :class:`.attribute_items.MetasimAttribute`.
    """
    scene = item.id_data
    graph = shown_graph(scene)
    if item.node not in graph:
        return
    before = graph.node(item.node).attributes.get(item.name)
    if before is None or _same(getattr(item, item.field), before):
        return
    value = legal(item)
    if not _same(value, before):
        changed = graph.with_attributes({item.node: {item.name: value}})
        now = session()
        now.said.pop("scene", None)
        if take_in(scene):  # what hands did just before stays
            graph = shown_graph(scene)
            if item.node not in graph:
                return
            changed = graph.with_attributes({item.node: {item.name: value}})
        try:
            now.street.show(scene, changed)
        except WorldError as error:
            now.said["scene"] = str(error)
            value = before
        else:
            keep_graph(scene, changed)
    if getattr(item, item.field) != value:
        setattr(item, item.field, value)  # comes back here, and finds it the same


def _same(field: AttributeValue, value: AttributeValue) -> bool:
    """Whether a field, of single precision, holds a value."""
    if isinstance(value, str) or isinstance(field, str):
        return field == value
    return np.float32(field) == np.float32(value)
