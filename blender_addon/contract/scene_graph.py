"""Scene graphs: a tree of nodes with attributes, as plain immutable data and as JSON.

Units are metres and degrees, axes are Blender's (z up, right-handed). A node's position is
given in its parent's frame. The JSON form is::

    {"version": 1, "domain": "driving", "seed": 7, "nodes": [
        {"id": "car_3", "class": "car", "parent": "lane_1",
         "attributes": {"along": 12.4, "across": 0.1, "yaw": 3.0, "model": "hatchback"}}]}
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from .text_files import TextFileError, read_json, shown

VERSION = 1
MAX_NODES = 10_000
LARGEST = 1e12
"""Of an attribute's numbers."""

AttributeValue = float | int | str
Changes = Mapping[str, Mapping[str, AttributeValue]]


class SceneGraphError(ValueError):
    """A scene graph that cannot be used; the sentence names node, attribute, value and remedy."""


@dataclass(frozen=True)
class Node:
    """One vertex of a scene graph.

    Attributes:
        id: unique in its scene, and stable under the distribution transformer.
        class_name: a class of the grammar, such as ``"car"``.
        parent: the id of the parent node, or None for the root.
        attributes: read-only mapping from attribute name to a number or a category.

    Raises:
        SceneGraphError: when a number is not finite, or a value neither a number nor a name.
    """

    id: str
    class_name: str
    parent: str | None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))
        for name, value in self.attributes.items():
            if isinstance(value, bool) or not isinstance(value, (int, float, str)):
                raise SceneGraphError(
                    f"Node {self.id!r}, attribute {name!r}: {shown(value)} is neither a number nor "
                    "a name."
                )
            if isinstance(value, (int, float)) and not abs(value) <= LARGEST:
                raise SceneGraphError(
                    f"Node {self.id!r}, attribute {name!r}: {shown(value)} is not a finite number "
                    "of a size that a scene can have."
                )

    def __reduce__(self):
        return Node, (self.id, self.class_name, self.parent, dict(self.attributes))


@dataclass(frozen=True)
class SceneGraph:
    """A tree of nodes in derivation order; parents come before their children.

    Raises:
        SceneGraphError: when an id repeats, a parent is missing or comes later, or there is not
            exactly one root.
    """

    nodes: tuple[Node, ...]
    domain: str = "driving"
    seed: int = 0
    version: int = VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        if len(self.nodes) > MAX_NODES:
            raise SceneGraphError(
                f"The scene has {len(self.nodes)} nodes; the most that is accepted is {MAX_NODES}."
            )
        by_id: dict[str, Node] = {}
        children: dict[str, list[Node]] = {}
        roots = []
        for node in self.nodes:
            if node.id in by_id:
                raise SceneGraphError(f"Node id {shown(node.id)} occurs twice; ids must be unique.")
            if node.parent is None:
                roots.append(node)
            elif node.parent not in by_id:
                raise SceneGraphError(
                    f"Node {shown(node.id)} has parent {shown(node.parent)}, which is not a node "
                    "before it; list parents before their children."
                )
            else:
                children[node.parent].append(node)
            by_id[node.id] = node
            children[node.id] = []
        if len(roots) != 1:
            names = ", ".join(repr(n.id) for n in roots) or "none"
            raise SceneGraphError(f"A scene graph has exactly one root node; found {names}.")
        object.__setattr__(self, "_by_id", by_id)
        object.__setattr__(self, "_children", {k: tuple(v) for k, v in children.items()})

    def __reduce__(self):
        return SceneGraph, (self.nodes, self.domain, self.seed, self.version)

    @property
    def root(self) -> Node:
        return next(node for node in self.nodes if node.parent is None)

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._by_id  # type: ignore[attr-defined]

    def node(self, node_id: str) -> Node:
        """The node with this id.

        Raises:
            SceneGraphError: when there is none.
        """
        try:
            return self._by_id[node_id]  # type: ignore[attr-defined]
        except KeyError:
            raise SceneGraphError(f"The scene has no node {node_id!r}.") from None

    def children(self, node_id: str) -> tuple[Node, ...]:
        self.node(node_id)
        return self._children[node_id]  # type: ignore[attr-defined]

    def of_class(self, *class_names: str) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.class_name in class_names)

    def with_attributes(self, changes: Changes) -> SceneGraph:
        """A new scene graph in which the given attributes have new values; structure stays.

        Raises:
            SceneGraphError: when a node or an attribute does not exist.
        """
        for node_id, values in changes.items():
            unknown = set(values) - set(self.node(node_id).attributes)
            if unknown:
                raise SceneGraphError(
                    f"Node {node_id!r} has no attribute {sorted(unknown)[0]!r}; "
                    f"it has {', '.join(self.node(node_id).attributes) or 'none'}."
                )
        nodes = tuple(
            Node(n.id, n.class_name, n.parent, {**n.attributes, **changes[n.id]})
            if n.id in changes
            else n
            for n in self.nodes
        )
        return SceneGraph(nodes, self.domain, self.seed, self.version)


