"""The objects of a street's placed nodes: each follows a plan of what its node asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ..contract.attribute_reading import WorldError, choice
from ..contract.placement import Placement
from ..contract.scene_graph import Node, SceneGraph
from ..contract.semantics import UNLABELLED, unlabelled_index
from ..contract.street import Street
from ..contract.street_classes import STREET_CLASSES
from .finishes import PAINTS, WALLS
from .library import Library
from .materials import Materials, object_colour
from .meshes import SharedMesh
from .models import ShapeKey, is_shape, meaning, shape_key
from .pool import Pool
from .stage_parts import StageParts, shape_shown
from .staged_object import StagedObject
from .strays import Strays, has_strayed, put_back, turn_less

FRAMES = ("street", "sky", "camera", "road", "lane", "side", "junction", "zebra")
MOST_LABELLED = UNLABELLED - 1


@dataclass(frozen=True, eq=False)
class Plan:
    """What a node asks for."""

    node: Node
    mesh: ShapeKey
    wears: tuple[str, str] | None
    placement: Placement
    index: int

    @property
    def pass_index(self) -> int:
        """Its object's number in an index map."""
        return self.index or unlabelled_index(meaning(self.node))


@dataclass(eq=False)
class Actor:
    """A Blender object and the plan it follows now."""

    body: bpy.types.Object
    plan: Plan
    staged: StagedObject

    def renumber(self) -> None:
        """Give the object its number again: a copy's may be another, or set by hand."""
        if self.body.pass_index != self.plan.pass_index:
            self.body.pass_index = self.plan.pass_index


