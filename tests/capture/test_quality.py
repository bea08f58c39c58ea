"""Presets, bounces and the denoiser in Blender. Needs bpy."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import cube_scene

pytest.importorskip("bpy", reason="bpy is not installed")

from blender_addon.capture import differences, engines, picture  # noqa: E402
from blender_addon.contract.frames import AttributeStep, RenderSettings  # noqa: E402
from blender_addon.contract.presets import with_preset  # noqa: E402

SIZE = RenderSettings(96, 64, seed=7)
SCENE = cube_scene({"x": 0.6, "y": 5.0, "yaw": 25, "size": 2.0}, {"x": -2, "y": 8.0})
PROGRAM = """
import hashlib, json, os, sys
sys.path[:0] = {paths!r}
import bpy
from conftest import CubeStage
from test_quality import SCENE, SIZE
from blender_addon.capture import picture
from blender_addon.contract.presets import with_preset
stage = CubeStage(bpy)
stage.show(SCENE)
frame = picture.render(stage, with_preset(SIZE, "export"), threads={threads})
parts = {{n: getattr(frame, n).tobytes() for n in ("image", "index", "depth", "semantic")}}
print("DIGESTS" + json.dumps({{n: hashlib.sha256(b).hexdigest() for n, b in parts.items()}}))
sys.stdout.flush()
os._exit(0)
"""


def shown(stage, settings):
    stage.show(SCENE)
    return picture.render(stage, settings, threads=2)


def test_labels_are_the_same_in_every_preset(cube_stage):
    # The ray through a pixel's centre is computed from another size, and so rounded otherwise: in
    # SCENE an edge runs through a centre exactly, here none does.
    scene = cube_scene({"x": 0.613, "y": 5.07, "yaw": 23, "size": 1.93}, {"x": -2.03, "y": 8.11})
    frames = []
    for name in ("draft", "train", "export"):
        cube_stage.show(scene)
        frames.append(picture.render(cube_stage, with_preset(SIZE, name), threads=2))
    draft, *others = frames
    for other in others:
        np.testing.assert_array_equal(other.semantic, draft.semantic)
        np.testing.assert_array_equal(other.index, draft.index)
        np.testing.assert_allclose(other.depth, draft.depth, rtol=1e-3)
        assert other.labels == draft.labels


def test_traced_export_has_less_noise_than_traced_training_and_direct_light_has_none(cube_stage):
    # The ground before the cubes is evenly lit: what differs from pixel to pixel is noise.
    noise = {}
    for name, lighting in (("train", "traced"), ("export", "traced"), ("draft", "direct")):
        settings = with_preset(replace(SIZE, float_image=True), name)
        settings = replace(settings, lighting=lighting)
        ground = shown(cube_stage, settings).image[56:64, :30]
        noise[name] = np.abs(np.diff(ground, axis=1)).mean()
    assert noise["export"] < noise["train"] / 2, noise
    assert noise["draft"] < 1e-6, noise


def test_export_gives_the_same_bytes_in_two_processes():
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1])]
    digests = []
    for threads in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(paths=paths, threads=threads)],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        (line,) = [x for x in done.stdout.splitlines() if x.startswith("DIGESTS")]
        digests.append(json.loads(line[7:]))
    assert digests[0] == digests[1]


def test_direct_light_alone_is_darker_in_the_shade(cube_stage):
    settings = replace(SIZE, samples=16, float_image=True, lighting="traced")
    direct = shown(cube_stage, replace(settings, bounces=0))
    bounced = shown(cube_stage, replace(settings, bounces=1))
    body = direct.index > 0
    assert bounced.image[body].mean() > direct.image[body].mean() + 0.005
    cycles = cube_stage.blender_scene.cycles
    assert (cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces) == (2, 1, 1)


def test_the_denoiser_smooths_one_picture_and_not_the_next(cube_stage):
    if not engines.has_denoiser():
        pytest.skip("this Blender has no denoiser")
    noisy = replace(SIZE, lighting="traced")
    plain = shown(cube_stage, noisy)
    smooth = shown(cube_stage, replace(noisy, denoise=True))
    again = shown(cube_stage, noisy)
    np.testing.assert_array_equal(plain.image, again.image)
    assert (plain.image != smooth.image).mean() > 0.05


def test_differences_are_taken_without_the_denoiser(cube_stage):
    steps = [AttributeStep("cube_0", "x", 0.5, 0.7)]
    noisy = replace(SIZE, lighting="traced")
    (plain,) = differences.differences(cube_stage, SCENE, steps, noisy, threads=2)
    asked = replace(noisy, denoise=True)
    (same,) = differences.differences(cube_stage, SCENE, steps, asked, threads=2)
    assert same.window == plain.window
    np.testing.assert_array_equal(same.values, plain.values)


@pytest.mark.parametrize("lighting", ["direct", "traced"])
def test_maps_are_those_of_the_pixels_centres(cube_stage, lighting):
    one = shown(cube_stage, replace(SIZE, lighting=lighting, seed=3))
    other = shown(cube_stage, replace(SIZE, lighting="direct", seed=4))
    np.testing.assert_array_equal(one.index, other.index)
    np.testing.assert_array_equal(one.depth, other.depth)


def test_a_window_of_direct_light_is_a_part_of_the_frame(cube_stage):
    cube_stage.show(SCENE)
    for samples in (1, 4, 9):
        settings = replace(SIZE, samples=samples)
        picture.prepare(cube_stage, settings, threads=2)
        whole = picture.render_window(cube_stage, settings, None)
        for window in ((0, 0, 40, 30), (31, 17, 60, 64), (50, 2, 96, 50)):
            x0, y0, x1, y1 = window
            part = picture.render_window(cube_stage, settings, window)
            np.testing.assert_array_equal(part, whole[y0:y1, x0:x1])


def test_a_frame_says_what_rendered_it(cube_stage):
    assert shown(cube_stage, SIZE).rendered_by.startswith("cycles on cpu (found: cpu")
    auto = shown(cube_stage, replace(SIZE, device="auto")).rendered_by
    assert auto.startswith("cycles on ") and "auto" not in auto
