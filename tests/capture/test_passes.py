"""Semantic maps, normals and flow of rendered cubes. Needs bpy."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import cube_scene

pytest.importorskip("bpy", reason="bpy is not installed")

from blender_addon.capture import picture  # noqa: E402
from blender_addon.contract.frames import RenderSettings  # noqa: E402

SETTINGS = RenderSettings(160, 96, seed=4, passes=("normal", "flow"))


def shown(stage, scene, settings=SETTINGS, next_scene=None):
    stage.show(scene)
    return picture.render(stage, settings, threads=2, next_scene=next_scene)


def test_the_semantic_map_tells_labelled_unlabelled_and_sky_from_one_render(cube_stage):
    scene = cube_scene(
        {"x": -2.0, "y": 6.0, "kind": "van"},
        {"x": 0.0, "y": 6.0, "kind": "tree", "labelled": 0},
        {"x": 2.0, "y": 6.0},
        {"x": 4.0, "y": 6.0, "kind": "cyclist"},
    )
    frame = shown(cube_stage, scene)
    assert frame.semantic.shape == (96, 160) and frame.semantic.dtype == np.uint8
    assert set(np.unique(frame.semantic)) == {7, 26, 21, 0, 25, 23}
    assert set(np.unique(frame.index)) == {0, 1, 3, 4}
    assert [label.index for label in frame.labels] == [1, 3, 4]
    for index, found in ((1, 26), (3, 0), (4, 25)):
        assert (frame.semantic[frame.index == index] == found).all()
    np.testing.assert_array_equal(frame.semantic == 23, np.isinf(frame.depth))
    # The tree stands before the middle of the picture, f = 80, front side 5.5 m away.
    assert (frame.semantic[60:68, 74:86] == 21).all() and (frame.index[60:68, 74:86] == 0).all()


def test_passes_change_neither_picture_nor_labels(cube_stage):
    scene = cube_scene({"x": 1, "y": 5, "yaw": 30})
    with_, without = (shown(cube_stage, scene, s) for s in (SETTINGS, RenderSettings(seed=4)))
    np.testing.assert_array_equal(with_.image, without.image)
    np.testing.assert_array_equal(with_.semantic, without.semantic)
    assert with_.labels == without.labels
    assert without.normal is None and without.flow is None and with_.flow is None


@pytest.mark.parametrize("samples", [1, 5])
def test_normals_of_a_turned_cube_in_the_cameras_axes(cube_stage, samples):
    """A side whose outward normal is n in the world has R n, R being the pose's rotation.

    A cube turned by 30 degrees shows the sides (sin 30, -cos 30, 0) and (-cos 30, -sin 30, 0) to
    a camera on its left, a pitched camera sees the ground's (0, 0, 1).
    """
    scene = cube_scene({"x": 1.0, "y": 5.0, "yaw": 30, "size": 2.0}, height=1.0, pitch=-6.0)
    settings = RenderSettings(160, 96, samples, seed=4, passes=("normal",))
    frame = shown(cube_stage, scene, settings)
    c, s = np.cos(np.radians(30)), 0.5
    rotation = frame.pose[:3, :3]
    sides = np.array([[s, -c, 0], [-c, -s, 0]]) @ rotation.T
    mine = frame.normal[frame.index == 1]
    gaps = np.linalg.norm(mine[:, None] - sides, axis=-1)
    assert (gaps.min(axis=1) < 1e-3).mean() > 0.9 and ((gaps < 1e-3).sum(axis=0) > 100).all()
    ground = np.broadcast_to(rotation @ [0, 0, 1], (40, 3))
    np.testing.assert_allclose(frame.normal[90, :40], ground, atol=1e-4)
    sky = np.isinf(frame.depth)
    assert sky.any() and (frame.normal[sky] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(frame.normal[~sky], axis=-1), 1, atol=1e-4)
    assert frame.normal.dtype == np.float32


def test_flow_leads_to_where_the_next_picture_shows_the_cube(cube_stage):
    """A facing cube moved by (0.5, -1) m: its front goes from z = 6 to z' = 5 m."""
    now = cube_scene({"x": 1.0, "y": 7.0, "size": 2.0})
    then = cube_scene({"x": 1.5, "y": 6.0, "size": 2.0})
    frame = shown(cube_stage, now, next_scene=then)
    following = shown(cube_stage, then)
    front = (frame.index == 1) & np.isclose(frame.depth, 6.0, atol=0.01)
    ys, xs = np.nonzero(front)
    u, v = xs + 0.5, ys + 0.5
    x, up = (u - 80) / 80 * 6.0, (v - 48) / 80 * 6.0
    expected = np.stack([80 + 80 * (x + 0.5) / 5.0 - u, 48 + 80 * up / 5.0 - v], axis=1)
    np.testing.assert_allclose(frame.flow[front], expected, atol=0.02)
    u2, v2 = np.floor(np.stack([u, v]) + frame.flow[front].T).astype(int)
    inside = (u2 < 160) & (v2 < 96)
    assert inside.sum() > 300 and (following.index[v2[inside], u2[inside]] == 1).mean() > 0.97
    still = (frame.index == 0) & np.isfinite(frame.depth)
    np.testing.assert_allclose(frame.flow[still], 0, atol=1e-4)


def test_flow_of_a_vanishing_cube_is_unknown_and_the_stage_shows_the_next_scene(cube_stage):
    then = cube_scene({"x": -2}, pitch=2.0)
    frame = shown(cube_stage, cube_scene({"x": -2}, {"x": 2}), next_scene=then)
    assert np.isnan(frame.flow[frame.index == 2]).all()
    assert np.isfinite(frame.flow[frame.index != 2]).all()
    assert len(cube_stage.objects()) == 1
    assert frame.pose[1, 1] == pytest.approx(0)  # the camera of the first scene
