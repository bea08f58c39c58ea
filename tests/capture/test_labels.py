"""Labels against definitions and KITTI's convention, without a renderer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import CORNERS, cube_scene

from blender_addon.capture.labels import box_3d, labels, occlusion_level

W, H = 160, 96


def label_of(geometry, index=None):
    index = np.zeros((H, W), np.uint16) if index is None else index
    found = labels(
        geometry.objects(), index, geometry.camera_intrinsics(W, H), geometry.camera_pose()
    )
    return found[0]


@pytest.mark.parametrize(
    ("visibility", "level"), [(1, 0), (0.8, 0), (0.79, 1), (0.5, 1), (0.49, 2), (0.01, 2), (0, 3)]
)
def test_occlusion_levels(visibility, level):
    assert occlusion_level(visibility) == level


def test_visible_pixels_and_box_come_from_the_index_map(cube_geometry):
    cube_geometry.show(cube_scene({"y": 4.5, "size": 2.0}, height=1.0))
    index = np.zeros((H, W), np.uint16)
    index[40:50, 70:75] = 1
    label = label_of(cube_geometry, index)
    assert label.visible_pixels == 50
    assert label.visible_box == (70, 40, 75, 50)
    side = 2.0 * 80 / 3.5
    assert label.visibility == pytest.approx(50 / side**2, rel=0.05)
    assert label.occlusion == 2


def test_the_part_outside_the_frame_is_the_truncation(cube_geometry):
    cube_geometry.show(cube_scene({"x": 4.0, "y": 4.5}, height=0.5))
    label = label_of(cube_geometry)
    # f = 80. The front at 4 m spans columns 150..170 and rows 38..58; the left side runs back
    # to 5 m, column 136, where it is 16 px high. What lies beyond column 160 is cut off.
    assert label.amodal_box == pytest.approx((136, 38, 170, 58), abs=0.5)
    whole = 20 * 20 + 14 * (20 + 16) / 2
    assert label.truncation == pytest.approx(10 * 20 / whole, abs=0.03)


def test_a_cube_behind_the_camera_is_truncated_whole_and_has_no_boxes(cube_geometry):
    cube_geometry.show(cube_scene({"y": -4.5}))
    label = label_of(cube_geometry)
    assert (label.visible_box, label.amodal_box) == (None, None)
    assert (label.visibility, label.truncation, label.occlusion) == (0.0, 1.0, 3)


def test_a_tiny_far_cube_is_not_truncated(cube_geometry):
    cube_geometry.show(cube_scene({"y": 70.0, "size": 0.05}))
    assert label_of(cube_geometry).truncation == 0.0


def test_unlabelled_objects_have_no_label(cube_geometry):
    cube_geometry.show(cube_scene({}, {"x": 2}))
    items = [replace(cube_geometry.objects()[0], index=0), cube_geometry.objects()[1]]
    k, pose = cube_geometry.camera_intrinsics(W, H), cube_geometry.camera_pose()
    found = labels(items, np.zeros((H, W), np.uint16), k, pose)
    assert [label.node for label in found] == ["cube_1"]


@pytest.mark.parametrize(
    ("yaw", "rotation_y"), [(0, 0), (90, -np.pi / 2), (-90, np.pi / 2), (30, -np.pi / 6)]
)
def test_rotation_y_is_zero_along_camera_x_and_negative_away_from_us(
    cube_geometry, yaw, rotation_y
):
    cube_geometry.show(cube_scene({"yaw": yaw}))
    assert label_of(cube_geometry).box3d.rotation_y == pytest.approx(rotation_y, abs=1e-9)


def kitti_corners(box) -> np.ndarray:
    """3 x 8 corners in camera axes, as KITTI's development kit makes them."""
    c, s = np.cos(box.rotation_y), np.sin(box.rotation_y)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    half = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-1, 0) for z in (-0.5, 0.5)])
    corners = half * [box.length, box.height, box.width]
    return turn @ corners.T + np.array(box.location)[:, None]


def test_kitti_corners_of_a_level_camera_are_the_cubes_corners(cube_geometry):
    cube_geometry.show(cube_scene({"x": 2, "yaw": 35, "size": 1.7}))
    item, pose = cube_geometry.objects()[0], cube_geometry.camera_pose()
    ours = kitti_corners(box_3d(item, pose)).T
    true = (pose @ item.matrix @ np.c_[CORNERS, np.ones(8)].T)[:3].T
    gaps = np.linalg.norm(ours[:, None] - true[None], axis=2)
    assert gaps.min(axis=1).max() < 1e-6 and gaps.min(axis=0).max() < 1e-6


def test_the_location_projects_to_the_base_of_a_pitched_camera(cube_geometry):
    cube_geometry.show(cube_scene({"x": 1, "y": 8}, pitch=-10.0))
    item, pose = cube_geometry.objects()[0], cube_geometry.camera_pose()
    expected = (pose @ [1, 8, 0, 1])[:3]
    np.testing.assert_allclose(box_3d(item, pose).location, expected, atol=1e-9)
