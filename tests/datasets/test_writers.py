import contextlib
import hashlib
import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from street_frames import frame

from metasim_backend.datasets.readers.labelled import read_labelled
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.writers.writer import CLASSES, FORMATS, open_writer


def frame_of(index):
    return frame(index, empty=index == 2)


def write(kind, folder, count=4, **options):
    writer = open_writer(kind, folder, **options)
    for index in writer.missing(count):
        writer.write(index, frame_of(index))
    return writer.finish()


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def open_coco(path):
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_coco_opens_in_pycocotools_with_the_masks_of_the_index_map(tmp_path):
    coco = open_coco(write("coco", tmp_path / "out"))
    assert sorted(coco.imgs) == [1, 2, 3, 4] and sorted(coco.anns) == list(range(1, 10))
    assert [c["name"] for c in coco.loadCats([1, 2, 6])] == ["car", "van", "person"]
    assert coco.getAnnIds(imgIds=[3]) == []
    for image_id in (1, 2, 4):
        truth = frame_of(image_id - 1)
        picture = np.array(Image.open(tmp_path / "out/images" / coco.imgs[image_id]["file_name"]))
        assert np.array_equal(picture, truth.image)
        assert np.array_equal(coco.imgs[image_id]["camera"]["intrinsics"], truth.intrinsics)
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[image_id]))
        assert [a["category_id"] for a in annotations] == [1, 2, 6]  # the speck is dropped
        for label, annotation in zip(truth.labels, annotations, strict=False):
            mask = truth.mask(label)
            assert np.array_equal(coco.annToMask(annotation).astype(bool), mask)
            assert annotation["area"] == mask.sum() and annotation["iscrowd"] == 0
            x, y, w, h = annotation["bbox"]
            assert (x, y, x + w, y + h) == label.visible_box
            assert annotation["amodal_bbox"] == [x - 3.5, y, w + 3.5, h]
    assert coco.anns[3]["box3d"] is None and coco.anns[1]["box3d"]["length"] == 4.2


