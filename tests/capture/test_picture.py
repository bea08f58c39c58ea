"""Pictures of cubes against geometry calculated by hand. Needs bpy."""

from __future__ import annotations

import os

import numpy as np
import pytest
from conftest import CORNERS, cube_scene

pytest.importorskip("bpy", reason="bpy is not installed")

from blender_addon.capture import engines, picture  # noqa: E402
from blender_addon.contract.frames import (  # noqa: E402
    RenderSettings,
    RenderSettingsError,
    frame_from_message,
    frame_to_message,
)

SETTINGS = RenderSettings(width=160, height=96, samples=1, seed=5)


def show(stage, *cubes, **world):
    stage.show(cube_scene(*cubes, **world))
    return picture.render(stage, SETTINGS, threads=2)


def test_a_frame_has_its_shapes_and_types_and_passes_the_wire(cube_stage):
    frame = frame_from_message(*frame_to_message(show(cube_stage, {})))
    assert frame.image.shape == (96, 160, 3) and frame.image.dtype == np.uint8
    assert frame.index.dtype == np.uint16 and frame.depth.dtype == np.float32
    assert frame.size == (160, 96) and frame.labels[0].node == "cube_0"
    assert frame.mask(frame.labels[0]).sum() == frame.labels[0].visible_pixels > 0


def test_depth_is_metres_along_the_optical_axis_and_infinite_in_the_sky(cube_stage):
    # A wide facing cube away from the axis: its front is at one planar depth, not one distance.
    frame = show(cube_stage, {"x": 3.0, "y": 6.0, "size": 4.0})
    front = frame.index == 1
    inner = np.zeros_like(front)
    inner[40:66, 112:146] = True
    assert (front & inner).sum() == inner.sum()
    np.testing.assert_allclose(frame.depth[inner], 4.0, atol=0.01)
    assert np.isinf(frame.depth[:10, :20]).all()


def test_ground_depth_follows_from_the_cameras_height(cube_stage):
    frame = show(cube_stage, {"y": -50})
    rows = np.arange(80, 96)
    # A sample may lie up to 0.75 px from its pixel's centre.
    near, far = (80 * 1.5 / (rows + 0.5 - 48 + d) for d in (0.75, -0.75))
    for depth, low, high in zip(frame.depth[rows], near, far, strict=True):
        assert (depth >= low - 0.01).all() and (depth <= high + 0.01).all()


def test_projected_corners_bound_the_mask(cube_stage):
    frame = show(cube_stage, {"x": -1.5, "y": 5, "yaw": 25, "size": 2}, pitch=-6.0)
    matrix = cube_stage.objects()[0].matrix
    seen = (frame.pose @ matrix @ np.c_[CORNERS, np.ones(8)].T)[:3]
    u, v = (frame.intrinsics @ seen)[:2] / seen[2]
    box = (u.min(), v.min(), u.max(), v.max())
    label = frame.labels[0]
    assert label.amodal_box == pytest.approx(box, abs=0.5)
    assert label.visible_box == pytest.approx(box, abs=1.0)
    assert label.visibility > 0.97 and label.truncation == 0 and label.occlusion == 0


def test_a_cube_before_a_cube_hides_what_it_covers(cube_stage):
    # Front faces at 4 m and 9 m, bases on the ground, camera at 1.5 m.
    frame = show(cube_stage, {"y": 4.5, "size": 1.0}, {"y": 10.0, "size": 2.0})
    near, far = frame.labels
    assert near.visibility > 0.97
    # The far one spans rows 48 - 0.5 * f/9 .. 48 + 1.5 * f/9 and +-1 * f/9 columns; the near
    # one begins at row 48 + 0.5 * f/4.5 (the back edge of its top is nearer to the horizon).
    f = 80.0
    top, bottom, half = 48 - 0.5 * f / 9, 48 + 1.5 * f / 9, f / 9
    hidden = (bottom - (48 + 0.5 * f / 5)) * 2 * half
    whole = (bottom - top) * 2 * half
    assert far.visibility == pytest.approx(1 - hidden / whole, abs=0.08)
    assert far.amodal_box == pytest.approx((80 - half, top, 80 + half, bottom), abs=0.5)
    assert far.occlusion == 1