class Actors:
    """The objects of placed nodes, by node id.

    Args:
        pool: lends them.
        materials: what they wear.
        library: users' models.
    """

    def __init__(self, pool: Pool, materials: Materials, library: Library) -> None:
        self._pool, self._materials, self._library = pool, materials, library
        self._actors: dict[str, Actor] = {}

    def __iter__(self) -> Iterator[Actor]:
        return iter(self._actors.values())

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._actors

    def bodies(self) -> dict[str, bpy.types.Object]:
        """Their Blender objects, by node."""
        return {node_id: actor.body for node_id, actor in self._actors.items()}

    def body(self, node_id: str) -> bpy.types.Object:
        """The Blender object of a node that has one."""
        return self._actors[node_id].body

    def plans(self, scene: SceneGraph, street: Street, before: Street | None) -> list[Plan]:
        """Plans of all placed nodes; those of unchanged nodes are kept as they are.

        Args:
            street: of the scene graph.
            before: where the objects now stand; the same object when nothing about it changes.

        Raises:
            WorldError: when the scene cannot be shown; nothing is changed yet.
        """
        plans = []
        labelled = 0
        for node in scene.nodes:
            kind = node.class_name
            if kind not in STREET_CLASSES:
                if kind not in FRAMES:
                    known = ", ".join((*FRAMES, *STREET_CLASSES))
                    raise WorldError(f"Node {node.id!r} has unknown class {kind!r}; use {known}.")
                continue
            index = 0
            if STREET_CLASSES[kind].labelled:
                labelled += 1
                index = labelled
            actor = self._actors.get(node.id)
            if (
                actor is not None
                and street is before
                and actor.plan.node == node  # another object where it came as a message
                and actor.plan.index == index
            ):
                plans.append(actor.plan)
                continue
            mesh = shape_key(node, self._library.names(kind))
            self._pool.shape(mesh)  # what cannot be read is told before anything is changed
            plans.append(Plan(node, mesh, _wears(node), street.place(node), index))
        if labelled > MOST_LABELLED:
            raise WorldError(
                f"The scene has {labelled} labelled objects; the most is {MOST_LABELLED}."
            )
        return plans

    def follow(self, plans: list[Plan]) -> None:
        """Have the objects show these plans and no others."""
        meshes = {plan.node.id: plan.mesh for plan in plans}
        # First all that goes, so that what comes finds as much parked as there can be.
        for node_id, actor in list(self._actors.items()):
            if meshes.get(node_id) != actor.plan.mesh:
                del self._actors[node_id]
                self._pool.park(actor.body, actor.plan.mesh)
        actors: dict[str, Actor] = {}
        for plan in plans:
            actor = actors[plan.node.id] = self._actors.get(plan.node.id) or self._enter(plan)
            if actor.plan is not plan:
                self._change(actor, plan)
        self._actors = actors
        if self._materials.solid_view:
            self._pool.discard_parked()  # in a window they would only be in the way

    def resume(self, scene: SceneGraph, street: Street, parts: StageParts) -> tuple[str, ...]:
        """Go on with the objects of an earlier stage; those of no node are removed.

        Returns:
            The ids of the nodes that should have one.

        Raises:
            WorldError: when the scene cannot be shown.
        """
        shapes = {body: shape_shown(body) for body in parts.standing.values()}
        self._pool.resume(
            {
                key: mesh
                for key, mesh in parts.meshes.items()
                if is_shape(key, self._library.has(key))
            }
        )
        plans = self.plans(scene, street, None)
        for plan in plans:
            body = parts.standing.get(plan.node.id)
            if body is not None and shapes[body] == plan.mesh:
                self._pool.reclaim(plan.mesh)
                actor = Actor(body, plan, _staged(plan, self._pool.shape(plan.mesh)))
                actor.renumber()
                self._actors[plan.node.id] = actor
        used = {actor.body for actor in self._actors.values()}
        waste = [body for body in parts.standing.values() if body not in used]
        if waste:
            bpy.data.batch_remove(waste)
        return tuple(plan.node.id for plan in plans)

    def strays(self) -> Strays:
        """The objects that a hand has moved, turned or scaled."""
        return {
            node_id: actor.body
            for node_id, actor in self._actors.items()
            if has_strayed(actor.body, actor.staged.matrix)
        }

    def settle(self) -> None:
        """Put back what a hand has moved."""
        for node_id, body in self.strays().items():
            put_back(body, self._actors[node_id].plan.placement)

    def clear(self) -> None:
        """Remove the objects."""
        bpy.data.batch_remove([actor.body for actor in self._actors.values()])
        self._actors.clear()

    def _enter(self, plan: Plan) -> Actor:
        """Give a node an object of its shape."""
        shared, body = self._pool.shape(plan.mesh), self._pool.take(plan.mesh)
        self._dress(body, shared, plan)
        self._place(body, plan.placement)
        body.pass_index = plan.pass_index
        return Actor(body, plan, _staged(plan, shared))

    def _change(self, actor: Actor, plan: Plan) -> None:
        """Make an object follow another plan for the same node and shape."""
        body, before = actor.body, actor.plan
        shared = self._pool.shape(plan.mesh)
        if plan.wears != before.wears:
            self._dress(body, shared, plan)
        moved, renumbered = plan.placement != before.placement, plan.index != before.index
        if moved:
            self._place(body, plan.placement)
        if renumbered:
            body.pass_index = plan.pass_index
        actor.plan = plan
        if moved or renumbered:
            actor.staged = _staged(plan, shared)

    def _place(self, body: bpy.types.Object, placement: Placement) -> None:
        body.location = (placement.x, placement.y, placement.z)
        body.rotation_euler = placement.euler()
        if self._materials.solid_view:
            turn_less(body)
        body.scale = placement.scale

    def _dress(self, body: bpy.types.Object, shared: SharedMesh, plan: Plan) -> None:
        if not shared.coloured or plan.wears is None:
            return
        body.color = object_colour(*plan.wears)
        if self._materials.solid_view:
            slot = body.material_slots[0]
            slot.link = "OBJECT"
            slot.material = self._materials.worn(*plan.wears)


def _wears(node: Node) -> tuple[str, str] | None:
    """What a node's object-coloured faces wear: the kind of stuff and its colour."""
    stuff = STREET_CLASSES[node.class_name].wears
    if not stuff:
        return None
    return stuff, choice(node, "colour", tuple(WALLS if stuff == "wall" else PAINTS))


def _staged(plan: Plan, shared: SharedMesh) -> StagedObject:
    length, width, height = (
        extent * factor for extent, factor in zip(shared.size, plan.placement.scale, strict=True)
    )
    return StagedObject(
        plan.node.id,
        plan.node.class_name,
        plan.index,
        shared.vertices,
        shared.triangles,
        plan.placement.matrix(),
        (length, width, height),
    )
