"""The stage: shows scene graphs in Blender, moving objects rather than rebuilding them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np

from ..contract.attribute_reading import WorldError, choice
from ..contract.catalogue import Asset
from ..contract.placement import Placement
from ..contract.scene_graph import Node, SceneGraph
from ..contract.semantics import UNLABELLED, unlabelled_index
from ..contract.street import Street, read_street
from ..contract.street_classes import STREET_CLASSES
from .camera import CameraView, read_camera
from .finishes import PAINTS, WALLS
from .library import Library
from .lighting import StreetLight
from .materials import Materials, object_colour
from .meshes import Meshes, SharedMesh
from .models import ShapeKey, meaning, shape_key
from .pool import Pool
from .road import Road
from .shading import PIXEL
from .sky import read_sky

FRAMES = ("street", "sky", "camera", "road", "lane", "side", "junction", "zebra")
MOST_LABELLED = UNLABELLED - 1


@dataclass(frozen=True, eq=False)
class StagedObject:
    """An object that now stands on the stage.

    Its origin is the centre of its base, its front is +X and z is up.

    Attributes:
        node, class_name: of the scene graph's node.
        index: 0 unlabelled, else 1..n in scene order; Blender's pass index of labelled objects.
        vertices: V x 3 float32, object frame, shared with every object of the same mesh.
        triangles: T x 3 int32.
        matrix: 4 x 4 float64, object to world, with scale.
        dimensions: length (along its front), width and height after scale, metres.
    """

    node: str
    class_name: str
    index: int
    vertices: np.ndarray
    triangles: np.ndarray
    matrix: np.ndarray
    dimensions: tuple[float, float, float]

    @property
    def bottom_center(self) -> np.ndarray:
        """World position of the origin, (3,) float64, metres."""
        return self.matrix[:3, 3].copy()


@dataclass(frozen=True, eq=False)
class _Plan:
    """What a node asks for."""

    node: Node
    mesh: ShapeKey
    wears: tuple[str, str] | None
    placement: Placement
    index: int


@dataclass(eq=False)
class _Actor:
    """A Blender object and the plan it follows now."""

    body: bpy.types.Object
    plan: _Plan
    staged: StagedObject


class Stage:
    """Keeps a Blender scene in step with scene graphs, by node id.

    Args:
        blender_scene: the scene to add to. None takes Blender's current scene and first removes
            the objects in it.
        assets: users' models, from :func:`..contract.catalogue.user_assets`.
        solid_view: make materials by which Blender's solid view shows every colour.
    """

    def __init__(
        self,
        blender_scene: bpy.types.Scene | None = None,
        assets: Iterable[Asset] = (),
        *,
        solid_view: bool = False,
    ) -> None:
        if blender_scene is None:
            blender_scene = bpy.context.scene
            bpy.data.batch_remove(list(blender_scene.collection.all_objects))
        self.blender_scene = blender_scene
        self._collection = bpy.data.collections.new("metasim street")
        blender_scene.collection.children.link(self._collection)
        self._materials = Materials(solid_view)
        self._lighting = StreetLight(self._materials.light)
        self._library = Library(assets)
        self._meshes = Meshes(self._materials, self._library)
        self._road = Road(self._collection, self._materials)
        self._world_before = blender_scene.world
        self._camera_before = blender_scene.camera
        blender_scene.world = self._lighting.world
        lens = bpy.data.cameras.new("metasim camera")
        lens.clip_start, lens.clip_end = 0.1, 2000.0
        self.camera = bpy.data.objects.new("metasim camera", lens)
        for body in (self._lighting.sun, self.camera):
            self._collection.objects.link(body)
        blender_scene.camera = self.camera
        self._actors: dict[str, _Actor] = {}
        self._pool = Pool(self._collection, self._meshes, self._lighting.fit)
        self._scene: SceneGraph | None = None
        self._street: Street | None = None
        self._view: CameraView | None = None
        self.light_by("direct")

    @property
    def solid_view(self) -> bool:
        """Whether Blender's solid view, and Workbench, show every colour."""
        return self._materials.solid_view

    def light_by(self, lighting: str, pixel: float = PIXEL) -> None:
        """Have the sky's light come as an ambient term of all materials (``"direct"``), or by the
        rays that Blender traces (``"traced"``).

        Args:
            pixel: width of a pixel, radians; what is finer is left out.
        """
        self._materials.light.show_pixels(pixel)
        self._lighting.use(lighting, self._collection.objects)

    def show(self, scene: SceneGraph) -> None:
        """Make Blender show this scene; what is as it was stays untouched.

        Raises:
            WorldError: when the scene cannot be shown; the stage then still shows the last one.
        """
        if scene is self._scene:
            return
        street = read_street(scene)
        if street == self._street:
            street = self._street
        view = read_camera(_only(scene, "camera"))
        light = read_sky(_only(scene, "sky"), scene.root)
        plans = self._plan(scene, street)
        self._road.show(street)
        if view != self._view:
            view.apply(self.camera, self.blender_scene)
        self._lighting.show(light)
        self._follow(plans)
        self._scene, self._street, self._view = scene, street, view

    def objects(self) -> tuple[StagedObject, ...]:
        """The placed objects of the scene now shown, in scene order (road surface excluded)."""
        return tuple(actor.staged for actor in self._actors.values())

    def camera_intrinsics(self, width: int, height: int) -> np.ndarray:
        """3 x 3 float64 K of the camera now shown, for an image of that size in pixels."""
        return self._shown(self._view).intrinsics(width, height)

    def camera_pose(self) -> np.ndarray:
        """4 x 4 float64, world to camera, OpenCV's axes."""
        return self._shown(self._view).pose()

    def sun_direction(self) -> np.ndarray:
        """Unit vector (3,) float64 that points to the sun."""
        return self._shown(self._lighting.shown).to_sun()

    def affected_by(self, node_id: str, attribute: str) -> Literal["local", "global"]:
        """``"local"`` when the attribute changes only that node's object, else ``"global"``.

        Raises:
            WorldError: when the scene shown has no such node, or it no such attribute.
        """
        scene: SceneGraph = self._shown(self._scene)
        if node_id not in scene:
            raise WorldError(f"The scene shown has no node {node_id!r}.")
        node = scene.node(node_id)
        if attribute not in node.attributes:
            raise WorldError(f"Node {node_id!r} has no attribute {attribute!r}.")
        return "local" if node.class_name in STREET_CLASSES else "global"

    def body(self, node_id: str) -> bpy.types.Object:
        """The Blender object that shows a node.

        Raises:
            WorldError: when the scene shown has no such placed node.
        """
        if node_id not in self._actors:
            raise WorldError(f"The scene shown has no placed object {node_id!r}.")
        return self._actors[node_id].body

    def clear(self) -> None:
        """Remove everything that the stage made; it cannot be used afterwards."""
        lens = self.camera.data
        bpy.data.batch_remove([*(actor.body for actor in self._actors.values()), self.camera])
        self._road.clear()
        self._pool.clear()
        self._meshes.clear()
        self._library.clear()
        self._materials.clear()
        self.blender_scene.world = self._world_before
        self.blender_scene.camera = self._camera_before
        self._lighting.clear()
        bpy.data.batch_remove([lens, self._collection])
        self._actors.clear()
        self._scene = self._street = self._view = None

    def _shown(self, value):
        if value is None:
            raise WorldError("The stage shows no scene yet; call show first.")
        return value

    def _plan(self, scene: SceneGraph, street: Street) -> list[_Plan]:
        """Plans of all placed nodes; those of unchanged nodes are kept as they are."""
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
                and street is self._street
                and actor.plan.node == node  # another object where it came as a message
                and actor.plan.index == index
            ):
                plans.append(actor.plan)
                continue
            mesh = shape_key(node, self._library.names(kind))
            self._pool.shape(mesh)  # what cannot be read is told before anything is changed
            plans.append(_Plan(node, mesh, _wears(node), street.place(node), index))
        if labelled > MOST_LABELLED:
            raise WorldError(
                f"The scene has {labelled} labelled objects; the most is {MOST_LABELLED}."
            )
        return plans

    def _follow(self, plans: list[_Plan]) -> None:
        meshes = {plan.node.id: plan.mesh for plan in plans}
        # First all that goes, so that what comes finds as much parked as there can be.
        for node_id, actor in list(self._actors.items()):
            if meshes.get(node_id) != actor.plan.mesh:
                del self._actors[node_id]
                self._pool.park(actor.body, actor.plan.mesh)
        actors: dict[str, _Actor] = {}
        for plan in plans:
            actor = actors[plan.node.id] = self._actors.get(plan.node.id) or self._enter(plan)
            if actor.plan is not plan:
                self._change(actor, plan)
        self._actors = actors

    def _enter(self, plan: _Plan) -> _Actor:
        """Give a node an object of its shape."""
        shared, body = self._pool.shape(plan.mesh), self._pool.take(plan.mesh)
        self._dress(body, shared, plan)
        _move(body, plan.placement)
        body.pass_index = _pass_index(plan)
        return _Actor(body, plan, _staged(plan, shared))

    def _change(self, actor: _Actor, plan: _Plan) -> None:
        """Make an object follow another plan for the same node and shape."""
        body, before = actor.body, actor.plan
        shared = self._pool.shape(plan.mesh)
        if plan.wears != before.wears:
            self._dress(body, shared, plan)
        moved, renumbered = plan.placement != before.placement, plan.index != before.index
        if moved:
            _move(body, plan.placement)
        if renumbered:
            body.pass_index = _pass_index(plan)
        actor.plan = plan
        if moved or renumbered:
            actor.staged = _staged(plan, shared)

    def _dress(self, body: bpy.types.Object, shared: SharedMesh, plan: _Plan) -> None:
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


def _pass_index(plan: _Plan) -> int:
    return plan.index or unlabelled_index(meaning(plan.node))


def _staged(plan: _Plan, shared: SharedMesh) -> StagedObject:
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


def _move(body: bpy.types.Object, placement: Placement) -> None:
    body.location = (placement.x, placement.y, placement.z)
    body.rotation_euler = placement.euler()
    body.scale = placement.scale


def _only(scene: SceneGraph, class_name: str) -> Node:
    nodes = scene.of_class(class_name)
    if len(nodes) != 1:
        raise WorldError(
            f"A street needs exactly one node of class {class_name!r}; found {len(nodes)}."
        )
    return nodes[0]
