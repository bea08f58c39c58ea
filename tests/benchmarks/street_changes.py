"""Scene graphs that differ from a street in one thing: what a change of it costs to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.language import Grammar

Change = Callable[[SceneGraph, np.random.Generator, Grammar], SceneGraph]
VEHICLES = ("car", "van", "truck", "bus", "caravan")
MOVED = (*VEHICLES, "cyclist", "person", "tree", "scenery", "barrier", "building", "pole", "sign",
         "furniture")  # fmt: skip
WEATHERS = ("clear", "overcast", "low_sun")


def _shifted(scene: SceneGraph, rng: np.random.Generator, widths: dict) -> SceneGraph:
    """Numbers of nodes moved by up to so much; by class and attribute."""
    changes: dict[str, dict] = {}
    for (kind, attribute), width in widths.items():
        for node in scene.of_class(kind):
            value = float(node.attributes[attribute]) + float(rng.uniform(-width, width))
            changes.setdefault(node.id, {})[attribute] = value
    return scene.with_attributes(changes)


def camera_moved(scene: SceneGraph, rng: np.random.Generator, _: Grammar) -> SceneGraph:
    return _shifted(scene, rng, {("camera", "yaw"): 3.0, ("camera", "height"): 0.1})


def sun_turned(scene: SceneGraph, rng: np.random.Generator, _: Grammar) -> SceneGraph:
    return _shifted(scene, rng, {("sky", "sun_azimuth"): 60.0, ("sky", "sun_elevation"): 5.0})


def all_moved(scene: SceneGraph, rng: np.random.Generator, _: Grammar) -> SceneGraph:
    return _shifted(scene, rng, {(kind, "along"): 0.5 for kind in MOVED})


def road_bent(scene: SceneGraph, rng: np.random.Generator, _: Grammar) -> SceneGraph:
    return _shifted(scene, rng, {("road", "curvature"): 0.004, ("road", "rise"): 1.0})


def _chosen(
    scene: SceneGraph, rng: np.random.Generator, grammar: Grammar, kinds: Sequence[str], name: str
) -> SceneGraph:
    """Nodes of some classes with another value of a category."""
    changes: dict[str, dict] = {}
    for kind in kinds:
        values = grammar.class_by_name[kind].by_name[name].values
        for node in scene.of_class(kind):
            others = [value for value in values if value != node.attributes[name]]
            if others:
                changes[node.id] = {name: str(rng.choice(others))}
    return scene.with_attributes(changes)


def colours_changed(scene: SceneGraph, rng: np.random.Generator, grammar: Grammar) -> SceneGraph:
    return _chosen(scene, rng, grammar, VEHICLES, "colour")


def models_changed(scene: SceneGraph, rng: np.random.Generator, grammar: Grammar) -> SceneGraph:
    return _chosen(scene, rng, grammar, MOVED, "model")


def half_the_cars_gone(scene: SceneGraph, rng: np.random.Generator, _: Grammar) -> SceneGraph:
    cars = [node.id for node in scene.of_class("car")]
    gone = set(rng.permutation(cars)[: (len(cars) + 1) // 2])
    return SceneGraph(
        tuple(node for node in scene.nodes if node.id not in gone), scene.domain, scene.seed
    )


def weather_changed(scene: SceneGraph, rng: np.random.Generator, _: Grammar) -> SceneGraph:
    others = [kind for kind in WEATHERS if kind != scene.root.attributes["weather"]]
    return scene.with_attributes({scene.root.id: {"weather": str(rng.choice(others))}})


CHANGES: dict[str, Change] = {
    change.__name__: change
    for change in (camera_moved, sun_turned, all_moved, road_bent, colours_changed,
                   models_changed, half_the_cars_gone, weather_changed)
}  # fmt: skip


def turns(
    scene: SceneGraph, change: Change, grammar: Grammar, count: int, seed: int
) -> list[SceneGraph]:
    """The street changed again and again, no two times alike.

    Of some changes there are few: the street is as it was in every second turn.
    """
    rng = np.random.default_rng(seed)
    returning = change in (half_the_cars_gone, weather_changed)
    return [scene if returning and i % 2 else change(scene, rng, grammar) for i in range(count)]
