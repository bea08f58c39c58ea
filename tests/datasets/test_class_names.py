"""One table of class names: readers, detector and score agree, whatever a file says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from blender_addon.contract.street_classes import LABELLED
from metasim_backend.datasets.class_names import (
    COUNTS_AS,
    SPELLINGS,
    ClassNamesError,
    class_of,
    parse_names,
)
from metasim_backend.datasets.readers.kitti import CLASSES
from metasim_backend.datasets.readers.labelled import check_cars, read_labelled
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.tasks.detector_settings import DetectorSettings


def coco(folder: Path, *names: str) -> Path:
    """One picture with a box of each class."""
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (320, 192), (90, 90, 90)).save(folder / "a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": i, "bbox": [10 + 40 * i, 60, 30, 50]}
            for i in range(len(names))
        ],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_coco_form_counts_the_same_vehicles_as_kittis(tmp_path: Path):
    (item,) = read_labelled(coco(tmp_path / "a", "car", "truck", "bus", "Van", "train", "person"))
    assert item.classes == ("car",) * 5
    assert not item.ignore.any()


@pytest.mark.parametrize("name", ["Lorry", "SUV", " pickup ", "Buses", "minivan", "Cars"])
def test_usual_names_of_vehicles_are_known(tmp_path: Path, name: str):
    (item,) = read_labelled(coco(tmp_path / "a", name))
    assert item.classes == ("car",)


def test_a_users_own_names_come_first(tmp_path: Path):
    folder = coco(tmp_path / "a", "vehicle", "truck", "walker")
    assert read_labelled(folder)[0].classes == ("car",)  # the truck
    names = parse_names("vehicle=car, Walker = person, truck=caravan")
    both = read_labelled(folder, classes=("car", "person"), names=names)[0]
    assert both.classes == ("car", "person")


def test_a_folder_without_cars_is_refused_with_its_classes(tmp_path: Path):
    folder = coco(tmp_path / "a", "vehicle", "traffic")
    with pytest.raises(
        DatasetError,
        match=r"traffic, vehicle.*target\.classes=vehicle=car, or --classes vehicle=car",
    ):
        check_cars(folder, read_labelled(folder))
    names = parse_names("vehicle=car")
    check_cars(folder, read_labelled(folder, names=names), names)


@pytest.mark.parametrize("text", ["vehicle", "vehicle=ship", "=car", "a=car,b"])
def test_a_mapping_that_says_nothing_is_refused(text: str):
    with pytest.raises(ClassNamesError, match="NAME=CLASS"):
        parse_names(text)
    assert parse_names(" , ") == {}


def test_the_table_is_one():
    """What is scored as a car is also taught as one, and every name leads to a known class."""
    settings = DetectorSettings.for_cpu()
    assert dict(settings.class_mapping) == dict(COUNTS_AS)
    assert set(LABELLED) <= set(COUNTS_AS)
    assert set(SPELLINGS.values()) <= set(COUNTS_AS) and not set(SPELLINGS) & set(COUNTS_AS)
    assert {class_of(name) for name in CLASSES} - {"misc", "dontcare"} <= set(COUNTS_AS)
    assert {class_of(name) for name in CLASSES} == {class_of(name) for name in CLASSES.values()}
