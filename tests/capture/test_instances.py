"""Twins: every mesh object has one, and they change nothing that is seen. Needs bpy."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import CubeStage, cube_scene

bpy = pytest.importorskip("bpy", reason="bpy is not installed")

from blender_addon.capture import instances, picture  # noqa: E402
from blender_addon.contract.frames import RenderSettings  # noqa: E402


def blocks() -> tuple[int, int]:
    return len(bpy.data.objects), len(bpy.data.collections)


def twins(scene) -> set:
    (empty,) = [o for o in scene.collection.objects if o.name.startswith("metasim twins")]
    return set(empty.instance_collection.objects)


def test_twins_follow_objects_that_come_and_go():
    stage = CubeStage(bpy)
    for count in (3, 1, 4):
        stage.show(cube_scene(*[{"x": float(n)} for n in range(count)]))
        instances.follow(stage.blender_scene)
        meshes = {o for o in stage.blender_scene.objects if o.type == "MESH"}
        assert len(meshes) == count + 1 and twins(stage.blender_scene) == meshes


def test_nothing_is_added_twice_and_all_is_removed():
    stage = CubeStage(bpy)
    stage.show(cube_scene({}))
    before = blocks()
    instances.follow(stage.blender_scene)
    once = blocks()
    instances.follow(stage.blender_scene)
    assert blocks() == once == (before[0] + 1, before[1] + 1)
    instances.remove(stage.blender_scene)
    instances.remove(stage.blender_scene)
    assert blocks() == before


def test_twins_are_not_seen_even_from_below():
    settings = RenderSettings(width=64, height=64)
    scene = cube_scene({}, height=-890.0, pitch=-89.0, fov=100.0)
    stage = CubeStage(bpy)
    stage.show(scene)
    frame = picture.render(stage, settings)
    assert np.isinf(frame.depth).all() and (frame.index == 0).all()
