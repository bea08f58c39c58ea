"""A camera model in ``metasim render`` and ``metasim generate``, as a user gives it."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from command_inputs import GRAMMAR, contents
from PIL import Image

from metasim_backend.cli import main

needs_bpy = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="bpy is not installed"
)
FLAT = {
    "version": 1,
    "domain": "mnist",
    "seed": 1,
    "nodes": [{"id": "a", "class": "scene", "parent": None, "attributes": {}}],
}


@pytest.fixture
def camera_file(tmp_path):
    path = tmp_path / "camera.yaml"
    path.write_text("camera_model: {exposure: -1.5, read_noise: 0.02}\n")
    return path


def test_a_flat_world_has_no_camera(tmp_path, capsys, camera_file):
    scene, out = tmp_path / "scene.json", tmp_path / "out"
    scene.write_text(json.dumps(FLAT))
    assert main(["render", str(scene), "-o", str(out), "--camera", str(camera_file)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "'mnist' is drawn without; leave exposure" in said
    assert not out.exists()


def test_a_wrong_camera_file_is_said_before_anything_is_written(tmp_path, capsys):
    camera, out = tmp_path / "camera.yaml", tmp_path / "out"
    camera.write_text("exposure: 1\nvignette: 3\n")
    arguments = ["generate", str(GRAMMAR), "-n", "1", "-o", str(out), "--camera", str(camera)]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "camera.yaml, line 2, vignette: " in said and "give 0 to 0.95 of the light" in said
    assert not out.exists()


@needs_bpy
def test_a_data_set_is_its_cameras_and_is_continued_by_no_other(tmp_path, capsys, camera_file):
    own = ["generate", str(GRAMMAR), "-n", "1", "--size", "64x48", "--samples", "1"]
    own += ["--workers", "1"]
    plain, seen = tmp_path / "plain", tmp_path / "seen"
    assert main([*own, "-o", str(plain)]) == 0
    first = contents(plain)
    assert main([*own, "-n", "2", "-o", str(plain), "--camera", str(camera_file)]) == 2
    assert str(plain) in capsys.readouterr().err
    assert contents(plain) == first
    assert main([*own, "-o", str(seen), "--camera", str(camera_file)]) == 0
    pictures = [
        np.asarray(Image.open(next((folder / "images").iterdir()))).astype(float)
        for folder in (plain, seen)
    ]
    # A stop and a half less light: about half the value in sRGB; and noise in the sky.
    assert 0.4 < pictures[1].mean() / pictures[0].mean() < 0.8
    roughness = [np.abs(np.diff(p[:8], axis=1)).mean() for p in pictures]
    assert roughness[1] > roughness[0] + 1
