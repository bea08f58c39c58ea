"""A user's mistake gives one sentence that names the thing and exit code 2; nothing is lost.

Nothing here starts Blender: a mistake must be found before that.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from command_inputs import GRAMMAR, contents
from PIL import Image

from metasim_backend.cli import main


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    """Run a command that must be refused; gives what it said."""
    monkeypatch.chdir(tmp_path)

    def check(*arguments: object, names: object = "") -> str:
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as end:  # argparse
            code = end.code
        said = capsys.readouterr()
        assert code == 2, said
        assert said.out == ""
        sentence = said.err
        assert sentence.startswith("metasim") and sentence.endswith(".\n")
        assert sentence.count("\n") == 1, sentence
        assert "Traceback" not in sentence
        assert str(names) in sentence, sentence
        return sentence

    return check


@pytest.fixture
def refused_training(refused, tmp_path, target):
    def check(*more: object, names: object = "", grammar: object = GRAMMAR, **folders) -> str:
        run = folders.get("run", tmp_path / "new-run")
        images = folders.get("target", target)
        said = refused("train", grammar, "--target", images, "--run", run, *more, names=names)
        assert not (tmp_path / "new-run").exists()
        return said

    return check


# The terminal and the system -------------------------------------------------------------------


def said_by(*arguments, **environment):
    command = [sys.executable, "-m", "metasim_backend", *arguments]
    process = subprocess.run(command, env=dict(os.environ, **environment), capture_output=True)
    return process.returncode, process.stdout, process.stderr


def test_a_terminal_that_lacks_a_sign_still_gets_the_text():
    code, said, complaint = said_by("settings", PYTHONIOENCODING="ascii")
    assert code == 0 and not complaint
    assert b"MMD\\xb2" in said


@pytest.mark.skipif(os.name != "posix", reason="names are text there")
def test_a_name_that_is_not_utf8_is_said(tmp_path):
    name = os.fsencode(tmp_path) + b"/street\xff"
    code, said, complaint = said_by("train", GRAMMAR, "--target", name, "--run", tmp_path / "run")
    assert code == 2 and not said
    assert b"street\\udcff does not exist" in complaint and complaint.count(b"\n") == 1


@pytest.mark.parametrize("address", ["::1:5000", "[::1:5000", "host", "host:70000"])
def test_an_address_of_another_form(refused, address, monkeypatch):
    monkeypatch.setenv("METASIM_TOKEN", "secret")
    said = refused("worker", "--connect", address, names=address)
    assert "[IPV6]:PORT" in said


# Targets --------------------------------------------------------------------------------------


def test_a_target_of_one_colour(refused_training, tmp_path):
    white = tmp_path / "white"
    white.mkdir()
    for number in range(12):
        Image.new("RGB", (96, 64), (255, 255, 255 - number)).save(white / f"{number}.png")
    said = refused_training(target=white, names=white)
    assert "of one colour" in said


def test_a_missing_target_folder(refused_training, tmp_path):
    refused_training(target=tmp_path / "nowhere", names=tmp_path / "nowhere")


def test_an_empty_target_folder(refused_training, tmp_path):
    (tmp_path / "empty").mkdir()
    refused_training(target=tmp_path / "empty", names=tmp_path / "empty")


def test_too_few_target_pictures(refused_training, target):
    for i in range(6):
        (target / f"{i}.png").unlink()
    refused_training(names="4 images")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut"])
def test_a_corrupt_picture(refused_training, target, content):
    (target / "5.png").write_bytes(content)
    refused_training(names=target / "5.png")


def test_a_picture_that_is_cut_off(refused_training, target):
    whole = (target / "5.png").read_bytes()
    (target / "5.png").write_bytes(whole[: len(whole) // 2])
    refused_training(names=target / "5.png")


# Labels ---------------------------------------------------------------------------------------


@pytest.fixture
def kitti(tmp_path, target):
    folder = tmp_path / "kitti"
    (folder / "image_2").mkdir(parents=True)
    (folder / "label_2").mkdir()
    shutil.copy(target / "0.png", folder / "image_2/000000.png")
    line = "Car 0.00 0 1.5 10.0 20.0 40.0 50.0 1.5 1.6 3.9 1.0 1.5 12.0 1.6\n"
    (folder / "label_2/000000.txt").write_text(line)
    return folder


def test_a_label_file_with_a_missing_column(refused_training, kitti):
    label = kitti / "label_2/000000.txt"
    label.write_text(label.read_text() + "Car 0.00 0 1.5 10.0 20.0 40.0 50.0 1.5 1.6 3.9 1.0 1.5\n")
    said = refused_training("--validation", kitti, names=label)
    assert "line 2" in said and "column 14" in said


def test_a_label_file_that_is_missing(refused_training, kitti):
    (kitti / "label_2/000000.txt").unlink()
    refused_training("--validation", kitti, names="000000.txt")


def test_a_labelled_folder_of_no_known_form(refused_training, target):
    refused_training("--validation", target, names=target)


def test_a_damaged_annotations_file(refused_training, labelled):
    file = labelled / "annotations.json"
    file.write_text(file.read_text()[:-20])
    refused_training("--validation", labelled, names=file)


# Grammar and settings -------------------------------------------------------------------------


def test_a_grammar_with_an_unknown_class(refused_training, tmp_path):
    grammar = tmp_path / "street.yaml"
    grammar.write_text(
        "domain: driving\nstart: street\n"
        "classes: {street: {attributes: {}}}\n"
        "rules:\n  - {name: street, expand: street, into: [tricycle]}\n"
    )
    said = refused_training(grammar=grammar, names=grammar)
    assert "tricycle" in said and "line 5" in said


def test_a_grammar_without_a_number_to_learn(refused_training):
    grammar = GRAMMAR.parent / "aerial2d_structure.yaml"
    said = refused_training(grammar=grammar, names="aerial2d_structure.yaml")
    assert "phases=structure" in said


def test_a_grammar_that_is_no_yaml_or_not_there(refused_training, tmp_path):
    grammar = tmp_path / "street.yaml"
    refused_training(grammar=grammar, names=grammar)
    grammar.write_text("domain: [driving\n")
    refused_training(grammar=grammar, names=grammar)


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("match.stepz=3", "match.stepz"),
        ("nothing.steps=3", "nothing"),
        ("match.steps=many", "match.steps"),
        ("match.batch=1", "match.batch"),
        ("match=3", "match"),
        ("match.steps", "match.steps"),
        ("phases=pretrain,dance", "dance"),
        ("rendering.width=0", "width"),
        ("rendering.engine=watercolour", "watercolour"),
        ("rendering.differences=none", "none"),
        ("features.network=nowhere/weights.pth", "nowhere/weights.pth"),
        ("features.network=alexandria", "alexandria"),
        ("evaluation.unseen=2", "evaluation.unseen"),
    ],
)
def test_a_setting_that_does_not_exist_or_has_a_wrong_value(refused_training, setting, names):
    refused_training("--set", setting, names=names)


@pytest.mark.parametrize(
    ("option", "names"),
    [
        (["--phases", "pretrain,dance"], "'phases' names 'dance'; choose from pretrain"),
        (["--seed", "seven"], "'seed' is 'seven'; give a whole number"),
        (["--set", "match.stepz=3"], "did you mean 'match.steps'?"),
        (["--set", "features.harmonics=3"], "give a whole number from 1 to 2"),
    ],
)
def test_a_wrong_setting_is_said_with_what_it_takes(refused_training, option, names):
    refused_training(*option, names=names)


@pytest.mark.parametrize("setting", ["detector.weights=nowhere.pth", "detector.backbone=elephant"])
def test_a_detector_that_cannot_be_had(refused_training, labelled, setting):
    refused_training("--validation", labelled, "--set", setting, names=setting.split("=")[1])


def test_networks_on_a_device_that_is_not_there(refused, refused_training, tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused_training("--set", "networks.device=cuda", names="networks.device=cpu")
    refused_training("--set", "networks.device=tpu", names="'tpu'")
    detector = ["detector", "train", GRAMMAR, "-o", tmp_path / "detector.pt"]
    refused(*detector, "--weights", "none", "--network-device", "cuda", names="'cuda'")
    assert not (tmp_path / "detector.pt.work").exists()


def test_a_demo_with_an_unknown_setting_is_refused_before_it_renders(refused, tmp_path):
    refused("demo", "--run", tmp_path / "demo", "--set", "match.stepz=3", names="match.stepz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], "COMMAND"),
        (["dance"], "dance"),
        (["train"], "--run"),
        (["train", "--run", "r"], "grammar"),
        (["train", "--run", "r", "--resume", "--force"], "--force"),
        (["train", str(GRAMMAR), "--run", "r"], "--target"),
        (["generate", "r", "-n", "0", "-o", "out"], "-n"),
        (["generate", "r", "-n", "3", "-o", "out", "--format", "voc"], "voc"),
        (["render", "s.json", "-o", "out", "--engine", "watercolour"], "watercolour"),
        (["sample", "nowhere.yaml", "-o", "out"], "nowhere.yaml"),
    ],
)
def test_wrong_usage(refused, arguments, names):
    refused(*arguments, names=names)


# Blender and sockets --------------------------------------------------------------------------


def test_no_blender_there(refused_training):
    refused_training("--blender", "/nowhere/blender", names="/nowhere/blender")


def test_a_port_in_use(refused_training, monkeypatch):
    monkeypatch.setenv("METASIM_TOKEN", "secret")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused_training("--workers", 0, "--listen", address, names=address)


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:port", "127.0.0.1:99999"])
def test_an_address_that_is_none(refused_training, monkeypatch, address):
    monkeypatch.setenv("METASIM_TOKEN", "secret")
    refused_training("--listen", address, names=address)


def test_listening_without_a_token(refused_training, monkeypatch):
    monkeypatch.delenv("METASIM_TOKEN", raising=False)
    refused_training("--listen", "127.0.0.1:0", names="METASIM_TOKEN")


def test_no_worker_at_all(refused_training):
    refused_training("--workers", 0, names="--workers 0")


def test_a_worker_without_a_token_or_with_a_wrong_address(refused, monkeypatch):
    monkeypatch.delenv("METASIM_TOKEN", raising=False)
    refused("worker", "--connect", "127.0.0.1:9", names="METASIM_TOKEN")
    refused("worker", "--connect", "nowhere", names="nowhere")


# Runs -----------------------------------------------------------------------------------------


def test_an_existing_run_is_not_touched_without_force(refused_training, begun_run):
    before = contents(begun_run)
    refused_training(run=begun_run, names=begun_run)
    assert contents(begun_run) == before


@pytest.mark.parametrize(
    ("more", "names"),
    [
        (["--target", "nowhere"], "nowhere"),
        (["--set", "match.stepz=3"], "match.stepz"),
        (["--blender", "/nowhere/blender"], "/nowhere/blender"),
        (["--features", "nowhere.pth"], "nowhere.pth"),
        (
            ["--phases", "pretrain,structure,match", "--set", "structure.network=nowhere.pth"],
            "no ImageNet network 'nowhere.pth'",
        ),
        (["--workers", "-1"], "--workers -1"),
    ],
)
def test_with_force_an_old_run_survives_every_mistake(refused_training, begun_run, more, names):
    before = contents(begun_run)
    refused_training("--force", *more, run=begun_run, names=names)
    assert contents(begun_run) == before


def test_force_removes_no_folder_that_is_no_run(refused_training, tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / "wedding.jpg").write_bytes(b"dear")
    refused_training("--force", run=photographs, names=photographs)
    assert contents(photographs) == {"wedding.jpg": b"dear"}


def test_force_removes_no_run_that_holds_other_things(refused_training, begun_run):
    (begun_run / "thesis.tex").write_text("years of work")
    before = contents(begun_run)
    refused_training("--force", run=begun_run, names="thesis.tex")
    assert contents(begun_run) == before


def test_a_run_where_a_file_is(refused_training, tmp_path):
    (tmp_path / "file").write_text("mine")
    refused_training("--force", run=tmp_path / "file", names=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_resuming_what_is_no_run(refused, tmp_path):
    refused("train", "--run", tmp_path / "nowhere", "--resume", names=tmp_path / "nowhere")
    refused("demo", "--run", tmp_path / "nowhere", "--resume", names=tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_resuming_with_another_setting_or_target(refused, begun_run, tmp_path):
    before = contents(begun_run)
    resume = ["train", "--run", begun_run, "--resume"]
    refused(*resume, "--set", "match.steps=999", names="match.steps=999")
    refused(*resume, "--set", "match.stepz=999", names="match.stepz")
    refused(*resume, "--seed", "999", names="seed=999")
    refused(*resume, "--phases", "match", names="phases=match")
    refused(*resume, "--target", tmp_path / "others", names=tmp_path / "others")
    assert contents(begun_run) == before


def test_resuming_when_the_target_has_gone(refused, begun_run, target):
    shutil.rmtree(target)
    refused("train", "--run", begun_run, "--resume", names=target)


@pytest.mark.parametrize("damage", ["settings: [", "a: 1\n", "just words", ""])
def test_a_damaged_configuration(refused, begun_run, damage):
    (begun_run / "config.yaml").write_text(damage)
    refused("train", "--run", begun_run, "--resume", names=begun_run / "config.yaml")


def test_a_report_of_what_is_no_run(refused, tmp_path):
    refused("report", tmp_path, names=tmp_path)


# Data sets ------------------------------------------------------------------------------------


def test_generating_from_no_run_or_from_one_without_a_checkpoint(refused, begun_run, tmp_path):
    out = tmp_path / "out"
    refused("generate", tmp_path / "nowhere", "-n", 2, "-o", out, names=tmp_path / "nowhere")
    refused("generate", begun_run, "-n", 2, "-o", out, names="no checkpoint")
    assert not out.exists()


@pytest.mark.parametrize("size", [0, 10, 1000])
def test_generating_from_a_damaged_checkpoint(refused, finished_run, tmp_path, size):
    checkpoint = finished_run / "checkpoints/last.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:size])
    refused("generate", finished_run, "-n", 2, "-o", tmp_path / "out", names=checkpoint)


@pytest.mark.parametrize("size", ["640", "640x", "640x-1", "0x10", "99999x10"])
def test_generating_in_a_wrong_size(refused, finished_run, tmp_path, size):
    refused("generate", finished_run, "-n", 2, "-o", tmp_path / "out", "--size", size)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_generating_into_a_folder_with_other_files(refused, finished_run, target, force):
    before = contents(target)
    refused("generate", finished_run, "-n", 2, "-o", target, *force, names=target)
    assert contents(target) == before


@pytest.fixture
def dataset(tmp_path):
    from metasim_backend.datasets.writers.writer import open_writer

    folder = tmp_path / "dataset"
    open_writer("coco", folder, job={"seed": 7}).finish()
    return folder


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ([], "begun with"),
        (["--force", "--blender", "/nowhere/blender"], "/nowhere/blender"),
        (["--force", "--size", "9"], "9"),
    ],
)
def test_another_dataset_is_neither_continued_nor_lost(refused, finished_run, dataset, more, names):
    before = contents(dataset)
    refused("generate", finished_run, "-n", 2, "-o", dataset, *more, names=names)
    assert contents(dataset) == before


def test_force_removes_no_dataset_that_holds_other_things(refused, finished_run, dataset):
    (dataset / "notes.txt").write_text("mine")
    before = contents(dataset)
    refused("generate", finished_run, "-n", 2, "-o", dataset, "--force", names="notes.txt")
    assert contents(dataset) == before


def test_evaluating_on_no_labels(refused, finished_run, tmp_path):
    refused("evaluate", finished_run, "--on", tmp_path / "nowhere", names=tmp_path / "nowhere")


# Scenes ---------------------------------------------------------------------------------------

SCENE = {
    "version": 1,
    "domain": "driving",
    "seed": 7,
    "nodes": [{"id": "street", "class": "street", "parent": None, "attributes": {}}],
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        json.dumps(SCENE)[:-9],
        json.dumps(SCENE | {"version": 9}),
        json.dumps(SCENE | {"seed": "seven"}),
        json.dumps(SCENE | {"nodes": [{"id": "street"}]}),
        json.dumps(SCENE | {"nodes": [SCENE["nodes"][0] | {"parent": "nobody"}]}),
    ],
)
def test_a_damaged_scene(refused, tmp_path, text):
    scene = tmp_path / "scene.json"
    scene.write_text(text)
    refused("render", scene, "-o", tmp_path / "out", names=scene)
    assert not (tmp_path / "out").exists()


def test_a_scene_that_is_not_there(refused, tmp_path):
    refused("render", tmp_path / "scene.json", "-o", tmp_path / "out", names="scene.json")


@pytest.mark.parametrize("command", ["render", "sample"])
def test_an_output_folder_that_is_not_empty(refused, target, tmp_path, command):
    scene = tmp_path / "scene.json"
    scene.write_text(json.dumps(SCENE))
    before = contents(target)
    what = scene if command == "render" else GRAMMAR
    refused(command, what, "-o", target, names=target)
    refused(command, what, "-o", scene, names=scene)
    assert contents(target) == before


def test_rendering_without_blender_leaves_an_old_rendering(refused, dataset, tmp_path):
    scene = tmp_path / "scene.json"
    scene.write_text(json.dumps(SCENE))
    before = contents(dataset)
    render = ["render", scene, "-o", dataset, "--blender", "/nowhere/blender"]
    refused(*render, names=dataset)
    refused(*render, "--force", names="/nowhere/blender")
    assert contents(dataset) == before


def test_a_folder_that_may_not_be_made(refused, tmp_path):
    Path(tmp_path / "file").write_text("mine")
    refused("sample", GRAMMAR, "-o", tmp_path / "file/below", names=tmp_path / "file/below")
