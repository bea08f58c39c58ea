import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metasim_backend.datasets.readers.labelled import read_labelled
from metasim_backend.datasets.readers.pictures import DatasetError

DATA = Path(os.environ.get("METASIM_DATA", Path(__file__).parents[3] / "shared" / "data"))
KITTI = DATA / "kitti"
needs_kitti = pytest.mark.skipif(not KITTI.is_dir(), reason=f"no KITTI data in {KITTI}")

LABELS = """\
Car 0.00 0 1.85 10.00 20.00 49.00 69.00 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
Van 0.20 1 1.85 60.00 20.00 89.00 49.00 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
Pedestrian 0.00 2 0.21 100.00 20.00 109.00 60.00 1.60 0.38 0.30 -5.87 1.63 23.11 -0.03
Truck 0.40 2 1.85 150.00 20.00 189.00 46.00 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
Car 0.00 0 1.85 120.00 20.00 129.00 29.00 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
DontCare -1 -1 -10 130.00 10.00 139.00 19.00 -1 -1 -1 -1000 -1000 -1000 -10
"""


def kitti(folder, labels=LABELS, width=200, height=100):
    (folder / "image_2").mkdir(parents=True)
    (folder / "label_2").mkdir()
    Image.new("RGB", (width, height), (50, 60, 70)).save(folder / "image_2" / "000000.png")
    (folder / "label_2" / "000000.txt").write_text(labels)
    return folder


def test_kitti_form_gives_boxes_classes_and_difficulties(tmp_path):
    (item,) = read_labelled(kitti(tmp_path / "training").parent)
    assert item.name == "000000.png" and item.image.shape == (100, 200, 3)
    assert item.classes == ("car", "car", "car", "car", "dontcare")
    assert item.difficulty == ("easy", "moderate", "hard", None, None)
    assert item.ignore.tolist() == [False] * 4 + [True]
    assert item.boxes[0].tolist() == [10, 20, 50, 70] and item.boxes.dtype == np.float32


def test_vans_apart_are_passed_over_when_only_cars_are_wanted(tmp_path):
    kitti(tmp_path)
    (item,) = read_labelled(tmp_path, merge_vans=False)
    assert item.classes == ("car", "van", "truck", "car", "dontcare")
    assert item.ignore.tolist() == [False, True, True, False, True]
    (item,) = read_labelled(tmp_path, classes=("car", "van", "person"), merge_vans=False)
    assert item.classes == ("car", "van", "person", "truck", "car", "dontcare")
    assert item.ignore.tolist() == [False] * 3 + [True, False, True]


