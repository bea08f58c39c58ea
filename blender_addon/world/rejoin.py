"""After an undo, Python's references to Blender's data are worthless: find all again by name.

An undo also takes back what the stage did: objects stand where they stood, and what came later is
gone. So a rejoined stage knows no scene, and the next ``show`` applies everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import bpy

from .pool import PoolNames
from .stage import Stage


@dataclass(frozen=True)
class StageNames:
    """The names of everything that a stage refers to."""

    scene: str
    collection: str
    world: str
    groups: tuple[str, ...]
    sun: str
    camera: str
    before: tuple[str, str]
    materials: Mapping[tuple[str, str], str]
    meshes: Mapping[Any, str]
    surfaces: Mapping[str, str]
    land: tuple[str, ...]
    actors: Mapping[str, str]
    pool: PoolNames


def names_of(stage: Stage) -> StageNames:
    """The names, while the references are still good."""
    road = stage._road
    return StageNames(
        scene=stage.blender_scene.name,
        collection=stage._collection.name,
        world=stage._lighting.world.name,
        groups=tuple(group.name for group in stage._materials.light.groups),
        sun=stage._lighting.sun.name,
        camera=stage.camera.name,
        before=(_name(stage._world_before), _name(stage._camera_before)),
        materials={key: item.name for key, item in stage._materials._made.items()},
        meshes={key: shared.mesh.name for key, shared in stage._meshes._made.items()},
        surfaces={key: body.name for key, body in road._surfaces.items()},
        land=tuple(body.name for body in road._land),
        actors={key: actor.body.name for key, actor in stage._actors.items()},
        pool=stage._pool.names(),
    )


def rejoin(stage: Stage, names: StageNames) -> bool:
    """Find everything again.

    Args:
        stage: whose references are worthless.
        names: from :func:`names_of`, before they were.

    Returns:
        Whether the stage can be used; else everything must be made anew.
    """
    objects, data = bpy.data.objects, bpy.data
    needed = (names.sun, names.camera, *names.surfaces.values(), *names.land)
    if not (
        names.scene in data.scenes
        and names.collection in data.collections
        and names.world in data.worlds
        and all(name in data.node_groups for name in names.groups)
        and all(name in objects for name in needed)
    ):
        return False
    stage.blender_scene = data.scenes[names.scene]
    stage._collection = data.collections[names.collection]
    light = stage._lighting
    light.world, light.sun = data.worlds[names.world], objects[names.sun]
    light.forget()
    stage._materials.light.groups = tuple(data.node_groups[name] for name in names.groups)
    stage._world_before = data.worlds.get(names.before[0])
    stage._camera_before = objects.get(names.before[1])
    stage.camera = objects[names.camera]
    stage._materials._made = {
        key: data.materials[name] for key, name in names.materials.items() if name in data.materials
    }
    stage._meshes._made = {
        key: replace(stage._meshes._made[key], mesh=data.meshes[name])
        for key, name in names.meshes.items()
        if name in data.meshes
    }
    _rejoin_road(stage, names)
    _rejoin_actors(stage, names)
    stage._library._brought.clear()  # the file keeps what users' models brought
    stage._scene = stage._street = stage._view = None
    return True


def _rejoin_road(stage: Stage, names: StageNames) -> None:
    road, objects = stage._road, bpy.data.objects
    road._collection = stage._collection
    road._surfaces = {key: objects[name] for key, name in names.surfaces.items()}
    road._land = [objects[name] for name in names.land]
    road.forget()


def _rejoin_actors(stage: Stage, names: StageNames) -> None:
    objects = bpy.data.objects
    stage._pool.rejoin(names.pool, stage._collection)
    actors = {}
    for key, name in names.actors.items():
        actor = stage._actors[key]
        if name not in objects or not stage._pool.reclaim(objects[name], actor.plan.mesh):
            continue
        actor.body = objects[name]
        # Like no plan that comes, so that all of the next one is applied.
        actor.plan = replace(actor.plan, wears=("", ""), index=-1, placement=None)  # type: ignore[arg-type]
        actors[key] = actor
    stage._actors = actors


def _name(item: Any) -> str:
    return "" if item is None else item.name
