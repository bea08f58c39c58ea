"""Silhouettes of cubes against areas and boxes calculated by hand and pixel by pixel."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import CORNERS, TRIANGLES, cube_scene

from blender_addon.capture.silhouette import NEAR, silhouettes

W, H = 160, 96


def of(geometry, scene, width=W, height=H):
    geometry.show(scene)
    k, pose = geometry.camera_intrinsics(width, height), geometry.camera_pose()
    return silhouettes(geometry.objects(), k, pose, width, height)


def pixel_by_pixel(geometry, item, width, height) -> np.ndarray:
    """Coverage by testing every pixel centre against every triangle, for cubes before us."""
    k, pose = geometry.camera_intrinsics(width, height), geometry.camera_pose()
    return covered_by(CORNERS, TRIANGLES, k @ (pose @ item.matrix)[:3], width, height)


def covered_by(vertices, triangles, to_pixels, width, height) -> np.ndarray:
    seen = to_pixels @ np.c_[vertices, np.ones(len(vertices))].T
    u, v = seen[:2] / seen[2]
    y, x = np.mgrid[-height : 2 * height, -width : 2 * width] + 0.5
    covered = np.zeros(x.shape, bool)
    for a, b, c in triangles:
        sides = [
            (u[q] - u[p]) * (y - v[p]) - (v[q] - v[p]) * (x - u[p])
            for p, q in ((a, b), (b, c), (c, a))
        ]
        covered |= np.all([s >= 0 for s in sides], 0) | np.all([s <= 0 for s in sides], 0)
    return covered


def test_coverage_equals_a_pixel_by_pixel_test(cube_geometry):
    rng = np.random.default_rng(3)
    cubes = [
        {
            "x": rng.uniform(-9, 9),
            "y": rng.uniform(4, 15),
            "yaw": rng.uniform(0, 90),
            "size": rng.uniform(0.5, 3),
        }
        for _ in range(12)
    ]
    found = of(cube_geometry, cube_scene(*cubes, pitch=7.0))
    for n, item in enumerate(cube_geometry.objects()):
        expected = pixel_by_pixel(cube_geometry, item, W, H)
        assert found.whole[n] == expected.sum()
        assert found.inside[n] == expected[H : 2 * H, W : 2 * W].sum()


@pytest.mark.parametrize("mirrored", [False, True])
def test_triangles_that_face_any_way_and_share_edges_anyhow_cover_what_they_cover(mirrored: bool):
    rng = np.random.default_rng(5)
    k = np.array([[80.0, 0, 80], [0, 80, 48], [0, 0, 1]])
    pose = np.eye(4)
    matrix = np.diag([-1.0 if mirrored else 1.0, 1, 1, 1])
    objects = [
        SimpleNamespace(
            vertices=np.float32(rng.uniform((-5, -3, 2), (5, 3, 9), (12, 3))),
            triangles=np.stack([rng.permutation(12)[:3] for _ in range(20)]).astype(np.int32),
            matrix=matrix,
        )
        for _ in range(10)
    ]
    found = silhouettes(objects, k, pose, W, H)
    for n, item in enumerate(objects):
        expected = covered_by(item.vertices, item.triangles, k @ (pose @ matrix)[:3], W, H)
        assert found.whole[n] == expected.sum() > 0
        assert found.inside[n] == expected[H : 2 * H, W : 2 * W].sum()


def test_an_object_without_thickness_covers_what_it_covers():
    k = np.array([[80.0, 0, 80], [0, 80, 48], [0, 0, 1]])
    matrix = np.diag([1.0, 1, 0, 1])  # flat, seen from the front
    matrix[2, 3] = 4.0
    card = SimpleNamespace(
        vertices=np.float32(CORNERS), triangles=np.asarray(TRIANGLES, np.int32), matrix=matrix
    )
    found = silhouettes([card], k, np.eye(4), W, H)
    expected = covered_by(card.vertices, card.triangles, k @ matrix[:3], W, H)
    assert found.whole[0] == expected.sum() > 0


def test_a_facing_cube_has_the_area_and_box_of_its_front(cube_geometry):
    found = of(cube_geometry, cube_scene({"y": 4.5, "size": 1.0}, height=0.5))
    side = W / 2 / 4.0  # focal length / distance of the front face
    assert found.inside[0] == found.whole[0] == pytest.approx(side**2, abs=2 * side)
    np.testing.assert_allclose(found.boxes[0], [80 - 10, 48 - 10, 80 + 10, 48 + 10], atol=1e-5)


def test_a_cube_behind_the_camera_has_no_box_and_no_pixels(cube_geometry):
    found = of(cube_geometry, cube_scene({"y": -5.0}, {"y": 8.0}))
    assert np.isnan(found.boxes[0]).all() and found.whole[0] == 0
    assert found.whole[1] > 0 and np.isfinite(found.boxes[1]).all()


def test_a_cube_round_the_camera_fills_the_canvas(cube_geometry):
    found = of(cube_geometry, cube_scene({"y": 0.0, "size": 4.0}))
    assert found.inside[0] == W * H
    assert found.whole[0] == 9 * W * H


def test_near_clipping_cuts_at_the_near_plane(cube_geometry):
    # The cube's left side at x = 1 runs through the camera plane: seen from NEAR on.
    found = of(cube_geometry, cube_scene({"x": 1.5, "y": 0.0, "size": 1.0}, height=0.5))
    focal = W / 2
    np.testing.assert_allclose(
        found.boxes[0],
        [80 + focal * 1.0 / 0.5, 48 - focal * 0.5 / NEAR, 80 + focal * 2 / NEAR, 48 + 400],
        rtol=1e-5,
    )


def test_no_objects_give_empty_arrays(cube_geometry):
    found = of(cube_geometry, cube_scene())
    assert found.inside.shape == found.whole.shape == (0,) and found.boxes.shape == (0, 4)
