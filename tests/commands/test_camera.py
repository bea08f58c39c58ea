"""A camera model in ``metasim render`` and ``metasim generate``, as a user gives it."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from command_inputs import GRAMMAR, contents
from PIL import Image

from blender_addon.contract.scene_graph import save
from metasim_backend.cli import main
from metasim_backend.grammar.reading import load_grammar
from metasim_backend.grammar.sampling import sample_scene

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
def test_pictures_are_the_cameras_the_same_each_time_and_a_data_set_keeps_its_camera(
    tmp_path, capsys, camera_file
):
    scene = tmp_path / "scene.json"
    save(sample_scene(load_grammar(GRAMMAR), 3), scene)
    small = ["--size", "64x48", "--samples", "1", "--workers", "1"]
    with_camera = [*small, "--camera", str(camera_file)]
    assert main(["render", str(scene), "-o", str(tmp_path / "plain"), *small]) == 0
    assert main(["render", str(scene), "-o", str(tmp_path / "seen"), *with_camera]) == 0
    plain, seen = (
        np.asarray(Image.open(next((tmp_path / name / "images").iterdir()))).astype(float)
        for name in ("plain", "seen")
    )
    # A stop and a half less light: about half the value in sRGB.
    assert 0.4 < seen.mean() / plain.mean() < 0.8
    sky = (slice(0, 8), slice(0, 64))
    assert seen[sky].std(1).mean() > plain[sky].std(1).mean() + 2  # noise

    data, own = tmp_path / "data", ["generate", str(GRAMMAR), "-n", "1"]
    assert main([*own, "-o", str(data), *with_camera]) == 0
    first = contents(data)
    capsys.readouterr()
    assert main([*own[:-1], "2", "-o", str(data), *small]) == 2
    assert str(data) in capsys.readouterr().err
    assert contents(data) == first
    assert main([*own, "-o", str(tmp_path / "again"), *with_camera]) == 0
    again = contents(tmp_path / "again")
    pictures = [name for name in first if name.startswith("images/")]
    assert pictures and all(first[name] == again[name] for name in pictures)
