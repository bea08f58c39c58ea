"""``metasim render``: maps, passes, presets, and what it says of its engine."""

from __future__ import annotations

import importlib.util
import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from command_inputs import GRAMMAR, contents
from PIL import Image

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import save
from metasim_backend.cli import main
from metasim_backend.commands.options import render_settings
from metasim_backend.commands.render import chunk_size, default_settings
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


def options(**given) -> Namespace:
    names = (*("preset", "size", "samples", "engine", "device", "lighting", "bounces", "denoise"),)
    return Namespace(**{**dict.fromkeys(names), **given})


def test_frames_that_take_long_are_written_a_few_at_a_time():
    assert chunk_size(RenderSettings(160, 96, 1)) == 32
    assert chunk_size(RenderSettings(1242, 375, 64)) == 4
    assert chunk_size(RenderSettings(1242, 375, 4)) == 21


def test_a_preset_sets_quality_and_explicit_options_win():
    default = default_settings("driving")
    export = render_settings(options(preset="export", size="96x64"), default)
    assert (export.width, export.height, export.samples, export.bounces) == (96, 64, 9, 2)
    assert export.denoise
    own = options(preset="export", samples=3, denoise=False, bounces=5, engine="eevee")
    mixed = render_settings(own, default)
    assert (mixed.samples, mixed.denoise, mixed.bounces, mixed.engine) == (3, False, 5, "eevee")
    assert render_settings(options(preset="train"), default) == default
    assert render_settings(options(), RenderSettings(50, 40)) == RenderSettings(50, 40)


@pytest.mark.parametrize(("option", "names"), [
    (["--normals"], "--normals"), (["--flow"], "--flow"), (["--preset", "draft"], "--preset draft"),
])  # fmt: skip
def test_what_a_flat_world_lacks_is_refused_before_anything_is_written(
    tmp_path, capsys, option, names
):
    scene = tmp_path / "scene.json"
    scene.write_text(json.dumps(FLAT))
    assert main(["render", str(scene), "-o", str(tmp_path / "out"), *option]) == 2
    assert names in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_unknown_preset_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["render", "s.json", "-o", str(tmp_path / "out"), "--preset", "poster"])
    assert end.value.code == 2 and "poster" in capsys.readouterr().err


@needs_bpy
def test_scenes_become_pictures_with_all_their_maps(tmp_path, capsys):
    grammar = load_grammar(GRAMMAR)
    paths = []
    for seed in (11, 12):
        paths.append(tmp_path / f"{seed}.json")
        save(sample_scene(grammar, seed), paths[-1])
    out = tmp_path / "out"
    command = ["render", *map(str, paths), "-o", str(out), "--size", "96x64", "--workers", "1"]
    command += ["--preset", "draft"]
    assert main([*command, "--normals", "--flow"]) == 0
    engine, wrote = capsys.readouterr().out.splitlines()[-2:]
    assert engine.startswith("Rendered by cycles on cpu (found: cpu") and "2 labelled" in wrote
    everything = contents(out)
    names = ("instances", "depth", "semantic", "normals")
    for name in names:
        assert {f"{name}/000000.png", f"{name}/000001.png"} <= set(everything)
    # The last scene has none after it.
    assert [n for n in everything if n.startswith("flow/")] == ["flow/000000.png"]
    semantic = opened(out / "semantic/000000.png")
    assert semantic.shape == (64, 96) and semantic.dtype == np.uint8
    index = opened(out / "instances/000000.png")
    assert (semantic[0] == 23).any() and (index > 0).any()
    assert np.isin(semantic[index > 0], (24, 26)).all()  # persons, cars and vans
    assert opened(out / "flow/000000.png").shape == (64, 96, 3)

    # Again, without the passes: the same pictures, and none of the old maps is left.
    assert main([*command, "--force", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["maps"] == ["instances", "depth", "semantic"]
    assert answer["rendered_by"] == [engine.removeprefix("Rendered by ").removesuffix(".")]
    again = contents(out)
    assert not any(name.startswith(("normals", "flow")) for name in again)
    for name, data in again.items():
        assert everything[name] == data, name


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)
