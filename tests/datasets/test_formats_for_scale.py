"""WebDataset's tars and Hugging Face's image folder, read without this project; and no format needs
memory for all frames.

The packages themselves read them where METASIM_READERS_PYTHON names a Python that has them
(``make nightly`` makes and names one).
"""

import hashlib
import json
import os
import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as run_lengths
from street_frames import frame

from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.writers import webdataset
from metasim_backend.datasets.writers.writer import CLASSES, open_writer

READERS = os.environ.get("METASIM_READERS_PYTHON")


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """These tests write many files, and none of them is about a machine that loses its power."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def small_tars(monkeypatch):
    """Tars of four samples."""
    monkeypatch.setattr(webdataset, "SAMPLES_A_TAR", 4)


def frame_of(index):
    return frame(index, empty=index in (0, 2))


def write(kind, folder, count, job=None):
    writer = open_writer(kind, folder, job=job)
    for index in writer.missing(count):
        writer.write(index, frame_of(index))
    return writer.finish()


def boxes_of(truth):
    """[x, y, width, height] of the labels that are written: all but the speck."""
    boxes = [label.visible_box for label in truth.labels[:3]]
    return [[x0, y0, x1 - x0, y1 - y0] for x0, y0, x1, y1 in boxes]


def test_tars_hold_each_sample_as_a_picture_and_its_labels(tmp_path, small_tars):
    tars = sorted(write("webdataset", tmp_path, 10).iterdir())
    assert [path.name for path in tars] == ["000000.tar", "000001.tar", "000002.tar"]
    index = 0
    for path in tars:
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            for picture, labels in zip(members[::2], members[1::2], strict=True):
                assert (picture.name, labels.name) == (f"{index:06d}.png", f"{index:06d}.json")
                truth = frame_of(index)
                pixels = np.asarray(Image.open(archive.extractfile(picture)))
                assert np.array_equal(pixels, truth.image)
                content = json.load(archive.extractfile(labels))
                assert (content["width"], content["height"]) == (64, 40)
                assert content["camera"]["intrinsics"] == truth.intrinsics.tolist()
                objects = content["objects"]
                assert [o["bbox"] for o in objects] == boxes_of(truth)
                names = [] if not objects else ["car", "van", "person"]
                assert [o["category"] for o in objects] == names
                assert [CLASSES[o["category_id"]] for o in objects] == names
                for item, label in zip(objects, truth.labels, strict=False):
                    mask = run_lengths.decode(item["segmentation"])
                    assert np.array_equal(mask.astype(bool), truth.mask(label))
                index += 1
            facts = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members}
            assert facts == {(0, 0, 0, "", "", 0o644)}
    assert index == 10
    summary = json.loads((tmp_path / "dataset.json").read_text())
    assert summary["samples"] == 10 and summary["classes"] == list(CLASSES)
    assert [t["samples"] for t in summary["tars"]] == [4, 4, 2]
    assert [t["file"] for t in summary["tars"]] == [f"tars/{path.name}" for path in tars]


def test_a_full_tar_is_written_at_once_and_a_last_one_is_filled_up_later(tmp_path, small_tars):
    writer = open_writer("webdataset", tmp_path / "a")
    for number in (3, 0, 2, 5):
        writer.write(number, frame_of(number))
        assert not (tmp_path / "a/tars").exists()
    writer.write(1, frame_of(1))
    assert [path.name for path in (tmp_path / "a/tars").iterdir()] == ["000000.tar"]
    waiting = sorted(path.name for path in (tmp_path / "a/.metasim/samples").iterdir())
    assert waiting == ["000005.json", "000005.png"]
    writer.finish()
    assert writer.missing(8) == [4, 6, 7]
    again = open_writer("webdataset", tmp_path / "a")
    assert again.missing(8) == [4, 6, 7]
    write("webdataset", tmp_path / "a", 7)
    write("webdataset", tmp_path / "b", 7)
    for name in ("000000.tar", "000001.tar"):
        assert (tmp_path / "a/tars" / name).read_bytes() == (
            tmp_path / "b/tars" / name
        ).read_bytes()
    assert list((tmp_path / "a/.metasim/samples").iterdir()) == []


def test_a_sample_that_is_there_is_written_anew(tmp_path, small_tars):
    write("webdataset", tmp_path, 5)
    writer = open_writer("webdataset", tmp_path)
    writer.write(1, frame_of(9))
    writer.finish()
    with tarfile.open(tmp_path / "tars/000000.tar") as archive:
        pixels = np.asarray(Image.open(archive.extractfile("000001.png")))
        assert len(archive.getmembers()) == 8
    assert np.array_equal(pixels, frame_of(9).image)


@pytest.mark.parametrize("bytes_left", [0, 700, 5000])
def test_a_tar_that_was_cut_off_is_named(tmp_path, small_tars, bytes_left):
    write("webdataset", tmp_path, 4)
    tar = tmp_path / "tars/000000.tar"
    tar.write_bytes(tar.read_bytes()[:bytes_left])
    with pytest.raises(DatasetError, match=f"{tar} is damaged; remove it"):
        open_writer("webdataset", tmp_path)


def test_the_image_folder_has_a_line_a_picture_with_lists_of_boxes_and_classes(tmp_path):
    write("huggingface", tmp_path, 4)
    lines = (tmp_path / "train/metadata.jsonl").read_text().splitlines()
    assert len(lines) == 4
    for index, line in enumerate(map(json.loads, lines)):
        truth = frame_of(index)
        assert (line["image_id"], line["width"], line["height"]) == (index, 64, 40)
        pixels = np.asarray(Image.open(tmp_path / "train" / line["file_name"]))
        assert np.array_equal(pixels, truth.image)
        objects = line["objects"]
        assert objects["bbox"] == boxes_of(truth)
        assert objects["name"] == [CLASSES[number] for number in objects["category"]]
        assert objects["area"] == [int(truth.mask(label).sum()) for label in truth.labels[:3]]
        assert len({len(values) for values in objects.values()}) == 1
        assert list(objects["name"]) == [label.class_name for label in truth.labels[:3]]
    card = (tmp_path / "README.md").read_text()
    assert all(f"- {number}: {name}\n" in card for number, name in enumerate(CLASSES))


@pytest.mark.slow
@pytest.mark.skipif(READERS is None, reason="METASIM_READERS_PYTHON is not set; see make nightly")
@pytest.mark.parametrize("kind", ["webdataset", "huggingface"])
def test_the_packages_themselves_read_what_was_written(kind, tmp_path, small_tars):
    write(kind, tmp_path / "out", 10)
    script = Path(__file__).with_name("read_by_others.py")
    said = subprocess.run(
        [READERS, script, kind, tmp_path / "out"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    found = json.loads(said)
    assert [item["name"] for item in found] == [f"{index:06d}" for index in range(10)]
    for index, item in enumerate(found):
        truth = frame_of(index)
        assert item["pixels"] == hashlib.sha256(truth.image.tobytes()).hexdigest()
        assert item["boxes"] == boxes_of(truth)
        assert item["classes"] == [label.class_name for label in truth.labels[:3]]


@pytest.mark.parametrize("kind", ["coco", "huggingface", "webdataset"])
def test_a_large_data_set_is_finished_with_the_memory_of_a_small_one(kind, tmp_path, monkeypatch):
    """What is kept of a frame until then is 20 times as much as what may be added for one."""
    monkeypatch.setattr(webdataset, "SAMPLES_A_TAR", 100)
    peaks = []
    for count in (150, 1500):
        folder = tmp_path / str(count)
        open_writer(kind, folder).write(0, frame_of(1))
        files = [path for path in folder.rglob("000000.*") if path.is_file()]
        kept = sum(path.stat().st_size for path in files if path.suffix == ".json")
        for index in range(1, count):
            for path in files:
                os.link(path, path.with_stem(f"{index:06d}"))
        writer = open_writer(kind, folder)
        tracemalloc.start()
        writer.finish()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert writer.missing(count + 1) == [count]
    least = 20 if kind != "huggingface" else 5  # whose lines are short
    assert peaks[1] - peaks[0] < 1350 * kept / least
