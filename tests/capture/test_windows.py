"""Windows against points projected by hand, and grouping against its promises."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import CORNERS, cube_scene

from blender_addon.capture.windows import (
    EMPTY,
    View,
    area,
    group,
    overlap,
    union,
    window_of,
)

W, H = 160, 96


def window(geometry, scene):
    geometry.show(scene)
    view = View(
        geometry.camera_intrinsics(W, H), geometry.camera_pose(), geometry.sun_direction(), W, H
    )
    return window_of(geometry.objects(), view)


@pytest.mark.parametrize("elevation", [8, 35, 75])
@pytest.mark.parametrize("azimuth", [0, 100, 200, 300])
def test_a_window_holds_the_cube_and_its_shadow(cube_geometry, azimuth, elevation):
    scene = cube_scene(
        {"x": 1, "y": 7, "yaw": 20, "size": 1.5}, sun_azimuth=azimuth, sun_elevation=elevation
    )
    x0, y0, x1, y1 = window(cube_geometry, scene)
    corners = (cube_geometry.objects()[0].matrix @ np.c_[CORNERS, np.ones(8)].T)[:3].T
    sun = cube_geometry.sun_direction()
    shadow = corners - corners[:, 2:] / sun[2] * sun
    rng = np.random.default_rng(0)
    mix = rng.dirichlet(np.ones(16), 2000) @ np.concatenate([corners, shadow])
    seen = mix @ cube_geometry.camera_pose()[:3, :3].T + cube_geometry.camera_pose()[:3, 3]
    seen = seen[seen[:, 2] > 0.1]
    pixels = seen @ cube_geometry.camera_intrinsics(W, H).T
    u, v = (pixels[:, :2] / pixels[:, 2:]).T
    inside = (u > 0) & (u < W) & (v > 0) & (v < H)
    assert inside.any()
    assert ((u >= x0) & (u <= x1) & (v >= y0) & (v <= y1))[inside].all()


def test_a_shadow_that_reaches_in_from_behind_makes_a_window(cube_geometry):
    # The sun stands behind the camera; the cube is behind it too, its shadow falls before us.
    scene = cube_scene({"y": -2, "size": 2}, sun_azimuth=180, sun_elevation=15)
    assert area(window(cube_geometry, scene)) > 0


def test_what_lies_behind_with_its_shadow_has_an_empty_window(cube_geometry):
    scene = cube_scene({"y": -20, "size": 2}, sun_azimuth=0, sun_elevation=30)
    assert window(cube_geometry, scene) == EMPTY


def test_what_lies_beside_the_frame_has_an_empty_window(cube_geometry):
    scene = cube_scene({"x": 40, "y": 10, "size": 2}, sun_azimuth=90, sun_elevation=60)
    assert window(cube_geometry, scene) == EMPTY


def test_union_overlap_and_area():
    assert union([EMPTY, (1, 2, 5, 6), (3, 0, 4, 9)]) == (1, 0, 5, 9)
    assert union([EMPTY]) == EMPTY and area(EMPTY) == 0
    assert overlap((0, 0, 5, 5), (4, 4, 9, 9)) and not overlap((0, 0, 5, 5), (5, 0, 9, 5))


def test_groups_hold_each_step_once_and_no_overlap_and_no_kin():
    rng = np.random.default_rng(1)
    windows, kin = [], []
    for n in range(60):
        x, y = rng.integers(0, 140), rng.integers(0, 80)
        windows.append((int(x), int(y), int(x + rng.integers(2, 20)), int(y + 10)))
        kin.append(frozenset({f"node_{n % 20}"}))
    windows[7] = EMPTY
    groups = group(windows, kin, call_pixels=2000)
    members = [m for g in groups for m in g.members]
    assert sorted(members) == [n for n in range(60) if n != 7]
    for g in groups:
        assert g.window == union([windows[m] for m in g.members])
        for i, a in enumerate(g.members):
            for b in g.members[i + 1 :]:
                assert not overlap(windows[a], windows[b]) and not kin[a] & kin[b]
    assert len(groups) < 30


def test_far_windows_stay_apart_when_calls_are_cheap():
    windows = [(0, 0, 5, 5), (150, 90, 155, 95)]
    kin = [frozenset("a"), frozenset("b")]
    assert len(group(windows, kin, call_pixels=100)) == 2
    assert len(group(windows, kin, call_pixels=1e6)) == 1
