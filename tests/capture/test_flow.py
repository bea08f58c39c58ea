"""Optical flow against motions calculated by hand, without a renderer."""

from __future__ import annotations

import numpy as np
from conftest import cube_scene

from blender_addon.capture.flow import Viewpoint, motions, optical_flow

K = np.array([[80.0, 0, 8], [0, 80.0, 4], [0, 0, 1]])
H, W = 8, 16
NOBODY = np.zeros((H, W), np.uint16)
U, V = np.meshgrid(np.arange(W) + 0.5 - 8, np.arange(H) + 0.5 - 4)


def camera(x=0.0, y=0.0, z=0.0, yaw=0.0) -> Viewpoint:
    """A camera at a place in its own axes, turned to the right by yaw degrees."""
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    pose = np.eye(4)
    pose[:3, :3] = [[c, 0, -s], [0, 1, 0], [s, 0, c]]
    pose[:3, 3] = -pose[:3, :3] @ [x, y, z]
    return Viewpoint(K, pose)


def wall(depth: float) -> np.ndarray:
    return np.full((H, W), depth, np.float32)


def test_nothing_moves():
    flow = optical_flow(wall(7.0), NOBODY, camera(), camera(), {})
    assert flow.dtype == np.float32
    np.testing.assert_allclose(flow, 0, atol=1e-6)


def test_a_camera_that_steps_aside_moves_things_by_focal_length_over_depth():
    flow = optical_flow(wall(4.0), NOBODY, camera(), camera(x=0.5, y=-0.25), {})
    np.testing.assert_allclose(flow[..., 0], -0.5 * 80 / 4, atol=1e-5)
    np.testing.assert_allclose(flow[..., 1], 0.25 * 80 / 4, atol=1e-5)


def test_a_camera_that_goes_ahead_spreads_the_picture_from_its_middle():
    flow = optical_flow(wall(10.0), NOBODY, camera(), camera(z=2.0), {})
    np.testing.assert_allclose(flow[..., 0], U * (10 / 8 - 1), atol=1e-5)
    np.testing.assert_allclose(flow[..., 1], V * (10 / 8 - 1), atol=1e-5)


def test_the_sky_follows_turning_and_not_going():
    sky = wall(np.inf)
    np.testing.assert_allclose(optical_flow(sky, NOBODY, camera(), camera(z=50), {}), 0, atol=1e-5)
    flow = optical_flow(sky, NOBODY, camera(), camera(yaw=10), {})
    expected = 80 * np.tan(np.arctan(U / 80) - np.radians(10)) - U
    np.testing.assert_allclose(flow[..., 0], expected, atol=1e-4)
    behind = optical_flow(sky, NOBODY, camera(), camera(yaw=180), {})
    assert np.isnan(behind).all()


def test_what_comes_to_lie_behind_the_camera_is_unknown():
    flow = optical_flow(wall(3.0), NOBODY, camera(), camera(z=3.5), {})
    assert np.isnan(flow).all()


def test_only_the_objects_own_pixels_follow_its_motion():
    index = NOBODY.copy()
    index[2:5, 3:9] = 7
    index[6, 10] = 9
    nearer = np.eye(4)
    nearer[2, 3] = -2.0
    flow = optical_flow(wall(6.0), index, camera(), camera(), {7: nearer, 9: None, 11: None})
    mine = index == 7
    np.testing.assert_allclose(flow[mine, 0], U[mine] * (6 / 4 - 1), atol=1e-5)
    assert np.isnan(flow[6, 10]).all()
    np.testing.assert_allclose(flow[index == 0], 0, atol=1e-6)


def test_motions_tell_still_moved_and_vanished_apart(cube_geometry):
    cube_geometry.show(cube_scene({"x": 1}, {"x": 3, "yaw": 10}, {"x": 5}, {"labelled": 0}))
    before = cube_geometry.objects()
    cube_geometry.show(cube_scene({"x": 1}, {"x": 3, "y": 9, "yaw": 40, "size": 2.0}))
    after = cube_geometry.objects()
    found = motions(before, after)
    assert set(found) == {2, 3} and found[3] is None
    # M' M^-1 takes each point of the object from where it was to where it is.
    for point in ([0, 0, 0, 1], [0.5, -0.5, 1, 1]):
        np.testing.assert_allclose(
            found[2] @ before[1].matrix @ point, after[1].matrix @ point, atol=1e-12
        )


def test_another_class_under_the_same_name_is_another_object(cube_geometry):
    cube_geometry.show(cube_scene({"kind": "car"}))
    before = cube_geometry.objects()
    cube_geometry.show(cube_scene({"kind": "person"}))
    assert motions(before, cube_geometry.objects()) == {1: None}
