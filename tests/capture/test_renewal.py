"""When Cycles' kept data is begun anew, and that pictures do not notice."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from conftest import cube_scene

from blender_addon.capture.picture import render
from blender_addon.capture.renewal import Renewal
from blender_addon.contract.frames import RenderSettings


class Kept:
    """A render's settings that count how often the kept data is let go."""

    def __init__(self, kept: bool = True) -> None:
        self.freed = 0
        self._kept = kept

    @property
    def use_persistent_data(self) -> bool:
        return self._kept

    @use_persistent_data.setter
    def use_persistent_data(self, value: bool) -> None:
        self.freed += self._kept and not value
        self._kept = value


def test_only_scenes_with_other_things_in_them_count():
    settings, renewal = Kept(), Renewal(every=3)
    scene = SimpleNamespace(render=settings)
    moved = [cube_scene({"x": float(i)}) for i in range(20)]
    assert not any(renewal.follow(graph, scene) for graph in moved)
    others = [cube_scene(*[{"x": float(i)} for i in range(1 + n % 2)]) for n in range(1, 13)]
    begun = [renewal.follow(graph, scene) for graph in others]
    assert [n for n, anew in enumerate(begun) if anew] == [2, 6, 10]
    assert settings.freed == 3 and settings.use_persistent_data


def test_what_is_not_kept_is_left_alone():
    settings, renewal = Kept(kept=False), Renewal(every=0)
    assert renewal.follow(cube_scene({"x": 0.0}), SimpleNamespace(render=settings))
    assert not settings.use_persistent_data and settings.freed == 0


def test_the_picture_is_the_same_afterwards(cube_stage):
    settings = RenderSettings(48, 32, 2, seed=4)
    graph = cube_scene({"y": 4.5}, {"x": 2.0, "y": 7.0})
    cube_stage.show(graph)
    before = render(cube_stage, settings, 1)
    assert Renewal(every=0).follow(graph, cube_stage.blender_scene)
    after = render(cube_stage, settings, 1)
    np.testing.assert_array_equal(before.image, after.image)
    np.testing.assert_array_equal(before.depth, after.depth)
    assert before.labels == after.labels