def test_a_cube_that_leaves_the_frame_is_truncated_but_visible(cube_stage):
    frame = show(cube_stage, {"x": 4.5, "y": 4.5, "size": 1.0})
    label = frame.labels[0]
    assert label.amodal_box[2] > 160 and label.visible_box[2] == 160
    assert 0.1 < label.truncation < 0.9 and label.visibility > 0.9


def test_a_cube_behind_the_camera_is_labelled_invisible(cube_stage):
    frame = show(cube_stage, {"y": -6.0}, {"y": 6.0})
    behind = frame.labels[0]
    assert behind.visible_pixels == 0 and behind.visible_box is None
    assert behind.amodal_box is None and behind.occlusion == 3


def test_touching_cubes_share_an_edge_and_no_pixel(cube_stage):
    frame = show(cube_stage, {"x": -0.5, "y": 4.5}, {"x": 0.5, "y": 4.5})
    left, right = frame.labels
    assert left.visible_box[2] == pytest.approx(80, abs=1)
    assert right.visible_box[0] == pytest.approx(80, abs=1)
    assert left.visibility > 0.95 and right.visibility > 0.95


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("window", [(13, 41, 57, 77), (50, 40, 51, 41), (100, 3, 160, 96)])
def test_a_border_render_is_the_full_frame_cut_bit_for_bit(cube_stage, samples, window):
    settings = RenderSettings(width=160, height=96, samples=samples, seed=2)
    cube_stage.show(cube_scene({"y": 5}, {"x": -3, "y": 6, "yaw": 20, "size": 2}))
    picture.prepare(cube_stage, settings, threads=2)
    whole = picture.render_window(cube_stage, settings, None)
    part = picture.render_window(cube_stage, settings, window)
    x0, y0, x1, y1 = window
    np.testing.assert_array_equal(part, whole[y0:y1, x0:x1])


def test_every_window_of_an_odd_frame_has_the_size_asked_for(cube_stage):
    settings = RenderSettings(width=53, height=37)
    cube_stage.show(cube_scene({"y": 5}))
    picture.prepare(cube_stage, settings, threads=1)
    for n in range(37):
        window = (n, n, 53 - (36 - n) // 2, 37)
        part = picture.render_window(cube_stage, settings, window)
        assert part.shape == (window[3] - n, window[2] - n, 3)


def test_the_same_seed_gives_the_same_picture_and_of_traced_light_another_another(cube_stage):
    cube_stage.show(cube_scene({"y": 5}))
    for lighting in ("direct", "traced"):
        settings = RenderSettings(seed=5, lighting=lighting)
        first = picture.render(cube_stage, settings, threads=1).image
        again = picture.render(cube_stage, settings, threads=2).image
        other = picture.render(cube_stage, RenderSettings(seed=6, lighting=lighting), threads=2)
        np.testing.assert_array_equal(first, again)
        changed = (first != other.image).mean()
        assert changed > 0.01 if lighting == "traced" else changed == 0


def test_uint8_is_the_rounded_float_image(cube_stage):
    cube_stage.show(cube_scene({"y": 5}))
    floats = picture.render(cube_stage, RenderSettings(float_image=True), threads=2).image
    bytes_ = picture.render(cube_stage, RenderSettings(), threads=2).image
    assert floats.dtype == np.float32 and floats.min() >= 0 and floats.max() <= 1
    np.testing.assert_array_equal(bytes_, np.floor(floats * 255 + 0.5))


def test_the_srgb_curve_at_known_points():
    linear = np.array([-1, 0, 0.001, 0.0031308, 0.2140411, 0.5, 1, 7], np.float32)
    expected = [0, 0, 0.01292, 0.04045, 0.5, 0.735357, 1, 1]
    np.testing.assert_allclose(picture.srgb(linear), expected, atol=2e-5)


def test_an_unknown_engine_or_device_is_named(cube_stage):
    cube_stage.show(cube_scene({}))
    with pytest.raises(RenderSettingsError, match="'povray'"):
        picture.render(cube_stage, RenderSettings(engine="povray"))
    with pytest.raises(RenderSettingsError, match="'abacus'"):
        picture.render(cube_stage, RenderSettings(device="abacus"))
    assert engines.capabilities().devices[0] == "cpu"


def test_no_file_is_left_behind(cube_stage):
    show(cube_stage, {})
    left = [p for p in picture._folder().iterdir() if p.name.startswith(f"metasim-{os.getpid()}-")]
    assert left == []
