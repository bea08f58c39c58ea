"""Put a new scene graph into the file and in front of the user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import bpy

from ..contract.attribute_reading import WorldError
from ..contract.child_counts import ChildCounts
from ..contract.scene_graph import SceneGraph
from .picture_size import size_picture
from .redraw import redraw_views
from .session import session
from .street_in_file import keep_graph, new_street_scene, street_scene

DOMAIN = "driving"


def show_prior(
    context: Any,
    graph: SceneGraph,
    classes: Mapping[str, Any],
    children: ChildCounts = MappingProxyType({}),  # type: ignore[assignment]
) -> Any:
    """Show a scene graph that is no transformer's work.

    Args:
        context: Blender's.
        graph: the scene graph.
        classes: what the grammar says of attributes, by class and name; empty when unknown.
        children: how many children it gives to nodes; empty when unknown.

    Returns:
        The Blender scene that shows it, now the window's.

    Raises:
        WorldError: when it cannot be shown; all is then as it was.
    """
    if graph.domain != DOMAIN:
        raise WorldError(
            f"Scenes of the domain {graph.domain!r} are flat pictures that the backend draws; the "
            f"add-on shows those of the domain {DOMAIN!r}, such as scenes/driving.yaml."
        )
    scene = street_scene(context)
    new = scene is None
    if scene is None:
        scene = new_street_scene(context)
        size_picture(scene)
    try:
        session().street.show(scene, graph)
    except WorldError:
        if new:
            session().street.forget()
            bpy.data.scenes.remove(scene)
        raise
    scene.metasim.classes = json.dumps(classes) if classes else ""
    scene.metasim.children = json.dumps(dict(children)) if children else ""
    scene.metasim.shown = "PRIOR"
    keep_graph(scene, graph)
    bring_to_front(context, scene, look=new)
    return scene


def show_learned(context: Any, scene: Any, graph: SceneGraph, run: str) -> None:
    """Show what a run's transformer made of the prior's scene; objects move in place.

    Raises:
        WorldError: when it cannot be shown; the prior's then stays.
    """
    session().street.show(scene, graph)
    scene.metasim.shown = "LEARNED"
    scene.metasim.learned_run = run
    keep_graph(scene, graph)
    bring_to_front(context, scene)


def show_prior_again(context: Any, scene: Any, graph: SceneGraph) -> None:
    """Back to the prior's scene; the learned one is kept."""
    learned = scene.metasim.learned_graph
    session().street.show(scene, graph)
    scene.metasim.shown = "PRIOR"
    keep_graph(scene, graph)
    scene.metasim.learned_graph = learned
    bring_to_front(context, scene)


def bring_to_front(context: Any, scene: Any, look: bool = False) -> None:
    """Make a street's scene the window's.

    Args:
        context: Blender's.
        scene: the street's.
        look: look through its camera in the user's 3D view, in daylight.
    """
    if context.window is None:
        return
    if context.window.scene != scene:
        context.window.scene = scene
    if look and not bpy.app.background:
        session().views.fill(context, scene)
    redraw_views()
