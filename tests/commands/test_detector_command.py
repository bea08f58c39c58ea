"""``metasim detector`` and ``metasim content``: from a grammar to chosen streets; mistakes are said
before any work."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_inputs import GRAMMAR, contents
from drawn_streets import DrawnStreets, draw_street
from PIL import Image

from metasim_backend.cli import main
from metasim_backend.training import street_detector
from metasim_backend.training.content import content_choice, reading
from metasim_backend.training.content.box_counts import PictureBoxes
from metasim_backend.worlds import registry

TRAIN = ["detector", "train", str(GRAMMAR), "--streets", "6", "--size", "96x64", "--weights",
         "none", "--json"]  # fmt: skip


@pytest.fixture
def renderer(monkeypatch):
    drawn = DrawnStreets()
    monkeypatch.setattr(registry, "open_renderer", lambda *_, **__: drawn)
    monkeypatch.setattr(street_detector, "CALIBRATING", 2)
    monkeypatch.setattr(street_detector, "KEPT_STEPS", 1)
    monkeypatch.setattr(content_choice, "CANDIDATES", 3)
    return drawn


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(12):
        frame = draw_street(np.random.default_rng(number), 96, 64)
        Image.fromarray(frame.image).save(folder / f"{number}.png")
    return folder


def test_a_detector_is_trained_looks_at_photographs_and_streets_are_chosen(
    renderer, photographs, labelled, tmp_path, capsys, monkeypatch
):
    detector = tmp_path / "car.pt"
    assert main([*TRAIN, "-o", str(detector), "--steps", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["steps"] == 2 and told["weights"] == "none (random)" and renderer.rendered == 8

    # Two more steps go on from the streets and the state that are there.
    assert main([*TRAIN, "-o", str(detector), "--steps", "4", "--force"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 4 and renderer.rendered == 8

    seen = tmp_path / "seen"
    predict = ["detector", "predict", str(detector), str(photographs), "-o", str(seen), "--json"]
    assert main([*predict, "--score", "0.05"]) == 0
    told = json.loads(capsys.readouterr().out)
    listed = json.loads((seen / "detections.json").read_text())
    assert told["pictures"] == len(listed["images"]) == 12
    assert told["objects"] == len(listed["annotations"])
    assert {one["category_id"] for one in listed["annotations"]} <= {1}
    assert len(list((seen / "pictures").glob("*.png"))) == 12

    assert main(["detector", "score", str(detector), str(labelled), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["pictures"] == 2 and 0 <= scores["all"]["AP@0.7, 40 recalls"] <= 1
    assert scores["easy"]["AP@0.5, 11 recalls"] is None  # COCO's files have no levels
    assert main(["detector", "score", str(detector), str(labelled)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[1].split()[0] == "all" and len(said[1].split()) == 7

    onnx = tmp_path / "car.onnx"
    export = ["detector", "export", str(detector), "--onnx", str(onnx)]
    assert main(export) == 0 and str(onnx) in capsys.readouterr().out
    assert main(export) == 2 and "already there" in capsys.readouterr().err

    # A detector of four steps sees nothing.
    boxes = [
        PictureBoxes(np.array([[10.0, 20, 30, 40], [60 + n, 20, 90, 50]]), 96, 64)
        for n in range(12)
    ]
    content = tmp_path / "content.json"
    learn = ["content", str(GRAMMAR), str(detector), str(photographs), "-o", str(content),
             "--scenes", "60", "--json"]  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(reading, "read_photographs", lambda *_: boxes)
        assert main(learn) == 0
        told = json.loads(capsys.readouterr().out)
        # Of one candidate nothing can be chosen, and that is said.
        patched.setattr(content_choice, "CANDIDATES", 1)
        assert main([*learn[:-1], "--force"]) == 0
        said = capsys.readouterr().out
        assert "boxes" in said and "a street is chosen out of 1:" in said
    assert told["seen"] == 12 and len(told["before"]) == len(told["names"])

    data, plain = tmp_path / "data", tmp_path / "plain"
    generate = ["generate", str(GRAMMAR), "-n", "2", "--size", "96x64", "--json", "-o"]
    assert main([*generate, str(data), "--content", str(content)]) == 0
    assert main([*generate, str(plain)]) == 0
    name = "images/000000.png"
    assert contents(data)[name] != contents(plain)[name]  # another street
    # A data set is gone on with by the same choice only.
    assert main([*generate, str(data)]) == 2
    assert "was begun with content" in capsys.readouterr().err


def test_mistakes_are_said_before_any_street_is_rendered(
    renderer, photographs, tmp_path, capsys, monkeypatch
):
    detector = tmp_path / "car.pt"
    aerial = str(GRAMMAR.with_name("aerial2d.yaml"))
    missing = str(tmp_path / "nothing")
    for arguments, words in (
        (["detector", "train", aerial, "-o", str(detector)], "nothing is detected"),
        ([*TRAIN, "-o", str(detector), "--weights", missing], "does not exist"),
        ([*TRAIN, "-o", str(detector), "--content", missing], "There is no content"),
        (["detector", "predict", missing, str(photographs), "-o", missing], "no detector"),
        (["content", str(GRAMMAR), missing, str(photographs), "-o", missing], "no detector"),
        (["content", aerial, missing, str(photographs), "-o", missing], "no streets"),
    ):
        assert main(arguments) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1
    assert renderer.rendered == 0

    assert main([*TRAIN, "-o", str(detector), "--steps", "1"]) == 0
    rendered = renderer.rendered
    other = [*TRAIN, "-o", str(detector), "--steps", "1", "--seed", "1", "--force"]
    assert main(other) == 2  # the folder of streets is another seed's
    assert "begun with" in capsys.readouterr().err and renderer.rendered == rendered
    few = tmp_path / "few"
    few.mkdir()
    (photographs / "0.png").rename(few / "0.png")
    learn = ["content", str(GRAMMAR), str(detector), str(few), "-o", missing]
    assert main(learn) == 2
    assert "there are 1" in capsys.readouterr().err
