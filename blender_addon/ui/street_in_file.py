"""The street in the .blend: its scene graphs are the truth, a stage keeps the objects in step.

A street has a Blender scene of its own, so that nothing of the user's is rendered with it and
no render settings of the user's change. Its scene graphs, prior and learned, are text in that
scene: they are saved, and undo brings them back. After an undo, and when a file is opened, the
stage finds its objects again by their marks, and goes on with them as they are.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import bpy

from ..capture import instances
from ..contract import scene_graph
from ..contract.catalogue import user_assets
from ..contract.scene_graph import AttributeValue, SceneGraph
from ..world.stage import Stage
from ..world.stage_parts import CAMERA, NODE, PART, SUN, find_parts, shape_shown, surface_shown
from .attribute_items import fill_nodes

_MARK = "metasim_street"  # of collections and worlds that an earlier release made
_CLASS = "metasim_class"  # of collections: whose objects they hold
SCENE = "Meta-Sim"


class StreetError(ValueError):
    """There is no street, or it cannot be used; one sentence with the remedy."""


class StreetInFile:
    """Keeps the Blender objects of a file's street in step with its scene graph."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._scene = ""

    def forget(self) -> None:
        """Take note that no reference to Blender's objects is good any more: after an undo, when
        another file was opened, and when someone has deleted an object."""
        self._stage = None

    def show(self, scene: Any, graph: SceneGraph) -> Stage:
        """Make a Blender scene show a scene graph.

        Args:
            scene: the street's ``bpy.types.Scene``, from :func:`street_scene`.
            graph: what to show.

        Raises:
            WorldError: when it cannot be shown; the last one then stays.
        """
        stage = self.current(scene) or _built(scene)
        self._stage, self._scene = stage, scene.name
        layer = scene.view_layers[0]
        chosen, active = _chosen(layer)
        stage.show(graph)
        stage.light_views()
        _tag(stage, graph)
        _choose(scene, layer, chosen, active)
        return stage

    def current(self, scene: Any) -> Stage | None:
        """The stage as it stands, whatever hands have done to it; None where none is yet."""
        stage = self._stage if self._scene == scene.name else None
        if stage is None or not stage.is_whole():
            stage = self._stage = _resumed(scene)
            self._scene = scene.name
        return stage

    def light_views(self, scene: Any) -> None:
        """Have 3D views show the light again, after a picture was made."""
        if self._stage is not None and self._scene == scene.name:
            self._stage.light_views()

    def stage(self, scene: Any) -> Stage:
        """The stage, showing what the file says.

        Raises:
            StreetError: when the file has no street.
        """
        return self.show(scene, shown_graph(scene))


def street_scene(context: Any) -> Any:
    """The street's Blender scene: the current one if it is, else the file's first; None if none."""
    if context.scene.metasim.graph:
        return context.scene
    return next((scene for scene in bpy.data.scenes if scene.metasim.graph), None)


def settings_of(context: Any) -> Any:
    """The settings that buttons use and panels show: the street's; without one the scene's."""
    return (street_scene(context) or context.scene).metasim


def new_street_scene(context: Any) -> Any:
    """A Blender scene for a street, with the current scene's Meta-Sim settings."""
    before = context.scene
    scene = bpy.data.scenes.new(SCENE)
    for one in before.metasim.bl_rna.properties:
        name = one.identifier
        if name not in ("rna_type", "name", "nodes") and before.metasim.is_property_set(name):
            setattr(scene.metasim, name, getattr(before.metasim, name))
    return scene


def shown_graph(scene: Any) -> SceneGraph:
    """The scene graph that a street's scene shows.

    Raises:
        StreetError: when there is none.
    """
    if scene is None or not scene.metasim.graph:
        raise StreetError("There is no street yet; press Sample, or load a scene graph.")
    return read_graph(scene.metasim.graph)


@lru_cache(maxsize=8)
def read_graph(text: str) -> SceneGraph:
    """A scene graph from the text in which a file keeps it."""
    return scene_graph.from_dict(json.loads(text))


def keep_graph(scene: Any, graph: SceneGraph) -> None:
    """Write a scene graph that is now shown into the file; the fields follow."""
    own = scene.metasim
    own.graph = text = graph_text(graph)
    if own.shown == "LEARNED":
        own.learned_graph = text
    else:
        own.prior_graph, own.learned_graph = text, ""
    fill_nodes(own.nodes, graph, json.loads(own.classes or "{}"))


