"""Whether a scene graph, such as one that a user wrote, fits a grammar."""

from __future__ import annotations

from blender_addon.contract.scene_graph import AttributeValue, Node, SceneGraph, SceneGraphError
from metasim_backend.grammar.language import AttributeSpec, Grammar
from metasim_backend.grammar.source import suggestion

_TOLERANCE = 1e-6  # of the range: single precision and rounded files are forgiven


def check_scene(grammar: Grammar, scene: SceneGraph) -> None:
    """Check classes, parents and every attribute of a scene; conditions are not looked at.

    Raises:
        SceneGraphError: naming the node, the attribute, the value and what was expected.
    """
    if scene.domain != grammar.domain:
        raise SceneGraphError(
            f"The scene's domain is {scene.domain!r}, and the grammar's is {grammar.domain!r}."
        )
    if scene.root.class_name != grammar.start:
        raise SceneGraphError(
            f"Node {scene.root.id!r} is the root and has class {scene.root.class_name!r}; "
            f"the root's class must be {grammar.start!r}."
        )
    for node in scene.nodes:
        spec = grammar.class_by_name.get(node.class_name)
        if spec is None:
            raise SceneGraphError(
                f"Node {node.id!r} has the unknown class {node.class_name!r}"
                f"{suggestion(node.class_name, grammar.class_by_name)}."
            )
        if node.parent is not None:
            above = scene.node(node.parent).class_name
            if above not in grammar.parents[node.class_name]:
                raise SceneGraphError(
                    f"Node {node.id!r} hangs below {node.parent!r} of class {above!r}; "
                    f"a {node.class_name!r} belongs below "
                    f"{' or '.join(grammar.parents[node.class_name]) or 'nothing'}."
                )
        for name in node.attributes:
            if name not in spec.by_name:
                raise SceneGraphError(
                    f"Node {node.id!r} has the unknown attribute {name!r}"
                    f"{suggestion(name, spec.by_name)}."
                )
        for attribute in spec.attributes:
            if attribute.name not in node.attributes:
                raise SceneGraphError(f"Node {node.id!r} lacks the attribute {attribute.name!r}.")
            _check_value(node, attribute, node.attributes[attribute.name])


def _check_value(node: Node, attribute: AttributeSpec, value: AttributeValue) -> None:
    where = f"Node {node.id!r}, attribute {attribute.name!r}: {value!r}"
    if attribute.kind == "categorical":
        if value not in attribute.values:
            raise SceneGraphError(
                f"{where} is not one of its values{suggestion(value, attribute.values)}."
            )
        return
    if isinstance(value, str):
        raise SceneGraphError(f"{where} is not a number.")
    if attribute.kind == "integer" and value != round(value):
        raise SceneGraphError(f"{where} is not a whole number.")
    if attribute.kind == "circular":
        return  # every finite angle means something
    low, high = attribute.bounds
    slack = _TOLERANCE * (high - low) if attribute.kind == "continuous" else 0.0
    if not low - slack <= value <= high + slack:
        raise SceneGraphError(f"{where} is outside the range [{low:g}, {high:g}].")
