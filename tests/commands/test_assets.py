"""``metasim assets check``: models are shown from four sides, and what is wrong is told of all."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from metasim_backend.cli import main

BOX_FACES = ["f 1 2 4 3", "f 5 7 8 6", "f 1 5 6 2", "f 3 4 8 7", "f 1 3 7 5", "f 2 6 8 4"]


def box(path, size):
    """A box of (x, y, z) metres with z up."""
    x, y, z = (half / 2 for half in size)
    lines = [f"v {a * x} {b * y} {c * z}" for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]
    path.write_text("\n".join([*lines, *BOX_FACES]) + "\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("METASIM_ASSETS", "")  # which the command changes
    box(tmp_path / "long.obj", (4.5, 1.8, 1.5))
    box(tmp_path / "across.obj", (1.8, 4.5, 1.5))
    box(tmp_path / "figure.obj", (0.4, 0.6, 1.0))
    entries = [
        {"name": "long", "class": "car", "file": "long.obj", "length": 4.5, "width": 1.8},
        {"name": "across", "class": "car", "file": "across.obj", "length": 4.5, "width": 1.8},
        {"name": "figure", "class": "person", "file": "figure.obj"},
    ]
    entries = [entry | {"up": "z"} for entry in entries]
    (tmp_path / "catalogue.json").write_text(json.dumps({"assets": entries}))
    return tmp_path


def test_models_are_shown_measured_and_the_wrong_one_is_named(folder, capsys):
    pytest.importorskip("bpy", reason="needs Blender's bpy module")
    output = folder / "sheet.png"
    code = main(["assets", "check", str(folder), "-o", str(output), "--json", "--workers", "1"])
    assert code == 1  # one of them is wrong
    long, across, figure = json.loads(capsys.readouterr().out)["models"]
    assert long["metres"] == pytest.approx([4.5, 1.8, 1.5], abs=0.01)
    assert figure["metres"][2] == pytest.approx(1.7, abs=0.01)
    assert (
        across["problem"].startswith("The car 'across' of") and "set turn to" in across["problem"]
    )
    sheet = np.asarray(Image.open(output).convert("RGB"))
    assert sheet.shape[1] > 4 * 320 and sheet.shape[0] > 2 * 192
    # Seen from the side it is wider than from the back.
    tiles = [sheet[6 : 6 + 192, 6 + n * 326 : 6 + n * 326 + 320].astype(int) for n in range(4)]
    back, left, front, right = tiles
    assert np.abs(back - front).mean() < np.abs(back - left).mean()
    assert np.abs(left - right).mean() < np.abs(back - left).mean()


def test_a_folder_without_models_is_refused(tmp_path, capsys):
    (tmp_path / "catalogue.json").write_text('{"assets": []}')
    assert main(["assets", "check", str(tmp_path), "-o", str(tmp_path / "sheet.png")]) == 2
    assert "has no model with a file" in capsys.readouterr().err