def test_coco_opens_in_torchvision_with_masks_and_boxes(tmp_path):
    from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2

    path = write("coco", tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = CocoDetection(str(tmp_path / "images"), str(path))
    wrapped = wrap_dataset_for_transforms_v2(
        dataset, target_keys=["boxes", "labels", "masks", "image_id"]
    )
    assert len(wrapped) == 4
    _, target = wrapped[1]
    truth = frame_of(1)
    expected = np.stack([truth.mask(label) for label in truth.labels[:3]])
    assert np.array_equal(target["masks"].numpy().astype(bool), expected)
    assert np.array_equal(
        target["boxes"].numpy(), [list(label.visible_box) for label in truth.labels[:3]]
    )
    assert target["labels"].tolist() == [1, 2, 6]
    assert set(wrapped[2][1]) == {"image_id"}


def parse_kitti(path):
    """A parser of its own, after the columns in KITTI's devkit."""
    found = []
    for line in path.read_text().splitlines():
        words = line.split(" ")
        assert len(words) == 15
        n = [float(w) for w in words[1:]]
        found.append(
            {"type": words[0], "truncated": n[0], "occluded": int(words[2]), "alpha": n[2],
             "box": n[3:7], "hwl": n[7:10], "xyz": n[10:13], "rotation": n[13]}
        )  # fmt: skip
    return found


def test_kitti_labels_are_read_by_an_independent_parser(tmp_path):
    write("kitti", tmp_path)
    for index in (0, 1, 3):
        truth = frame_of(index)
        objects = parse_kitti(tmp_path / "label_2" / f"{index:06d}.txt")
        assert [o["type"] for o in objects] == ["Car", "Van", "Pedestrian"]
        for label, o in zip(truth.labels, objects, strict=False):
            x0, y0, x1, y1 = label.visible_box
            assert o["box"] == [x0, y0, x1 - 1, y1 - 1]
            assert o["truncated"] == 0.12 and o["occluded"] == label.occlusion
            if label.box3d:
                assert o["hwl"] == [1.5, 1.8, 4.2] and o["xyz"] == list(label.box3d.location)
                x, _, z = label.box3d.location
                assert o["alpha"] == pytest.approx(1.6 - np.arctan2(x, z), abs=0.006)
        assert objects[2]["xyz"] == [-1000, -1000, -1000] and objects[2]["rotation"] == -10
    assert (tmp_path / "label_2" / "000002.txt").read_text() == ""


def test_kitti_calibration_projects_points_to_pixels_counted_from_their_centres(tmp_path):
    write("kitti", tmp_path, count=1)
    rows = dict(
        line.split(": ") for line in (tmp_path / "calib/000000.txt").read_text().splitlines()
    )
    p2 = np.array(rows["P2"].split(), float).reshape(3, 4)
    u, v, w = p2 @ [1.0, 0.5, 10.0, 1.0]
    # In Frame's convention the point falls on (32 + 7, 20 + 3.5).
    assert (u / w, v / w) == pytest.approx((39 - 0.5, 23.5 - 0.5))
    assert list(rows) == ["P0", "P1", "P2", "P3", "R0_rect", "Tr_velo_to_cam", "Tr_imu_to_velo"]
    lidar = np.array(rows["Tr_velo_to_cam"].split(), float).reshape(3, 4)
    assert np.array_equal(lidar @ [10, 2, 1, 1], [-2, -1, 10])  # forward, left, up


def test_kitti_and_coco_come_back_through_the_reader(tmp_path):
    write("kitti", tmp_path / "kitti")
    write("coco", tmp_path / "coco")
    for kind in ("kitti", "coco"):
        labelled = read_labelled(tmp_path / kind, classes=("car", "person"))
        assert [len(item.boxes) for item in labelled] == [3, 3, 0, 3]
        for index, item in enumerate(labelled):
            truth = frame_of(index)
            assert np.array_equal(item.image, truth.image)
            expected = [list(label.visible_box) for label in truth.labels[:3]]
            assert np.array_equal(item.boxes, np.array(expected).reshape(-1, 4))
            assert item.classes == (("car", "car", "person") if index != 2 else ())


def test_yolo_has_normalised_centres_and_sizes(tmp_path):
    path = write("yolo", tmp_path)
    assert yaml.safe_load(path.read_text()) == {
        "train": "images", "val": "images", "nc": 7, "names": dict(enumerate(CLASSES))
    }  # fmt: skip
    truth = frame_of(0)
    lines = (tmp_path / "labels/000000.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1", "5"]
    for label, line in zip(truth.labels, lines, strict=False):
        x, y, w, h = (float(word) for word in line.split()[1:])
        found = [(x - w / 2) * 64, (y - h / 2) * 40, (x + w / 2) * 64, (y + h / 2) * 40]
        assert found == pytest.approx(label.visible_box, abs=1e-3)
    assert (tmp_path / "labels/000002.txt").read_text() == ""


@pytest.mark.parametrize("kind", FORMATS)
def test_interrupted_and_continued_gives_the_bytes_of_an_uninterrupted_job(kind, tmp_path):
    write(kind, tmp_path / "whole")
    begun = open_writer(kind, tmp_path / "resumed")
    assert begun.missing(4) == [0, 1, 2, 3]
    begun.write(3, frame_of(3))
    begun.write(1, frame_of(1))
    # What a killed process leaves: a temporary file, and a sample without its last file.
    (tmp_path / "resumed/.metasim/part-abc").write_bytes(b"half")
    begun.write(0, frame_of(0))
    last = {"coco": ".metasim/samples/000000.json", "kitti": "label_2/000000.txt",
            "yolo": "labels/000000.txt", "webdataset": ".metasim/samples/000000.json",
            "huggingface": ".metasim/samples/000000.json"}[kind]  # fmt: skip
    (tmp_path / "resumed" / last).unlink()

    again = open_writer(kind, tmp_path / "resumed")
    assert again.missing(4) == [0, 2]
    for index in again.missing(4):
        again.write(index, frame_of(index))
    again.finish()
    assert digests(tmp_path / "resumed") == digests(tmp_path / "whole")
    assert again.missing(4) == [] and again.missing(5) == [4]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_job_killed_by_a_signal_is_completed_by_running_it_again(kind, tmp_path):
    script = (
        "import os, sys; sys.path[:0] = sys.argv[3:]\n"
        "from street_frames import frame\n"
        "from metasim_backend.datasets.writers.writer import open_writer\n"
        "w = open_writer(sys.argv[1], sys.argv[2])\n"
        "for i in (0, 1): w.write(i, frame(i))\n"
        "os.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "w.write(2, frame(2, empty=True))\n"
    )
    root = Path(__file__).parents[2]
    folders = [tmp_path / "a", root, root / "tests" / "datasets"]
    ended = subprocess.run(
        [sys.executable, "-c", script, kind, *(str(folder) for folder in folders)], check=False
    )
    assert ended.returncode == -9
    writer = open_writer(kind, tmp_path / "a")
    assert writer.missing(4) == [2, 3]
    write(kind, tmp_path / "a")
    write(kind, tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_samples_may_be_written_at_the_same_time(tmp_path):
    writer = open_writer("coco", tmp_path / "a")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: writer.write(i, frame_of(i)), (3, 1, 2, 0)))
    writer.finish()
    write("coco", tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_a_data_set_is_never_mixed_with_another_nor_with_other_files(tmp_path):
    write("coco", tmp_path / "a", job={"seed": 1})
    before = digests(tmp_path / "a")
    with pytest.raises(DatasetError, match="begun with seed 1, not 2"):
        open_writer("coco", tmp_path / "a", job={"seed": 2})
    with pytest.raises(DatasetError, match="begun with format 'coco', not 'yolo'"):
        open_writer("yolo", tmp_path / "a", job={"seed": 1})
    with pytest.raises(DatasetError, match="begun with min_pixels 10, not 5"):
        open_writer("coco", tmp_path / "a", job={"seed": 1}, min_pixels=5)
    assert digests(tmp_path / "a") == before
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").write_text("mine")
    with pytest.raises(DatasetError, match="holds other files"):
        open_writer("kitti", tmp_path / "b")
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["letter.txt"]
    with pytest.raises(DatasetError, match="is a file"):
        open_writer("kitti", tmp_path / "b" / "letter.txt")
    with pytest.raises(DatasetError, match="Unknown data set format 'voc'"):
        open_writer("voc", tmp_path / "c")
    with pytest.raises(DatasetError, match="not different plain names"):
        open_writer("coco", tmp_path / "c", classes=("car", "car"))
    assert not (tmp_path / "c").exists()


def test_float_pictures_and_other_class_lists_are_written_too(tmp_path):
    truth = frame_of(0)
    writer = open_writer("coco", tmp_path, classes=("person", "car"), min_pixels=1)
    writer.write(0, replace(truth, image=truth.image.astype(np.float32) / 255))
    content = json.loads(writer.finish().read_text())
    assert [a["category_id"] for a in content["annotations"]] == [2, 1, 2]
    assert np.array_equal(np.array(Image.open(tmp_path / "images/000000.png")), truth.image)