def test_boxes_go_with_a_cut_and_shrunk_picture(tmp_path):
    kitti(tmp_path)
    # 100 x 100 of the 200 x 100 pixels are left, at half the size: x' = (x - 50) / 2.
    (item,) = read_labelled(tmp_path, 50, 50)
    assert item.image.shape == (50, 50, 3)
    assert item.boxes.tolist() == [[5, 10, 20, 25], [35, 10, 40, 15], [40, 5, 45, 10]]
    # Heights count in the original picture: 30 pixels of the van stay moderate.
    assert item.difficulty == ("moderate", None, None)
    # 40 x 100 pixels are left, from x = 80: a third of the van, 2/3 truncated by the cut alone.
    (item,) = read_labelled(tmp_path, 20, 50)
    assert item.boxes[0].tolist() == [0, 10, 5, 25] and item.difficulty == (None,)
    # 12 pixels from x = 84 leave a fifth of the van.
    (item,) = read_labelled(tmp_path, 8, 100)
    assert len(item.boxes) == 0
    (item,) = read_labelled(tmp_path, 30, 100)
    assert item.boxes.tolist() == [[0, 20, 5, 50]] and item.ignore.tolist() == [True]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (LABELS + "Car 0.00 0 1.85 1 2 3\n", r"line 7, has 7 columns of 15: column 8 .bottom."),
        (LABELS.replace("89.00", "8g.0"), r"line 2, column 7 .right.: '8g.0' is not a number"),
        (LABELS.replace("1.60", "nan"), r"line 3, column 9 .height.: 'nan' is not a number"),
        (LABELS.replace("Truck", "4"), r"line 4, column 1 .type.: '4' is no name of a class"),
        (LABELS.replace("10.00 20.00 49", "60.00 20.00 49"), "columns 5-8: the box 60.00"),
        (LABELS.replace("1.57\nVan", "1.57 0.9\nVan"), "line 1, has 16 columns"),
    ],
)
def test_a_wrong_label_file_gives_file_line_and_column(tmp_path, labels, sentence):
    kitti(tmp_path, labels)
    with pytest.raises(DatasetError, match=rf"000000\.txt, .*{sentence}") as caught:
        read_labelled(tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        read_labelled(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="neither image_2 and label_2"):
        read_labelled(tmp_path)
    kitti(tmp_path)
    (tmp_path / "label_2" / "000000.txt").unlink()
    with pytest.raises(DatasetError, match=r"no label file .*000000\.txt"):
        read_labelled(tmp_path)
    (tmp_path / "label_2").rmdir()
    with pytest.raises(DatasetError, match="no label_2"):
        read_labelled(tmp_path)
    (tmp_path / "label_2").mkdir()
    (tmp_path / "image_2" / "000000.png").unlink()
    with pytest.raises(DatasetError, match="holds no picture"):
        read_labelled(tmp_path)


def coco(folder, **changes):
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (40, 30)).save(folder / "a.png")
    content = {
        "images": [{"id": 5, "file_name": "a.png", "width": 40, "height": 30}],
        "categories": [{"id": 3, "name": "Car"}, {"id": 7, "name": "person"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4.5], "iscrowd": 0},
            {"id": 2, "image_id": 5, "category_id": 7, "bbox": [1, 2, 3, 4]},
            {"id": 3, "image_id": 5, "category_id": 3, "bbox": [9, 9, 3, 4], "iscrowd": 1},
        ],
    } | changes
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