def to_dict(scene: SceneGraph) -> dict:
    """The JSON-ready form of a scene graph."""
    return {
        "version": scene.version,
        "domain": scene.domain,
        "seed": scene.seed,
        "nodes": [
            {
                "id": n.id,
                "class": n.class_name,
                "parent": n.parent,
                "attributes": dict(n.attributes),
            }
            for n in scene.nodes
        ],
    }


def from_dict(data: object) -> SceneGraph:
    """Read the form written by :func:`to_dict`, checking everything.

    Raises:
        SceneGraphError: naming the node, the key and what was expected.
    """
    if not isinstance(data, dict):
        raise SceneGraphError(f"A scene graph is a JSON object, not {type(data).__name__}.")
    version = data.get("version")
    if version != VERSION:
        raise SceneGraphError(
            f"Scene graph version {shown(version)} is not supported; use {VERSION}."
        )
    seed = data.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise SceneGraphError(f"The scene's 'seed' is {shown(seed)}; a whole number was expected.")
    domain = data.get("domain")
    if not isinstance(domain, str):
        raise SceneGraphError(f"The scene's 'domain' is {shown(domain)}; a name was expected.")
    items = data.get("nodes")
    if not isinstance(items, list):
        raise SceneGraphError("The scene's 'nodes' is not a list.")
    return SceneGraph(tuple(_node_from_dict(i, item) for i, item in enumerate(items)), domain, seed)


def _node_from_dict(position: int, item: object) -> Node:
    if not isinstance(item, dict):
        raise SceneGraphError(f"Node number {position} is not a JSON object.")
    for key, kinds, wanted in (
        ("id", str, "a name"),
        ("class", str, "a name"),
        ("parent", (str, type(None)), "a node id or null"),
        ("attributes", dict, "an object"),
    ):
        if not isinstance(item.get(key), kinds):
            raise SceneGraphError(
                f"Node number {position}: {key!r} is {shown(item.get(key))}; {wanted} was expected."
            )
    return Node(item["id"], item["class"], item["parent"], item["attributes"])


def load(path: str | os.PathLike) -> SceneGraph:
    """Read a scene graph from a JSON file.

    Raises:
        SceneGraphError: when the file is missing, is not JSON or is not a scene graph.
    """
    try:
        return from_dict(read_json(path))
    except TextFileError as error:
        raise SceneGraphError(f"The scene graph {error}") from None
    except SceneGraphError as error:
        raise SceneGraphError(f"{path}: {error}") from None


def save(scene: SceneGraph, path: str | os.PathLike) -> None:
    """Write a scene graph as JSON, atomically: to a temporary name, then renamed."""
    path = Path(path)
    # The name's beginning alone: it may be as long as names can be.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:24]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(to_dict(scene), file, indent=1)
            file.write("\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
