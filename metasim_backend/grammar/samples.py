"""The values of every attribute over many scenes, for reports and tests."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.language import AttributeSpec, Grammar


def attribute_samples(grammar: Grammar, scenes: Iterable[SceneGraph]) -> dict[str, np.ndarray]:
    """Gather each attribute's values over all nodes of all scenes, in scene and node order.

    Returns:
        ``{"car.yaw": array [count], ...}`` in the grammar's order, with every continuous,
        circular and categorical attribute, empty ones too. Continuous and circular: float64 in
        the attribute's unit, circular ones in [-period/2, period/2). Categorical: int64 index
        into the attribute's values.
    """
    found: dict[tuple[str, str], list[float]] = {}
    encoded = {
        spec.name: [a for a in spec.attributes if a.kind != "integer"] for spec in grammar.classes
    }
    for class_name, attributes in encoded.items():
        for attribute in attributes:
            found[class_name, attribute.name] = []
    for scene in scenes:
        for node in scene.nodes:
            for attribute in encoded[node.class_name]:
                value = node.attributes[attribute.name]
                found[node.class_name, attribute.name].append(
                    attribute.values.index(str(value))
                    if attribute.kind == "categorical"
                    else float(value)
                )
    return {
        f"{class_name}.{name}": _as_array(grammar.class_by_name[class_name].by_name[name], values)
        for (class_name, name), values in found.items()
    }


def _as_array(attribute: AttributeSpec, values: list[float]) -> np.ndarray:
    if attribute.kind == "categorical":
        return np.asarray(values, dtype=np.int64)
    array = np.asarray(values, dtype=np.float64)
    if attribute.kind == "circular":
        half = attribute.span / 2
        array = (array + half) % attribute.span - half
    return array