def graph_text(graph: SceneGraph) -> str:
    """The text in which a file keeps a scene graph."""
    return json.dumps(scene_graph.to_dict(graph), separators=(",", ":"))


def node_of(body: Any) -> str:
    """The id of the node that a Blender object shows; empty for any other object."""
    return str(body.get(NODE, "")) if body is not None else ""


def bodies_of(scene: Any, node_id: str) -> list[Any]:
    """The Blender objects that show a node; several for a road."""
    return [body for body in scene.objects if body.get(NODE) == node_id]


def changed(graph: SceneGraph, node_id: str, name: str, value: AttributeValue) -> SceneGraph:
    """The scene graph with another value of one attribute; itself when nothing changes."""
    if graph.node(node_id).attributes.get(name) == value:
        return graph
    return graph.with_attributes({node_id: {name: value}})


def _chosen(layer: Any) -> tuple[set[str], str]:
    """The nodes whose objects are selected, and that of the active object."""
    return {node_of(body) for body in layer.objects.selected}, node_of(layer.objects.active)


def _choose(scene: Any, layer: Any, chosen: set[str], active: str) -> None:
    """Select the objects that show these nodes now: another model is another object."""
    if _chosen(layer) == (chosen, active):
        return
    for body in scene.objects:
        if NODE in body:
            body.select_set(body[NODE] in chosen, view_layer=layer)
            if active and body[NODE] == active:
                layer.objects.active = body
        elif shape_shown(body) is not None:
            body.select_set(False, view_layer=layer)  # it is parked


def _tag(stage: Stage, graph: SceneGraph) -> None:
    """Write on each object which node it shows."""
    showing: dict[Any, str] = {body: node_id for node_id, body in stage.bodies().items()}
    frames = {node.class_name: node.id for node in graph.nodes if node.class_name in _SHOWN_BY}
    for body in stage.blender_scene.objects:
        node_id = showing.get(body) or frames.get(_frame(body), "")
        if body.get(NODE, "") == node_id:
            continue
        if not node_id:
            del body[NODE]
            continue
        body[NODE] = node_id
        if body in showing:
            body.name = node_id
            _file_under(stage.collection, graph.node(node_id).class_name, body)


def _file_under(street: Any, class_name: str, body: Any) -> None:
    """Put a node's object into the collection of its class, unless the user has it elsewhere."""
    if body.name not in street.objects:
        return
    within = next((one for one in street.children if one.get(_CLASS) == class_name), None)
    if within is None:
        within = bpy.data.collections.new(class_name)
        within[_CLASS] = class_name
        street.children.link(within)
    street.objects.unlink(body)
    within.objects.link(body)


_SHOWN_BY = ("camera", "sky", "road")
_ROAD = ("road", "walks", "parking", "grass")


def _frame(body: Any) -> str:
    """Which of the classes without a place a body shows; empty for a placed or hidden one."""
    part = str(body.get(PART, ""))
    if part in (CAMERA, SUN):
        return "camera" if part == CAMERA else "sky"
    return "road" if surface_shown(body) in _ROAD else ""


def _resumed(scene: Any) -> Stage | None:
    """The stage that shows the street of an opened file, or after an undo; None without one."""
    parts = find_parts(scene)
    if parts is None or not scene.metasim.graph:
        return None
    stage = Stage(scene, user_assets(), solid_view=True, parts=parts)
    try:
        stage.resume(read_graph(scene.metasim.graph), parts)
    except ValueError:  # a model that is no more, or another release's scene graph
        return None
    return stage


def _built(scene: Any) -> Stage:
    """A new stage, after what an earlier release has made in this scene is removed."""
    _purge(scene)
    return Stage(scene, user_assets(), solid_view=True)


def _purge(scene: Any) -> None:
    """Remove what an earlier stage made in this scene, data-blocks and all."""
    instances.remove(scene)
    collections = [item for item in scene.collection.children if _MARK in item or PART in item]
    bodies = [body for item in collections for body in item.all_objects]
    data = {body.data for body in bodies if body.data is not None}
    materials = {slot.material for body in bodies for slot in body.material_slots if slot.material}
    world = scene.world
    worlds = [world] if world is not None and (_MARK in world or PART in world) else []
    within = [child for item in collections for child in item.children_recursive]
    bpy.data.batch_remove([*bodies, *within, *collections, *worlds])
    bpy.data.batch_remove([item for item in data if item.users == 0])
    bpy.data.batch_remove([item for item in materials if item.users == 0])
