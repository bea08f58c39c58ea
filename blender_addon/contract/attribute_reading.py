"""Checked reading of a street node's attributes, and the error that the world raises."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .scene_graph import Node


class WorldError(ValueError):
    """A scene graph that cannot be shown; one sentence: the node, the value and the remedy."""


def number(node: Node, name: str, default: float | None = None) -> float:
    """A numeric attribute; the default, where there is one, is for scenes that lack it.

    Raises:
        WorldError: when it is missing or is not a finite number.
    """
    value = node.attributes.get(name, default)
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    if value is None:
        raise WorldError(f"Node {node.id!r} ({node.class_name}) lacks the attribute {name!r}.")
    raise WorldError(f"Node {node.id!r}, attribute {name!r}: {value!r} is not a finite number.")


def positive(node: Node, name: str) -> float:
    """A numeric attribute above zero, such as a height.

    Raises:
        WorldError: when it is missing, is not a number or is not above zero.
    """
    value = number(node, name)
    if value <= 0:
        raise WorldError(f"Node {node.id!r}, attribute {name!r}: {value!r} is not above 0.")
    return value


def choice(
    node: Node, name: str, known: Sequence[str], default: str | None = None, remedy: str = ""
) -> str:
    """A categorical attribute; the default, where there is one, is for scenes that lack it.

    Args:
        remedy: what else may help than to use one of the known.

    Raises:
        WorldError: when it is missing or is not one of the known categories.
    """
    value = node.attributes.get(name, default)
    if isinstance(value, str) and value in known:
        return value
    if value is None:
        raise WorldError(f"Node {node.id!r} ({node.class_name}) lacks the attribute {name!r}.")
    raise WorldError(
        f"Node {node.id!r}, attribute {name!r}: {value!r} is unknown; use {', '.join(known)}"
        f"{', or ' + remedy if remedy else ''}."
    )
