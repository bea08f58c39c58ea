"""Labels of rendered cubes against areas, boxes and places calculated by hand. Needs bpy.

The camera stands at height h over the origin and looks along +Y without pitch; a point (X, Y, Z) of
the world is seen at

    u = W / 2 + f X / Y,    v = H / 2 + f (h - Z) / Y,    f = W / 2 / tan(fov / 2), fov = 90

which is written down here once more (``seen``) and shares no code with what is tested.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import CORNERS, cube_scene, matrix_of

pytest.importorskip("bpy", reason="bpy is not installed")

from blender_addon.capture import picture  # noqa: E402
from blender_addon.contract.frames import RenderSettings  # noqa: E402

W, H = 480, 288
F = W / 2
SETTINGS = RenderSettings(width=W, height=H, samples=1, seed=5)


def shown(stage, *cubes, **world):
    scene = cube_scene(*cubes, **world)
    stage.show(scene)
    return picture.render(stage, SETTINGS, threads=2)


def seen(points, height: float = 1.5) -> np.ndarray:
    """n x 2 pixels of n x 3 world points."""
    x, y, z = np.asarray(points, float).T
    return np.stack([W / 2 + F * x / y, H / 2 + F * (height - z) / y], axis=1)


def hull(points) -> np.ndarray:
    """The convex hull's corners in order (gift wrapping)."""
    points = [tuple(p) for p in points]
    start = here = min(points)
    corners = []
    while True:
        corners.append(here)
        there = next(p for p in points if p != here)
        for p in points:
            turn = (there[0] - here[0]) * (p[1] - here[1]) - (there[1] - here[1]) * (p[0] - here[0])
            if p != here and turn < 0:
                there = p
        here = there
        if here == start:
            return np.array(corners)


def area(polygon) -> float:
    """Shoelace formula."""
    if len(polygon) < 3:
        return 0.0
    x, y = np.asarray(polygon).T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def clipped(polygon, by) -> list:
    """A convex polygon cut by another (Sutherland and Hodgman)."""
    by = np.asarray(by)
    middle, out = by.mean(axis=0), [np.asarray(p) for p in polygon]
    for a, b in zip(by, np.roll(by, -1, axis=0), strict=True):
        normal = np.array([b[1] - a[1], a[0] - b[0]])
        normal = normal if normal @ (middle - a) > 0 else -normal
        into, out = out, []
        for p, q in zip(into, into[1:] + into[:1], strict=True):
            dp, dq = normal @ (p - a), normal @ (q - a)
            if dp >= 0:
                out.append(p)
            if (dp >= 0) != (dq >= 0):
                out.append(p + dp / (dp - dq) * (q - p))
    return out


def corners_of(stage, n: int) -> np.ndarray:
    """8 x 3 world corners of the n-th cube."""
    matrix = matrix_of(stage.scene.of_class("cube")[n])
    return CORNERS @ matrix[:3, :3].T + matrix[:3, 3]


def test_visibility_is_the_share_of_the_polygon_that_the_nearer_cube_leaves(cube_stage):
    """visibility = 1 - area(far hull within near hull) / area(far hull)."""
    frame = shown(
        cube_stage,
        {"x": -0.6, "y": 4.5, "yaw": 30, "size": 1.4},
        {"x": 0.4, "y": 9.0, "yaw": -20, "size": 2.5},
    )
    near, far = (hull(seen(corners_of(cube_stage, n))) for n in (0, 1))
    hidden = area(clipped(far, near)) / area(far)
    assert 0.2 < hidden < 0.8
    assert frame.labels[0].visibility == pytest.approx(1.0, abs=0.01)
    assert frame.labels[1].visibility == pytest.approx(1 - hidden, abs=0.01)
    assert frame.labels[1].visible_pixels == pytest.approx((1 - hidden) * area(far), rel=0.02)
    assert frame.labels[0].visible_pixels == pytest.approx(area(near), rel=0.02)


@pytest.mark.parametrize("cube", [
    {"x": -0.6, "y": 4.5, "yaw": 30, "size": 1.4},
    {"x": 3.0, "y": 12.0, "yaw": 70, "size": 2.0},
    {"x": 4.2, "y": 4.5, "yaw": 10, "size": 1.0},
])  # fmt: skip
def test_boxes_bound_the_projected_corners(cube_stage, cube):
    """amodal box = least and largest (u, v) of the corners; the visible box is cut to the frame.

    A mask's pixel is told by one sample within 3/4 pixel of its centre, so that the visible box
    can be off by that much more.
    """
    label = shown(cube_stage, cube).labels[0]
    pixels = seen(corners_of(cube_stage, 0))
    box = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])
    np.testing.assert_allclose(label.amodal_box, box, atol=0.5)
    np.testing.assert_allclose(label.visible_box, np.clip(box, 0, [W, H, W, H]), atol=1.25)


def test_truncation_is_the_share_of_the_polygon_outside_the_frame(cube_stage):
    """truncation = 1 - area(hull within the frame) / area(hull)."""
    label = shown(cube_stage, {"x": 4.2, "y": 4.5, "yaw": 25, "size": 1.2}).labels[0]
    whole = hull(seen(corners_of(cube_stage, 0)))
    inside = area(clipped(whole, [(0, 0), (W, 0), (W, H), (0, H)]))
    assert 0.1 < inside / area(whole) < 0.9
    assert label.truncation == pytest.approx(1 - inside / area(whole), abs=0.005)
    assert label.visibility == pytest.approx(1.0, abs=0.01)


