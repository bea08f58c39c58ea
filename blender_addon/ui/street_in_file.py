"""The street in the .blend: its scene graphs are the truth, a stage keeps the objects in step.

A street has a Blender scene of its own, so that nothing of the user's is rendered with it and
no render settings of the user's change. Its scene graphs, prior and learned, are text in that
scene: they are saved, and undo brings them back. After an undo the stage finds its objects again by
name; when a file is opened, it is built anew at the next need.
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
from ..world.rejoin import StageNames, names_of, rejoin
from ..world.stage import Stage
from .attribute_items import fill_nodes

NODE = "metasim_node"  # custom property of objects: the id of the node they show
_MARK = "metasim_street"  # of collections and worlds that a stage made
SCENE = "Meta-Sim"


class StreetError(ValueError):
    """There is no street, or it cannot be used; one sentence with the remedy."""


class StreetInFile:
    """Keeps the Blender objects of a file's street in step with its scene graph."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._names: StageNames | None = None
        self._stale = False

    def undone(self) -> None:
        """Take note that after an undo no reference to Blender's objects is good any more."""
        self._stale = True

    def forget(self) -> None:
        """Drop what is known of Blender's objects, when another file was opened."""
        self._stage = self._names = None
        self._stale = False

    def show(self, scene: Any, graph: SceneGraph) -> Stage:
        """Make a Blender scene show a scene graph.

        Args:
            scene: the street's ``bpy.types.Scene``, from :func:`street_scene`.
            graph: what to show.

        Raises:
            WorldError: when it cannot be shown; the last one then stays.
        """
        stage = self._usable(scene)
        if stage is None:
            self.forget()
            _purge(scene)
            stage = self._stage = Stage(scene, user_assets(), solid_view=True)
        layer = scene.view_layers[0]
        chosen, active = _chosen(layer)
        try:
            stage.show(graph)
        finally:
            self._names = names_of(stage)
        _tag(stage, graph)
        _choose(scene, layer, chosen, active)
        return stage

    def _usable(self, scene: Any) -> Stage | None:
        """The stage of this Blender scene, with good references; None when there is none."""
        if self._stage is None or self._names is None or self._names.scene != scene.name:
            return None
        if self._stale and not rejoin(self._stage, self._names):
            return None
        self._stale = False
        return self._stage

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
        elif body.name.startswith("metasim"):
            body.select_set(False, view_layer=layer)  # it is parked


def _tag(stage: Stage, graph: SceneGraph) -> None:
    """Write on each object which node it shows."""
    showing: dict[Any, str] = {stage.body(item.node): item.node for item in stage.objects()}
    collection = stage.camera.users_collection[0]
    if _MARK not in collection:
        collection[_MARK] = True
        stage.blender_scene.world[_MARK] = True
    frames = {node.class_name: node.id for node in graph.nodes if node.class_name in _SHOWN_BY}
    for body in collection.objects:
        node_id = showing.get(body) or frames.get(_frame(body), "")
        if body.get(NODE, "") == node_id:
            continue
        if node_id:
            body[NODE] = node_id
        else:
            del body[NODE]


_SHOWN_BY = ("camera", "sky", "road")


def _frame(body: Any) -> str:
    """Which of the classes without a place a body shows; empty for a placed or hidden one."""
    if body.type == "CAMERA":
        return "camera"
    if body.type == "LIGHT":
        return "sky"
    return "road" if body.name.startswith(_ROAD) else ""


_ROAD = tuple(f"metasim {part}" for part in ("road", "walks", "parking", "grass"))


def _purge(scene: Any) -> None:
    """Remove what an earlier stage made in this scene, data-blocks and all."""
    instances.remove(scene)
    collections = [item for item in scene.collection.children if _MARK in item]
    bodies = [body for item in collections for body in item.objects]
    data = {body.data for body in bodies if body.data is not None}
    materials = {slot.material for body in bodies for slot in body.material_slots if slot.material}
    worlds = [scene.world] if scene.world is not None and _MARK in scene.world else []
    bpy.data.batch_remove([*bodies, *collections, *worlds])
    bpy.data.batch_remove([item for item in data if item.users == 0])
    bpy.data.batch_remove([item for item in materials if item.users == 0])
