"""Local differences against full-frame ones. Needs bpy."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import cube_scene

pytest.importorskip("bpy", reason="bpy is not installed")

from blender_addon.capture.differences import differences  # noqa: E402
from blender_addon.contract.frames import AttributeStep, RenderSettings  # noqa: E402
from blender_addon.contract.scene_graph import SceneGraphError  # noqa: E402

SETTINGS = RenderSettings(width=160, height=96, samples=1, seed=9)


def many_cubes(seed=0, count=10):
    rng = np.random.default_rng(seed)
    cubes = [
        {
            "x": float(rng.uniform(-10, 10)),
            "y": float(rng.uniform(6, 35)),
            "yaw": float(rng.uniform(0, 90)),
            "size": float(rng.uniform(1.2, 2.5)),
        }
        for _ in range(count)
    ]
    return cube_scene(*cubes)


def steps_of(scene):
    sizes = {"x": 0.1, "y": 0.3, "yaw": 4.0, "size": 0.1}
    return [
        AttributeStep(n.id, name, n.attributes[name] - h, n.attributes[name] + h)
        for n in scene.of_class("cube")
        for name, h in sizes.items()
    ]


def test_local_gradients_point_where_full_frame_gradients_do(cube_stage):
    scene = many_cubes()
    steps = steps_of(scene)
    local = differences(cube_stage, scene, steps, SETTINGS, threads=2)
    full = differences(cube_stage, scene, steps, SETTINGS, full_frame=True, threads=2)
    rows, columns = np.mgrid[:96, :160]
    smooth = np.sin(columns / 23 + rows / 17) + 0.3 * np.cos(columns / 50)
    adjoints = {
        "random": np.random.default_rng(4).normal(size=(96, 160, 3)),
        "smooth": smooth[..., None] * [1.0, 0.8, 0.6],
    }
    assert len(local) == len(full) == len(steps)
    assert all(d.window == (0, 0, 160, 96) for d in full)
    assert np.mean([d.values.size for d in local]) < 0.1 * 160 * 96 * 3
    for name, adjoint in adjoints.items():
        ours = np.array([cut_sum(d, adjoint) for d in local])
        true = np.array([cut_sum(d, adjoint) for d in full])
        cosine = ours @ true / np.linalg.norm(ours) / np.linalg.norm(true)
        assert cosine >= 0.99, name


def cut_sum(difference, adjoint):
    x0, y0, x1, y1 = difference.window
    return float((difference.values * adjoint[y0:y1, x0:x1]).sum())


def test_a_step_alone_equals_the_full_frame_difference_in_its_window(cube_stage):
    scene = cube_scene({"y": 6, "size": 2})
    step = [AttributeStep("cube_0", "x", -0.1, 0.1)]
    (local,) = differences(cube_stage, scene, step, SETTINGS, threads=2)
    (full,) = differences(cube_stage, scene, step, SETTINGS, full_frame=True, threads=2)
    x0, y0, x1, y1 = local.window
    np.testing.assert_array_equal(local.values, full.values[y0:y1, x0:x1])
    rest = full.values.copy()
    rest[y0:y1, x0:x1] = 0
    assert np.abs(rest).sum() < 0.03 * np.abs(full.values).sum()


def test_invisible_objects_cost_no_render_and_give_empty_windows(cube_stage):
    scene = cube_scene({"y": -30}, sun_azimuth=0.0)
    (found,) = differences(
        cube_stage, scene, [AttributeStep("cube_0", "x", -1, 1)], SETTINGS, threads=2
    )
    assert found.window == (0, 0, 0, 0) and found.values.shape == (0, 0, 3)


def test_global_attributes_and_large_windows_take_the_full_frame(cube_stage):
    scene = cube_scene({"y": 3, "size": 2.4})
    steps = [AttributeStep("world", "pitch", -1, 1), AttributeStep("cube_0", "x", -0.1, 0.1)]
    found = differences(cube_stage, scene, steps, SETTINGS, threads=2)
    assert [d.window for d in found] == [(0, 0, 160, 96)] * 2
    assert all(d.values.shape == (96, 160, 3) and np.abs(d.values).max() > 0 for d in found)


def test_the_sign_is_plus_minus_minus(cube_stage):
    # A grey cube before the bright sky: growing darkens the picture.
    scene = cube_scene({"y": 10, "size": 4}, sun_azimuth=0.0)
    (found,) = differences(
        cube_stage, scene, [AttributeStep("cube_0", "size", 3.8, 4.2)], SETTINGS, threads=2
    )
    assert found.values.sum() < 0


def test_the_scene_is_shown_again_even_after_an_error(cube_stage):
    scene = cube_scene({"y": 8})
    differences(cube_stage, scene, steps_of(scene), SETTINGS, threads=2)
    assert cube_stage.scene is scene
    with pytest.raises(SceneGraphError, match="no attribute 'weight'"):
        differences(cube_stage, scene, [AttributeStep("cube_0", "weight", 0, 1)], SETTINGS)
    assert cube_stage.scene is scene


def test_no_steps_give_no_differences(cube_stage):
    assert differences(cube_stage, cube_scene({}), [], SETTINGS) == []