def test_depth_at_the_pixel_centres_of_a_facing_side(cube_stage):
    """depth = Y of the side, metres along the optical axis, whatever the distance."""
    frame = shown(cube_stage, {"x": 2.0, "y": 7.0, "size": 2.0}, {"x": -2, "y": 41.0, "size": 4.0})
    for n, side in ((0, 6.0), (1, 39.0)):
        corners = corners_of(cube_stage, n)
        front = seen(corners[np.isclose(corners[:, 1], side)])
        (x0, y0), (x1, y1) = np.ceil(front.min(0) + 1).astype(int), (front.max(0) - 1).astype(int)
        depth = frame.depth[y0:y1, x0:x1]
        assert depth.size > 50
        np.testing.assert_allclose(depth, side, atol=0.01)


def test_depth_of_the_ground_is_that_of_a_sample_in_its_pixel(cube_stage):
    """depth = f h / (v - H / 2), at a v at most 3/4 pixel from the pixel's centre."""
    frame = shown(cube_stage, {"y": -50})
    rows = np.arange(H // 2 + 8, H)[:, None] + 0.5 - H / 2
    depth = frame.depth[H // 2 + 8 :]
    assert (depth >= F * 1.5 / (rows + 0.76) - 0.01).all()
    assert (depth <= F * 1.5 / (rows - 0.76) + 0.01).all()
    # On the whole there is no bias: samples lie about the centres.
    assert np.mean(F * 1.5 / depth - rows) == pytest.approx(0, abs=0.02)


def test_k_and_pose_put_depth_back_into_the_world(cube_stage):
    """X = P^-1 (z K^-1 (u, v, 1)): the ground comes out at height 0, the camera being pitched."""
    frame = shown(cube_stage, {"y": -50}, pitch=-9.0)
    rows, columns = np.mgrid[H - 60 : H, :W]
    pixels = np.stack([columns + 0.5, rows + 0.5, np.ones_like(rows)], axis=-1)
    rays = pixels @ np.linalg.inv(frame.intrinsics).T
    points = np.concatenate([rays * frame.depth[-60:, :, None], np.ones((60, W, 1))], axis=-1)
    world = points @ np.linalg.inv(frame.pose).T
    assert np.abs(world[..., 2]).max() < 0.05 and abs(world[..., 2].mean()) < 0.002
    assert (world[..., 1] > 0.5).all()


def test_a_cube_behind_the_camera_has_no_pixels_and_no_boxes(cube_stage):
    """Nothing before the camera plane: no boxes, visibility 0, truncation 1, and K's z below 0."""
    label = shown(cube_stage, {"y": -6.0}, {"y": 6.0}).labels[0]
    assert (label.visible_pixels, label.visible_box, label.amodal_box) == (0, None, None)
    assert (label.visibility, label.truncation, label.occlusion) == (0.0, 1.0, 3)
    assert label.box3d.location[2] == pytest.approx(-6.0)


def test_touching_cubes_meet_in_one_line_and_together_cover_their_hull(cube_stage):
    """The common side's column is u = W / 2; areas add up to the hull's of both."""
    frame = shown(cube_stage, {"x": -0.5, "y": 4.5}, {"x": 0.5, "y": 4.5})
    left, right = frame.labels
    assert left.visible_box[2] == pytest.approx(W / 2, abs=1)
    assert right.visible_box[0] == pytest.approx(W / 2, abs=1)
    both = hull(seen(np.concatenate([corners_of(cube_stage, n) for n in (0, 1)])))
    assert left.visible_pixels + right.visible_pixels == pytest.approx(area(both), rel=0.01)
    assert left.visibility == pytest.approx(1, abs=0.02)
    assert right.visibility == pytest.approx(1, abs=0.02)
    for label in (left, right):
        mask = frame.mask(label)
        ys, xs = np.nonzero(mask)
        assert (xs < W / 2 + 1).all() if label is left else (xs >= W / 2 - 1).all()


@pytest.mark.parametrize(("x", "y", "yaw"), [(1.0, 8.0, 0.0), (-2.0, 11.0, 35.0), (3.0, 9.0, -140)])
def test_kittis_seven_numbers_give_the_corners_that_the_picture_shows(cube_stage, x, y, yaw):
    """KITTI: corner = R_y(ry) (+-l/2, 0 or -h, +-w/2) + t, then p = K corner.

    The object's front is (cos yaw, sin yaw) in the world, so ry = -yaw before a level camera.
    """
    size = 1.7
    box = shown(cube_stage, {"x": x, "y": y, "yaw": yaw, "size": size}).labels[0].box3d
    assert (box.height, box.width, box.length) == pytest.approx((size,) * 3)
    assert box.location == pytest.approx((x, 1.5, y), abs=1e-5)
    assert math.cos(box.rotation_y + math.radians(yaw)) == pytest.approx(1.0)
    found = set()
    for along in (-1, 1):
        for up in (0, 1):
            for aside in (-1, 1):
                a, b = along * box.length / 2, aside * box.width / 2
                c, s = math.cos(box.rotation_y), math.sin(box.rotation_y)
                px, pz = box.location[0] + c * a + s * b, box.location[2] - s * a + c * b
                py = box.location[1] - up * box.height
                found.add((round(W / 2 + F * px / pz, 3), round(H / 2 + F * py / pz, 3)))
    wanted = {tuple(p) for p in seen(corners_of(cube_stage, 0)).round(3)}
    gaps = [min(math.dist(p, q) for q in found) for p in wanted]
    assert len(found) == len(wanted) == 8 and max(gaps) < 0.01
