"""What a stage is made of, found again in a Blender file by marks on the data-blocks.

After an undo, and in an opened file, Python knows none of Blender's data. The marks are part of
the data: they are saved and undone with it, and a renamed object keeps its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bpy

PART = "metasim_part"  # custom property of data-blocks that a stage made: which part they are
NODE = "metasim_node"  # of objects: the id of the node they show

STREET, CAMERA, SUN, SKY = "street", "camera", "sun", "sky"
_SHAPE, _SURFACE, _MATERIAL, _GROUP = "shape ", "surface ", "material ", "group "


@dataclass(frozen=True, eq=False)
class StageParts:
    """Data-blocks of a stage; what is missing is made anew.

    Attributes:
        collection, camera, sun, world: bpy's, or None.
        groups: the light's node groups by name.
        materials: by wearer and name.
        surfaces: the road's and the land's objects by name.
        meshes: by shape.
        standing: node -> its object.
    """

    collection: Any = None
    camera: Any = None
    sun: Any = None
    world: Any = None
    groups: Mapping[str, Any] = field(default_factory=dict)
    materials: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    surfaces: Mapping[str, Any] = field(default_factory=dict)
    meshes: Mapping[tuple[str | int, ...], Any] = field(default_factory=dict)
    standing: Mapping[str, Any] = field(default_factory=dict)


def mark(item: Any, part: str) -> None:
    """Say on a data-block which part it is: one of the constants above."""
    item[PART] = part


def mark_shape(mesh: Any, key: tuple[str | int, ...]) -> None:
    """Say on a mesh which shape it shows."""
    item = json.dumps(key)
    if mesh.get(PART) != _SHAPE + item:
        mesh[PART] = _SHAPE + item


def mark_surface(body: Any, name: str) -> None:
    """Say on an object of the road or the land which it is."""
    body[PART] = _SURFACE + name


def mark_material(material: Any, wearer: str, name: str) -> None:
    """Say on a material whose, and which, it is."""
    material[PART] = f"{_MATERIAL}{wearer}|{name}"


def unmark(item: Any) -> None:
    """Take all marks from an object: it is a user's own from now on."""
    for name in (PART, NODE):
        if name in item:
            del item[name]


def is_contact(material: Any) -> bool:
    """Whether a material is that of the dark contact between a thing and the ground."""
    return _part(material) == f"{_MATERIAL}contact|"


def is_marked(body: Any) -> bool:
    """Whether a stage has made an object."""
    return NODE in body or PART in body or (body.type == "MESH" and shape_shown(body) is not None)


def is_worn(material: Any) -> bool:
    """Whether a material is one of objects' own colours."""
    part = _part(material)
    return part.startswith(_MATERIAL) and not part.startswith(f"{_MATERIAL}surface")


def mark_group(group: Any, name: str) -> None:
    """Say on a node group which it is."""
    group[PART] = _GROUP + name


def shape_shown(body: Any) -> tuple[str | int, ...] | None:
    """The shape that an object's mesh shows; None for any mesh but a stage's."""
    part = _part(body.data)
    return tuple(json.loads(part[len(_SHAPE) :])) if part.startswith(_SHAPE) else None


def surface_shown(body: Any) -> str:
    """Which part of road or land an object is; empty for any other."""
    part = _part(body)
    return part[len(_SURFACE) :] if part.startswith(_SURFACE) else ""


def find_parts(scene: bpy.types.Scene) -> StageParts | None:
    """The parts of the stage in a Blender scene; None when there is none."""
    collection = next(
        (one for one in scene.collection.children_recursive if _part(one) == STREET), None
    )
    if collection is None:
        return None
    only: dict[str, Any] = {}
    surfaces: dict[str, Any] = {}
    standing: dict[str, Any] = {}
    meshes: dict[tuple[str | int, ...], Any] = {}
    materials: set[Any] = set()
    for body in scene.objects:
        part, node = _part(body), str(body.get(NODE, ""))
        if part in (CAMERA, SUN):
            only.setdefault(part, body)
        elif part.startswith(_SURFACE):
            surfaces.setdefault(part[len(_SURFACE) :], body)
            materials.update(slot.material for slot in body.material_slots)
        elif body.type == "MESH" and (key := shape_shown(body)) is not None:
            meshes.setdefault(key, body.data)
            materials.update((*(slot.material for slot in body.material_slots),
                              *body.data.materials))  # fmt: skip
            if node and (node not in standing or body.name < standing[node].name):
                standing[node] = body
    materials.discard(None)
    return StageParts(
        collection=collection,
        camera=only.get(CAMERA),
        sun=only.get(SUN),
        world=scene.world if _part(scene.world) == SKY else None,
        groups=_groups(materials),
        materials=_by_name(materials),
        surfaces=surfaces,
        meshes=meshes,
        standing=standing,
    )


def _part(item: Any) -> str:
    return str(item.get(PART, "")) if item is not None else ""


def _by_name(materials: set[Any]) -> dict[tuple[str, str], Any]:
    found = {}
    for material in sorted(materials, key=lambda one: one.name, reverse=True):
        part = _part(material)
        if part.startswith(_MATERIAL):
            wearer, _, name = part[len(_MATERIAL) :].partition("|")
            found[wearer, name] = material  # of copies the first by name
    return found


def _groups(materials: set[Any]) -> dict[str, Any]:
    """The groups that the materials use; they may be within other groups."""
    found: dict[str, Any] = {}
    trees = [one.node_tree for one in materials if one.node_tree is not None]
    while trees:
        for node in trees.pop().nodes:
            group = getattr(node, "node_tree", None)
            if group is None:
                continue
            part = _part(group)
            if part.startswith(_GROUP):
                found.setdefault(part[len(_GROUP) :], group)
            else:
                trees.append(group)
    return found
