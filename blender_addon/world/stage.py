"""The stage: shows scene graphs in Blender, moving objects rather than rebuilding them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import bpy
import numpy as np

from ..contract.attribute_reading import WorldError
from ..contract.catalogue import Asset
from ..contract.scene_graph import Node, SceneGraph
from ..contract.street import Street, read_street
from ..contract.street_classes import STREET_CLASSES
from .actors import MOST_LABELLED, Actors
from .camera import CameraView, read_camera
from .library import Library
from .lighting import StreetLight
from .materials import Materials
from .meshes import Meshes
from .own_objects import number_own, staged_own, with_modifiers
from .pool import Pool
from .road import Road
from .shading import PIXEL
from .sky import read_sky
from .stage_parts import CAMERA, STREET, StageParts, mark
from .staged_object import StagedObject
from .strays import Strays, camera_has_strayed, free, sun_has_strayed
from .view_light import light_pictures, light_views


class Stage:
    """Keeps a Blender scene in step with scene graphs, by node id.

    Args:
        blender_scene: the scene to add to. None takes Blender's current scene and first removes
            the objects in it.
        assets: users' models, from :func:`..contract.catalogue.user_assets`.
        solid_view: make materials by which Blender's solid view shows every colour.
        parts: of an earlier stage in this scene; :meth:`resume` then goes on with them.
    """

    def __init__(
        self,
        blender_scene: bpy.types.Scene | None = None,
        assets: Iterable[Asset] = (),
        *,
        solid_view: bool = False,
        parts: StageParts | None = None,
    ) -> None:
        if blender_scene is None:
            blender_scene = bpy.context.scene
            bpy.data.batch_remove(list(blender_scene.collection.all_objects))
        self.blender_scene = blender_scene
        found = parts or StageParts()
        self._collection = found.collection or _new_collection(blender_scene)
        self._materials = Materials(solid_view, found.groups, found.materials)
        self._lighting = StreetLight(self._materials.light, found.world, found.sun)
        self._library = Library(assets)
        self._meshes = Meshes(self._materials, self._library)
        self._road = Road(self._collection, self._materials, found.surfaces)
        self._world_before = blender_scene.world if parts is None else None
        self._camera_before = blender_scene.camera if parts is None else None
        self.camera = found.camera or _new_camera()
        if found.world is None:
            blender_scene.world = self._lighting.world
        for body, there in ((self._lighting.sun, found.sun), (self.camera, found.camera)):
            if there is None:
                self._collection.objects.link(body)
        if parts is None or blender_scene.camera is None:
            blender_scene.camera = self.camera
        self._pool = Pool(self._collection, self._meshes, self._lighting.fit)
        self._actors = Actors(self._pool, self._materials, self._library)
        self._scene: SceneGraph | None = None
        self._street: Street | None = None
        self._view: CameraView | None = None
        self._resumed: tuple[str, ...] = ()
        self._made_anew: tuple[str, ...] = ()
        if parts is None:
            self.light_by("direct")

    def resume(self, scene: SceneGraph, parts: StageParts) -> None:
        """Go on with the parts of an earlier stage, which shows this scene already.

        Nothing that is as the scene has it is touched: what a user has changed about it stays.

        Raises:
            WorldError: when the scene cannot be shown.
        """
        self._street = read_street(scene)
        self._resumed = self._actors.resume(scene, self._street, parts)
        if parts.camera is not None:
            self._view = read_camera(_only(scene, "camera"))
        light = read_sky(_only(scene, "sky"), scene.root)
        if None not in (parts.world, parts.sun):
            self._lighting.resume(light)
        self._road.resume(self._street)
        self._made_anew = (
            *(() if parts.camera else ("camera",)),
            *(() if parts.sun else ("sun",)),
            *(() if self._road.is_complete else ("road",)),
        )
        self.light_by("direct")

    @property
    def collection(self) -> bpy.types.Collection:
        """Where its objects are."""
        return self._collection

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

    def light_views(self) -> None:
        """Have a window's 3D views show the light and the exposure of the scene now shown."""
        light, view = self._shown(self._lighting.shown), self._shown(self._view)
        light_views(self.blender_scene, light, view, self._materials)

    def light_pictures(self) -> None:
        """Set up light and exposure as pictures need them, after :meth:`light_views`."""
        light_pictures(self.blender_scene, self._shown(self._view), self._materials)

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
        plans = self._actors.plans(scene, street, self._street)
        self._road.show(street)
        if view != self._view:
            view.apply(self.camera, self.blender_scene)
        self._lighting.show(light)
        self._actors.follow(plans)
        self._scene, self._street, self._view = scene, street, view
        self._resumed = ()  # every node has its object now

    def objects(self) -> tuple[StagedObject, ...]:
        """The placed objects of the scene now shown, in scene order (road surface excluded).

        In a window's file users' own objects of a class come last, and modifiers count.
        """
        if not self.solid_view:
            return tuple(actor.staged for actor in self._actors)
        for actor in self._actors:
            actor.renumber()
        placed = [with_modifiers(actor.staged, actor.body) for actor in self._actors]
        labelled = max((item.index for item in placed), default=0)
        own = number_own(self.blender_scene, labelled, MOST_LABELLED)
        staged = [staged_own(body, index) for body, index in own.items()]
        return (*placed, *(item for item in staged if item is not None))

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

    def bodies(self) -> dict[str, bpy.types.Object]:
        """The Blender objects of placed nodes, by node."""
        return self._actors.bodies()

    def body(self, node_id: str) -> bpy.types.Object:
        """The Blender object that shows a node.

        Raises:
            WorldError: when the scene shown has no such placed node.
        """
        if node_id not in self._actors:
            raise WorldError(f"The scene shown has no placed object {node_id!r}.")
        return self._actors.body(node_id)

    def is_whole(self) -> bool:
        """Whether all of its objects are still there: none was deleted, or undone."""
        there = set(self.blender_scene.objects)
        try:
            return all(
                body.name and body in there
                for body in (*self._actors.bodies().values(), *self.frame_bodies())
            )
        except ReferenceError:
            return False

    def missing(self) -> tuple[str, ...]:
        """Placed nodes of the scene with which it was resumed that no object shows."""
        return tuple(item for item in self._resumed if item not in self._actors)

    def made_anew(self) -> tuple[str, ...]:
        """Parts that were missing when it was resumed: camera, sun, road and land; until told."""
        made, self._made_anew = self._made_anew, ()
        return made

    def frame_bodies(self) -> tuple[bpy.types.Object, ...]:
        """The objects without a place: road and land, sun and camera."""
        return (*self._road.bodies(), self._lighting.sun, self.camera)

    def strays(self) -> Strays:
        """The objects of placed nodes that a hand has moved, turned or scaled."""
        return self._actors.strays()

    def camera_strayed(self) -> bool:
        """Whether a hand has moved the camera."""
        return self._view is not None and camera_has_strayed(self.camera, self._view)

    def sun_strayed(self) -> bool:
        """Whether a hand has turned the sun."""
        shown = self._lighting.shown
        return shown is not None and sun_has_strayed(self._lighting.sun, shown)

    @property
    def sun(self) -> bpy.types.Object:
        """The sun's object."""
        return self._lighting.sun

    def settle(self) -> None:
        """Put back what a hand has moved, to where the scene now shown has it."""
        self._actors.settle()
        if self.camera_strayed():
            free(self.camera)
            self._shown(self._view).apply(self.camera, self.blender_scene)
        if self.sun_strayed():
            free(self.sun)
            self._lighting.apply()

    def clear(self) -> None:
        """Remove everything that the stage made; it cannot be used afterwards."""
        lens = self.camera.data
        self._actors.clear()
        bpy.data.batch_remove([self.camera])
        self._road.clear()
        self._pool.clear()
        self._meshes.clear()
        self._library.clear()
        self._materials.clear()
        self.blender_scene.world = self._world_before
        self.blender_scene.camera = self._camera_before
        self._lighting.clear()
        bpy.data.batch_remove([lens, self._collection])
        self._scene = self._street = self._view = None

    def _shown(self, value):
        if value is None:
            raise WorldError("The stage shows no scene yet; call show first.")
        return value


def _new_collection(scene: bpy.types.Scene) -> bpy.types.Collection:
    collection = bpy.data.collections.new("metasim street")
    mark(collection, STREET)
    scene.collection.children.link(collection)
    return collection


def _new_camera() -> bpy.types.Object:
    lens = bpy.data.cameras.new("metasim camera")
    lens.clip_start, lens.clip_end = 0.1, 2000.0
    camera = bpy.data.objects.new("metasim camera", lens)
    mark(camera, CAMERA)
    return camera


def _only(scene: SceneGraph, class_name: str) -> Node:
    nodes = scene.of_class(class_name)
    if len(nodes) != 1:
        raise WorldError(
            f"A street needs exactly one node of class {class_name!r}; found {len(nodes)}."
        )
    return nodes[0]
