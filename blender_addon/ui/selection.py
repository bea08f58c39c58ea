"""The tree of nodes and Blender's selection follow each other."""

from __future__ import annotations

from typing import Any

import bpy

from .street_in_file import bodies_of, node_of

_OWNER = object()


def select_node(context: Any, scene: Any, position: int) -> None:
    """Select the object of the node that was chosen in the tree."""
    nodes = scene.metasim.nodes
    if not 0 <= position < len(nodes) or scene != context.scene:
        return
    layer = context.view_layer
    if node_of(layer.objects.active) == nodes[position].name:
        return
    bodies = [body for body in bodies_of(scene, nodes[position].name) if body.visible_get()]
    for body in list(layer.objects.selected):
        body.select_set(False)
    for body in bodies:
        body.select_set(True)
    layer.objects.active = bodies[0] if bodies else None


def follow_selection() -> None:
    """Choose in the tree the node of the object that is active now."""
    scene = bpy.context.scene
    if scene is None:
        return
    node_id = node_of(bpy.context.view_layer.objects.active)
    position = scene.metasim.nodes.find(node_id) if node_id else -1
    if position >= 0 and scene.metasim.active_node != position:
        scene.metasim.active_node = position


def listen() -> None:
    """Have Blender tell when another object becomes active; once for each opened file."""
    bpy.msgbus.subscribe_rna(
        key=(bpy.types.LayerObjects, "active"), owner=_OWNER, args=(), notify=follow_selection
    )


def stop_listening() -> None:
    """Undo :func:`listen`."""
    bpy.msgbus.clear_by_owner(_OWNER)
