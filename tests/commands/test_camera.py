"""A camera model in ``metasim render`` and ``metasim generate``, as a user gives it."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from command_inputs import GRAMMAR, contents, street_picture
from PIL import Image

from metasim_backend.cli import main
from metasim_backend.grammar.reading import load_grammar
from metasim_backend.grammar.reading_camera import load_camera_file

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


def photographs(folder, count):
    folder.mkdir()
    for i in range(count):
        Image.fromarray(street_picture(i)).save(folder / f"{i}.png")
    return folder


def test_what_cannot_be_fitted_is_refused_before_anything_is_rendered(tmp_path, capsys):
    enough, few = photographs(tmp_path / "enough", 4), photographs(tmp_path / "few", 3)
    there, flat = tmp_path / "there.yaml", GRAMMAR.parent / "mnist_rotation.yaml"
    there.write_text("mine")
    out = ["-o", str(tmp_path / "camera.yaml")]
    for arguments, said in (
        ([str(tmp_path / "absent"), *out], "absent"),
        ([str(few), *out], "few has 3 photographs; a camera is fitted to at least 4"),
        ([str(enough), "-n", "2", *out], "--count 2 is too few renders"),
        ([str(enough), "--size", "big", *out], "--size 'big'"),
        ([str(enough), "-o", str(there)], "there.yaml is already there; replace it with --force"),
        ([str(enough), "-o", str(tmp_path)], "is a folder"),
        ([str(enough), "--grammar", str(flat), *out], "'mnist' has no linear light"),
    ):
        assert main(["camera", "fit", *arguments]) == 2, arguments
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1, error
    assert there.read_text() == "mine"
    assert not (tmp_path / "camera.yaml").exists()


@needs_bpy
def test_a_fitted_camera_is_printed_and_can_be_used(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("metasim_backend.camera.fitting.tones.STEPS", 15)  # enough to be another
    folder, out = photographs(tmp_path / "photographs", 6), tmp_path / "camera.yaml"
    arguments = ["camera", "fit", str(folder), "-o", str(out), "-n", "4", "--workers", "1"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "exposure" in said and "stops" in said and "with --camera" in said
    camera = load_camera_file(out)
    assert not camera.is_identity
    # A scene file with the block pasted into it is read.
    pasted = tmp_path / "scene.yaml"
    pasted.write_text(f"extends: {GRAMMAR}\n{out.read_text()}")
    assert load_grammar(pasted).camera_model == camera


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
