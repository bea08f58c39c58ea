"""Touched pixels against points projected by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import CORNERS, cube_scene

from blender_addon.capture.touched_pixels import View, outlines, touched

W, H = 160, 96


def pixels_touched(geometry, scene, *moved):
    """The mask of some of a scene's cubes, by number."""
    geometry.show(scene)
    view = View(
        geometry.camera_intrinsics(W, H), geometry.camera_pose(), geometry.sun_direction(), W, H
    )
    drawn = outlines(geometry.objects(), view)
    return touched(drawn.take(moved), drawn, view)


def seen_at(geometry, points):
    """Columns and rows of the pixels that world points fall on, those in the frame."""
    seen = points @ geometry.camera_pose()[:3, :3].T + geometry.camera_pose()[:3, 3]
    seen = seen[seen[:, 2] > 0.1]
    pixels = seen @ geometry.camera_intrinsics(W, H).T
    column, row = np.floor(pixels[:, :2] / pixels[:, 2:]).astype(int).T
    inside = (column >= 0) & (column < W) & (row >= 0) & (row < H)
    return column[inside], row[inside]


def corners_of(geometry, number):
    return (geometry.objects()[number].matrix @ np.c_[CORNERS, np.ones(8)].T)[:3].T


def mixed(points):
    """2000 points of the hull of a few."""
    return np.random.default_rng(0).dirichlet(np.full(len(points), 0.5), 2000) @ points


@pytest.mark.parametrize("elevation", [8, 35, 75])
@pytest.mark.parametrize("azimuth", [0, 100, 200, 300])
def test_the_cube_and_its_shadow_are_touched(cube_geometry, azimuth, elevation):
    scene = cube_scene(
        {"x": 1, "y": 7, "yaw": 20, "size": 1.5}, sun_azimuth=azimuth, sun_elevation=elevation
    )
    mask = pixels_touched(cube_geometry, scene, 0)
    corners, sun = corners_of(cube_geometry, 0), cube_geometry.sun_direction()
    shadow = corners - corners[:, 2:] / sun[2] * sun
    for points in (corners, shadow):
        column, row = seen_at(cube_geometry, mixed(points))
        assert mask[row, column].all()
    assert mask.any() and mask.mean() < 0.6


def test_what_the_shadow_falls_on_is_touched(cube_geometry):
    # A tall cube throws its shadow to the right, on another one's side and top.
    scene = cube_scene(
        {"x": -4, "y": 9, "size": 3}, {"x": 0, "y": 9, "size": 1}, sun_azimuth=90, sun_elevation=30
    )
    mask = pixels_touched(cube_geometry, scene, 0)
    column, row = seen_at(cube_geometry, mixed(corners_of(cube_geometry, 1)))
    assert len(row) and mask[row, column].all()
    # Alone, the air above the ground's shadow stays untouched.
    alone = pixels_touched(cube_geometry, cube_scene({"x": -4, "y": 9, "size": 3}, sun_azimuth=90,
                                                     sun_elevation=30), 0)  # fmt: skip
    assert not alone[row, column].all()


def test_a_shell_holds_every_vertex_of_its_mesh(cube_geometry):
    rng = np.random.default_rng(3)
    cube_geometry.show(cube_scene({"x": 2, "y": 8, "yaw": 33, "size": 2}))
    (item,) = cube_geometry.objects()
    cone = rng.normal(size=(300, 3)).astype(np.float32) * 0.2
    cone[:, :2] *= 1 + np.abs(cone[:, 2:])
    item = dataclasses.replace(item, vertices=cone)
    view = View(cube_geometry.camera_intrinsics(W, H), cube_geometry.camera_pose(),
                cube_geometry.sun_direction(), W, H)  # fmt: skip
    drawn = outlines([item], view)
    column, row = seen_at(cube_geometry, cone @ item.matrix[:3, :3].T + item.matrix[:3, 3])
    assert len(row) > 100
    assert ((drawn.body[0, 0, row] <= column) & (column < drawn.body[0, 1, row])).all()


def test_a_shadow_that_reaches_in_from_behind_touches_pixels(cube_geometry):
    # The sun stands behind the camera; the cube is behind it too, its shadow falls before us.
    scene = cube_scene({"y": -2, "size": 2}, sun_azimuth=180, sun_elevation=15)
    assert pixels_touched(cube_geometry, scene, 0).any()


def test_what_lies_behind_with_its_shadow_touches_nothing(cube_geometry):
    scene = cube_scene({"y": -20, "size": 2}, sun_azimuth=0, sun_elevation=30)
    assert not pixels_touched(cube_geometry, scene, 0).any()


def test_what_lies_beside_the_frame_touches_nothing(cube_geometry):
    scene = cube_scene({"x": 40, "y": 10, "size": 2}, sun_azimuth=90, sun_elevation=60)
    assert not pixels_touched(cube_geometry, scene, 0).any()
