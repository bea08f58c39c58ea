"""A street to show, and one stage for all tests of this room (bpy is one per process)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from street_scenes import make_street

from blender_addon.contract.scene_graph import SceneGraph


@pytest.fixture
def street_scene() -> SceneGraph:
    return make_street()


@pytest.fixture
def random_street():
    return make_street


@pytest.fixture(scope="session")
def stage() -> Iterator[object]:
    """One stage for the room, whatever it showed last, in a Blender scene of its own."""
    bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")
    from blender_addon.world.stage import Stage

    scene = bpy.data.scenes.new("world tests")
    stage = Stage(scene)
    yield stage
    stage.clear()
    bpy.data.scenes.remove(scene)
