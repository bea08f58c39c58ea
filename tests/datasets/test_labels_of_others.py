"""Labelled files as other programs write them: read where they say what they mean, or refused with
the cause; a wrong entry costs its own picture alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metasim_backend.datasets.class_names import parse_names
from metasim_backend.datasets.readers.labelled import check_cars, read_labelled
from metasim_backend.datasets.readers.pictures import DatasetError

CAR = "Car 0.00 0 1.85 10.00 20.00 49.00 60.00 1.67 1.87 3.69 -16.53 2.39 58.49 1.57\n"


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def content() -> dict:
    return {
        "images": [
            {"id": i, "file_name": f"{name}.png", "width": 96, "height": 64}
            for i, name in enumerate("abc", 1)
        ],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [10, 10, 30, 30]} for i in (1, 2, 3)
        ],
        "categories": [{"id": 1, "name": "car"}],
    }


def coco(folder: Path, data: dict, file: str = "annotations.json", pictures: str = "images"):
    for name in "abc":
        picture(folder / pictures / f"{name}.png")
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(json.dumps(data))
    return folder


def kitti(folder: Path, label: str | bytes) -> Path:
    picture(folder / "image_2/0.png")
    (folder / "label_2").mkdir()
    data = label if isinstance(label, bytes) else label.encode()
    (folder / "label_2/0.txt").write_bytes(data)
    return folder


WRONG_ENTRIES = {
    "no box": (("annotations", {"bbox": None}), "'bbox' is missing"),
    "text in a box": (("annotations", {"bbox": ["1", 2, 3, 4]}), "not a box of four numbers"),
    "a number of 400 digits": (("annotations", {"bbox": [10**400, 1, 1, 1]}), "99 ... |not a box"),
    "a box in no picture": (("annotations", {"bbox": [0, 0, 1e300, 1]}), "lies in no picture"),
    "a negative box": (("annotations", {"bbox": [1, 1, -1, 1]}), "negative size"),
    "no such class": (("annotations", {"category_id": 7}), "category_id 7 does not exist"),
    "a list as a class": (("annotations", {"category_id": [1]}), "'category_id' is missing"),
    "a crowd in words": (("annotations", {"iscrowd": "no"}), "neither 0 nor 1"),
    "an absolute path": (("images", {"file_name": "/etc/b.png"}), "lies outside the folder"),
    "another folder": (("images", {"file_name": "../b.png"}), "lies outside the folder"),
    "a folder's sign of Windows": (("images", {"file_name": "..\\b.png"}), "is not in"),
    "a name that no file can have": (("images", {"file_name": "b" * 300}), "is not in"),
    "a name with a zero": (("images", {"file_name": "b\0.png"}), "is not in"),
    "another size": (("images", {"width": 64, "height": 96}), "its labels are for 64 x 96"),
    "a size in words": (("images", {"width": "64", "height": "96"}), "its labels are for 64 x 96"),
    "a negative size": (("images", {"width": -96}), "no size of a picture"),
    "the same file twice": (("images", {"file_name": "a.png"}), "the same file_name"),
}


@pytest.mark.parametrize("what", WRONG_ENTRIES)
def test_a_wrong_entry_of_cocos_costs_its_own_picture_alone(tmp_path, what):
    (part, changes), words = WRONG_ENTRIES[what]
    data = content()
    data[part][1] |= changes
    folder = coco(tmp_path, data)
    with pytest.raises(DatasetError, match=words) as raised:
        read_labelled(folder)
    assert len(str(raised.value)) < 1000
    skipped: list[str] = []
    assert [one.name for one in read_labelled(folder, skipped=skipped)] == ["a.png", "c.png"]
    assert skipped


def test_all_wrong_entries_are_told_at_once(tmp_path):
    data = content()
    data["annotations"][0]["bbox"] = [1, 1, -1, 1]
    data["annotations"].append({"id": 9, "image_id": 77, "category_id": 1, "bbox": [1, 1, 2, 2]})
    data["images"][2]["file_name"] = "gone.png"
    with pytest.raises(DatasetError, match="3 of 4 files") as raised:
        read_labelled(coco(tmp_path, data))
    for words in ("annotation number 0", "image_id 77 does not exist", "'gone.png' is not in"):
        assert words in str(raised.value)


def test_two_classes_of_one_id_are_refused(tmp_path):
    data = content()
    data["categories"].append({"id": 1.0, "name": "person"})
    with pytest.raises(DatasetError, match="'person' and 'car' both have the id 1"):
        read_labelled(coco(tmp_path, data))


def test_numbers_with_a_point_and_names_of_windows_are_read(tmp_path):
    data = content()
    for item in data["annotations"]:
        item |= {"category_id": 1.0, "image_id": float(item["image_id"])}
    data["images"][0]["file_name"] = "day\\a.png"
    folder = coco(tmp_path, data)
    picture(folder / "images/day/a.png")
    assert [one.classes for one in read_labelled(folder)] == [("car",)] * 3


def test_of_several_sets_in_cocos_own_layout_the_file_is_given(tmp_path):
    for name in ("train2017", "val2017"):
        coco(tmp_path, content(), f"annotations/instances_{name}.json", name)
    (tmp_path / "annotations/captions_val2017.json").write_text("{}")
    with pytest.raises(DatasetError, match="instances_train2017.json, instances_val2017.json"):
        read_labelled(tmp_path)
    assert len(read_labelled(tmp_path / "annotations/instances_val2017.json")) == 3


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["train/_annotations.coco.json", "valid/_annotations.coco.json"], "sub-folder 'train'"),
        (["data.yaml", "images/a.png", "labels/a.txt"], "YOLO's form"),
        (["labels/train/a.txt"], "YOLO's form"),
        (["Annotations/a.xml"], "Pascal VOC's form"),
        (["a.png"], "give a folder in one of these forms"),
    ],
)
def test_a_form_that_is_not_read_is_named(tmp_path, files, words):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    with pytest.raises(DatasetError, match=words):
        read_labelled(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("car (parked)", "--set 'target.classes=car \\(parked\\)=car'"),
        ("it's", "--classes 'it'\"'\"'s=car'"),
        ("a=b", "--classes a=b=car"),
        ("a,b", "name the class of cars otherwise"),
        ("", "name the class of cars otherwise"),
    ],
)
def test_what_a_shell_is_to_be_given_is_quoted(tmp_path, name, words):
    folder = coco(tmp_path, content() | {"categories": [{"id": 1, "name": name}]})
    with pytest.raises(DatasetError, match=words):
        check_cars(folder, read_labelled(folder))


def test_a_name_may_hold_the_sign_between_name_and_class():
    assert parse_names("a=b=car, c = van") == {"a=b": "car", "c": "van"}


@pytest.mark.parametrize("word", ["car", "Bus", "SUV", "minivan", "truck"])
def test_names_of_other_programs_count_in_kittis_form_as_in_cocos(tmp_path, word):
    (item,) = read_labelled(kitti(tmp_path, CAR.replace("Car", word)))
    assert item.classes == ("car",)


def test_unknown_names_in_kittis_form_count_as_nothing_unless_the_user_says_what_they_are(tmp_path):
    folder = kitti(tmp_path, CAR.replace("Car", "Traffic-Cone"))
    assert read_labelled(folder)[0].classes == ()
    with pytest.raises(DatasetError, match="its classes are traffic-cone"):
        check_cars(folder, read_labelled(folder))
    assert read_labelled(folder, names=parse_names("traffic-cone=car"))[0].classes == ("car",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_kittis_labels_in_other_encodings_are_read(tmp_path, encoding):
    assert read_labelled(kitti(tmp_path, CAR.encode(encoding)))[0].classes == ("car",)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (CAR.replace("Car", "0 1 Car"), "tracking form"),
        (CAR.replace("Car", "0 1 car"), "tracking form"),
        (CAR.replace("Car", "C\0r"), "no name of a class"),
        (CAR.replace("10.00", "9" * 400), "9 ... is not a number"),
        (CAR.replace("49.00", "1e300"), "lies in no picture"),
        (CAR.replace("10.00", "1_0"), "'1_0' is not a number"),
        (CAR.encode() + b"\xe9\n", "line 2, is not UTF-8"),
    ],
)
def test_other_lines_in_kittis_form_are_refused_with_the_cause(tmp_path, label, words):
    with pytest.raises(DatasetError, match=words):
        read_labelled(kitti(tmp_path, label))


def test_a_wrong_entry_of_crops_costs_its_own_picture_alone(tmp_path):
    for name in "abc":
        picture(tmp_path / f"images/{name}.png")
    boxes = {"a": {"boxes_xyxy": [[1, 2, 3]]}, "b": {"boxes_xyxy": [[1, 2, 30, 40]]}, "c": 5}
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    with pytest.raises(DatasetError, match="2 of 3 files"):
        read_labelled(tmp_path)
    assert [one.name for one in read_labelled(tmp_path, skipped=[])] == ["b.png"]
