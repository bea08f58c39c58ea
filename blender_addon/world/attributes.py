"""Checked reading of a node's attributes, and the error that everything here raises."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract.scene_graph import Node


class WorldError(ValueError):
    """A scene graph that cannot be shown; one sentence: the node, the value and the remedy."""


def number(node: Node, name: str) -> float:
    """A numeric attribute.

    Raises:
        WorldError: when it is missing or is not a number.
    """
    value = node.attributes.get(name)
    if isinstance(value, (int, float)):
        return float(value)
    if value is None:
        raise WorldError(f"Node {node.id!r} ({node.class_name}) lacks the attribute {name!r}.")
    raise WorldError(f"Node {node.id!r}, attribute {name!r}: {value!r} is not a number.")


def positive(node: Node, name: str) -> float:
    """A numeric attribute above zero, such as a height.

    Raises:
        WorldError: when it is missing, is not a number or is not above zero.
    """
    value = number(node, name)
    if value <= 0:
        raise WorldError(f"Node {node.id!r}, attribute {name!r}: {value!r} is not above 0.")
    return value


def choice(node: Node, name: str, known: Sequence[str]) -> str:
    """A categorical attribute.

    Raises:
        WorldError: when it is missing or is not one of the known categories.
    """
    value = node.attributes.get(name)
    if isinstance(value, str) and value in known:
        return value
    if value is None:
        raise WorldError(f"Node {node.id!r} ({node.class_name}) lacks the attribute {name!r}.")
    raise WorldError(
        f"Node {node.id!r}, attribute {name!r}: {value!r} is unknown; use {', '.join(known)}."
    )
