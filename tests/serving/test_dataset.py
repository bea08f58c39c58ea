"""Datasets for the panel: progress, cancelling, going on, sentences."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from panel_client import Panel
from PIL import Image

from blender_addon.contract import panel, wire

AERIAL = Path(__file__).resolve().parents[2] / "scenes/aerial2d.yaml"


def wanted(folder: Path, count: int = 6, **changes: object) -> dict:
    return {"grammar": str(AERIAL), "folder": str(folder), "count": count, **changes}


def test_a_prior_becomes_a_dataset_and_is_completed(dialled: Panel, tmp_path: Path):
    folder = tmp_path / "dataset"
    assert dialled.ask("dataset_start", **wanted(folder)) == {"folder": str(folder)}
    ended = dialled.until_state("dataset", *panel.ENDED)
    assert ended.body["state"] == "finished", ended.body["sentence"]
    assert ended.body["done"] == ended.body["count"] == 6
    assert f"{folder} holds 6 labelled frames in coco form" in ended.body["sentence"]
    assert len(json.loads((folder / "annotations.json").read_text())["images"]) == 6
    first = (folder / "images/000000.png").read_bytes()

    dialled.forget()
    dialled.ask("dataset_start", **wanted(folder, 8))
    ended = dialled.until_state("dataset", *panel.ENDED)
    assert "2 of them were missing" in ended.body["sentence"]
    assert (folder / "images/000000.png").read_bytes() == first


def test_a_cancelled_dataset_keeps_its_frames_and_is_told_as_it_grows(
    dialled: Panel, tmp_path: Path
):
    folder = tmp_path / "dataset"
    dialled.ask("dataset_start", **wanted(folder, 100_000, format="yolo"))
    dialled.until("dataset", lambda e: e.body["done"] > 50)
    assert "cancel it first" in dialled.refused("dataset_start", **wanted(tmp_path / "b"))
    dialled.ask("dataset_cancel")
    ended = dialled.until_state("dataset", *panel.ENDED)
    assert ended.body["state"] == "cancelled" and ended.body["done"] < 100_000
    done = [e.body["done"] for e in dialled.events if e.topic == "dataset"]
    assert done == sorted(done) and len(set(done)) >= 2
    assert list((folder / "images").glob("*.png"))


@pytest.mark.slow
def test_a_dataset_is_not_continued_with_another_seed(dialled: Panel, tmp_path: Path):
    folder = tmp_path / "dataset"
    dialled.ask("dataset_start", **wanted(folder, 1))
    assert dialled.until_state("dataset", *panel.ENDED).body["state"] == "finished"
    dialled.forget()
    dialled.ask("dataset_start", **wanted(folder, 1, seed=1))
    ended = dialled.until_state("dataset", *panel.ENDED)
    assert ended.body["state"] == "failed" and "begun with seed 0, not 1" in ended.body["sentence"]


def test_mistakes_are_told_before_anything_starts(
    dialled: Panel, tmp_path: Path, untrained_run: Path
):
    (tmp_path / "file").write_text("")
    for changes, sentence in (
        ({"folder": str(tmp_path / "file/dataset")}, "cannot be written to"),
        ({"folder": "dataset"}, "not a whole path"),
        ({"grammar": None}, "choose one of them"),
        ({"run": str(untrained_run)}, "choose one of them"),
        ({"grammar": str(tmp_path / "none.yaml")}, "There is no grammar file"),
        ({"format": "voc"}, "no format of datasets 'voc'; choose from coco, kitti, yolo"),
        ({"preset": "best"}, "no preset of rendering 'best'"),
        ({"count": 0}, "at least 1"),
        ({"size": [0, 5]}, "width and height"),
        ({"blender": "/nowhere/blender"}, "There is no Blender at"),
    ):
        fields = {**wanted(tmp_path / "dataset"), **changes}
        number = len(dialled.events) + 1000
        dialled.connection.send(wire.Message("dataset_start", {"id": number, **fields}))
        told = dialled.reply(number).sentence
        assert told and sentence in told, (changes, told)
    (untrained_run / "checkpoints/last.pt").unlink()
    fields = {"run": str(untrained_run), "folder": str(tmp_path / "dataset"), "count": 1}
    assert "learned nothing yet" in dialled.refused("dataset_start", **fields)
    assert not (tmp_path / "dataset").exists()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed")
def test_a_run_becomes_a_dataset_in_the_size_that_is_asked_for(
    dialled: Panel, tmp_path: Path, untrained_run: Path
):
    folder = tmp_path / "dataset"
    fields = {"run": str(untrained_run), "folder": str(folder), "count": 2}
    dialled.ask("dataset_start", **fields, size=[96, 64], preset="draft", format="kitti")
    ended = dialled.until_state("dataset", *panel.ENDED)
    assert ended.body["state"] == "finished", ended.body["sentence"]
    pictures = sorted((folder / "image_2").glob("*.png"))
    assert [Image.open(path).size for path in pictures] == [(96, 64), (96, 64)]