def test_coco_form_gives_boxes_and_crowds_as_ignore_regions(tmp_path):
    (item,) = read_labelled(coco(tmp_path))
    assert item.boxes.tolist() == [[1, 2, 4, 6.5], [9, 9, 12, 13]]
    assert item.classes == ("car", "car") and item.ignore.tolist() == [False, True]
    assert item.difficulty == (None, None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"annotations": [{"image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4]}]}, "image_id 9"),
        ({"annotations": [{"image_id": 5, "category_id": 3}]}, "number 0: 'bbox' is missing"),
        ({"annotations": [{"image_id": 5, "category_id": 3, "bbox": [1, "a", 3, 4]}]}, "not a box"),
        ({"images": [{"id": 5, "file_name": "../a.png"}]}, "lies outside the folder"),
        ({"images": [{"id": 5, "file_name": "b.png"}], "annotations": []}, r"'b\.png' is not in"),
        ({"categories": 3}, "'categories' is not a list"),
    ],
)
def test_a_wrong_coco_file_gives_one_sentence(tmp_path, changes, sentence):
    with pytest.raises(DatasetError, match=sentence):
        read_labelled(coco(tmp_path, **changes))


def test_what_exporters_write_otherwise_is_read_alike(tmp_path):
    (plain,) = read_labelled(coco(tmp_path / "plain"))
    folder = coco(
        tmp_path / "floats",
        images=[{"id": 5.0, "file_name": "a.png", "width": 40.0, "height": 30.0}],
        categories=[{"id": 3.0, "name": "car"}, {"id": 7.0, "name": "person"}],
    )
    file = folder / "instances.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())  # a byte order mark
    (item,) = read_labelled(folder)
    assert item.boxes.tolist() == plain.boxes.tolist() and item.classes == plain.classes


def test_cocos_own_layout_is_read(tmp_path):
    folder = coco(tmp_path)
    (folder / "annotations").mkdir()
    (folder / "val2017").mkdir()
    (folder / "a.png").rename(folder / "val2017" / "a.png")
    (folder / "instances.json").rename(folder / "annotations" / "instances_val2017.json")
    for other in ("instances_train2017", "captions_val2017", "person_keypoints_val2017"):
        (folder / "annotations" / f"{other}.json").write_text("{}")
    (item,) = read_labelled(folder)
    assert item.classes == ("car", "car") and item.name == "a.png"
    (folder / "train2017").mkdir()  # now there are two sets to choose from
    with pytest.raises(DatasetError, match="2 annotation files"):
        read_labelled(folder)


def test_labels_for_another_size_are_refused_also_after_exif_turning(tmp_path):
    folder = coco(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.new("RGB", (40, 30)).save(folder / "a.png", exif=exif)
    with pytest.raises(DatasetError, match=r"a\.png has 30 x 40 .* labels are for 40 x 30"):
        read_labelled(folder)
    coco(folder, images=[{"id": 5, "file_name": "a.png", "width": 30, "height": 40}])
    Image.new("RGB", (40, 30)).save(folder / "a.png", exif=exif)
    (item,) = read_labelled(folder)
    assert item.image.shape == (40, 30, 3)


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_number_that_no_float_holds_is_refused(tmp_path, digits):
    folder = coco(tmp_path)
    file = folder / "instances.json"
    file.write_text(file.read_text().replace("4.5", "9" * digits))
    said = "is not a box of four numbers" if digits < 4300 else "number of too many digits"
    with pytest.raises(DatasetError, match=said):
        read_labelled(folder)


def test_kittis_tracking_form_is_named(tmp_path):
    labels = "".join(f"{n} 0 {line}\n" for n, line in enumerate(LABELS.splitlines()))
    with pytest.raises(DatasetError, match="line 1, is of KITTI's tracking form, whose 17 columns"):
        read_labelled(kitti(tmp_path, labels))


def test_broken_json_gives_line_and_column(tmp_path):
    coco(tmp_path)
    (tmp_path / "instances.json").write_text('{"images": [\n  }')
    with pytest.raises(DatasetError, match=r"instances\.json, line 2, column 3: not JSON"):
        read_labelled(tmp_path)


def test_crops_form(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (20, 20)).save(tmp_path / "images" / "x.png")
    entry = {"x": {"boxes_xyxy": [[1, 2, 10, 12]], "offset": [0, 0]}}
    (tmp_path / "boxes.json").write_text(json.dumps(entry))
    (item,) = read_labelled(tmp_path, 10, 10)
    assert item.boxes.tolist() == [[0.5, 1, 5, 6]] and item.classes == ("car",)
    (tmp_path / "boxes.json").write_text('{"x": {"boxes_xyxy": [[1, 2, 3]]}}')
    with pytest.raises(DatasetError, match=r"key 'x', box 1: \[1, 2, 3\] is not a box"):
        read_labelled(tmp_path)
    (tmp_path / "boxes.json").write_text("{}")
    with pytest.raises(DatasetError, match="no list 'boxes_xyxy'"):
        read_labelled(tmp_path)


@needs_kitti
def test_real_kitti_labels_hold_the_cars_of_the_published_list():
    cars: dict[str, list[list[float]]] = {}
    with gzip.open(KITTI / "boxes_of_7481_training_frames.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if row["class"] == "Car":
                box = [float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax")]
                cars.setdefault(row["frame"], []).append(box)
    for item in read_labelled(KITTI / "labelled"):
        height, width = item.image.shape[:2]
        found = [box for box, name in zip(item.boxes, item.classes, strict=True) if name == "car"]
        # The list has whole pixels, the last one included; some frames are cut at the right.
        truth = np.array(cars.get(item.name[:6], [])).reshape(-1, 4) + [0, 0, 1, 1]
        truth = truth.clip(0, [width, height, width, height])
        truth = truth[(truth[:, 2:] > truth[:, :2]).all(1)]
        assert len(found) == len(truth)
        for box in found:
            assert np.abs(truth - box).max(1).min() <= 1.0


@needs_kitti
def test_real_kitti_is_read_small():
    labelled = read_labelled(KITTI / "labelled", 414, 125)
    assert len(labelled) == 23
    assert all(item.image.shape == (125, 414, 3) for item in labelled)
    levels = [level for item in labelled for level in item.difficulty]
    assert {"easy", "moderate", "hard", None} == set(levels)
    assert len(read_labelled(KITTI / "crops352" / "val", 176, 176, most=5)) == 5
