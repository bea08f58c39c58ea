"""kitti-cars: rows have equal draws, nothing is done twice, and gains have true intervals."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from drawn_streets import TINY, DrawnStreets, draw_street
from PIL import Image
from synthetic_light import street_light

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.camera.picture import take_pictures
from metasim_backend.datasets.readers.labelled import LabelledImage
from metasim_backend.experiments import enlarged_camera as enlarging
from metasim_backend.experiments import real_detection, row_detectors, street_rows
from metasim_backend.experiments.definitions import experiment_named
from metasim_backend.experiments.enlarged_camera import enlarged_camera
from metasim_backend.experiments.experiment import Options
from metasim_backend.experiments.paired_gain import paired_gain
from metasim_backend.experiments.self_labels import self_labelled
from metasim_backend.experiments.street_content import content, counted, middle_boxes
from metasim_backend.tasks.detection_targets import DetectionTarget
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training.content import content_choice
from metasim_backend.training.content.box_counts import PictureBoxes
from metasim_backend.training.content.content_choice import learn_content


@pytest.fixture
def options(tmp_path, draw_streets_in):
    return Options(
        target=draw_streets_in("target", 12, boxes=False),
        validation=draw_streets_in("validation", 3),
        test=draw_streets_in("test", 4),
        boxes=table_in(tmp_path),
    )


def table_in(folder):
    """Of twelve frames, twice as large as streets are here, each with a car and a van."""
    lines = ["frame,width,height,class,xmin,ymin,xmax,ymax"]
    for number in range(12):
        lines += [f"{number},192,128,Car,20,40,60,80", f"{number},192,128,Van,120,40,180,100"]
    path = folder / "boxes.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def draw_streets_in(tmp_path):
    def draw(name: str, count: int, boxes: bool = True):
        folder, labels = tmp_path / name, {}
        folder.mkdir()
        for number in range(count):
            frame = draw_street(np.random.default_rng([len(name), number]), 96, 64)
            Image.fromarray(frame.image).save(folder / f"{number}.png")
            shown = [label.visible_box for label in frame.labels if label.visible_pixels > 12]
            labels[str(number)] = {"boxes_xyxy": shown}
        if boxes:
            (folder / "boxes.json").write_text(json.dumps(labels))
        return folder

    return draw


@pytest.fixture
def experiment():
    cars, looks = experiment_named("kitti-cars"), experiment_named("kitti-cars-looks")
    labelled = experiment_named("kitti-cars-labelled-content")
    return replace(
        cars,
        rows=cars.rows | looks.rows | labelled.rows,
        differences=(*cars.differences, *looks.differences, *labelled.differences),
        detector=DetectorSettings.for_cpu(**TINY),
        streets=6,
        size=(96, 64),
        small=(48, 32),
        steps=4,
        self_steps=2,
    )


class Interrupted(Exception):
    pass


@pytest.fixture
def renderer(monkeypatch):
    """Blender and fitting are left out, which have tests of their own: a camera is as bright as its
    scenes."""
    drawn = DrawnStreets()

    def as_bright(photographs, light):
        return SimpleNamespace(camera=CameraModel(exposure=float(light.mean())))

    monkeypatch.setattr(real_detection, "open_renderer", lambda domain: drawn)
    monkeypatch.setattr(street_rows, "fit_camera", as_bright)
    monkeypatch.setattr(street_rows, "CAMERA_RENDERS", 4)
    monkeypatch.setattr(street_rows, "CALIBRATING", 2)
    monkeypatch.setattr(street_rows, "learn_content", partial(learn_content, count=200))
    monkeypatch.setattr(content_choice, "CANDIDATES", 4)
    # A detector of three steps sees nothing.
    monkeypatch.setattr(street_rows, "read_photographs", lambda *_: [seen_in_a_photograph()] * 12)
    monkeypatch.setattr(street_rows, "enlarged_camera", lambda small, *_: replace(small, blur=0.5))
    monkeypatch.setattr(row_detectors, "KEPT_STEPS", 1)
    monkeypatch.setattr(real_detection, "paired_gain", partial(paired_gain, draws=10))
    return drawn


def seen_in_a_photograph() -> PictureBoxes:
    return PictureBoxes(np.array([[10.0, 20, 30, 40], [60, 20, 90, 50]]), 96, 64)


def plain(measured):
    return {name: value for name, value in measured.items() if name != "seconds"}


def test_an_interrupted_seed_ends_as_a_whole_one_and_a_finished_one_does_nothing(
    experiment, options, tmp_path, renderer
):
    told: list[str] = []
    whole = experiment.measure(0, tmp_path / "whole", options, told.append)
    assert set(whole["scores"]) == set(experiment.rows)
    assert set(whole["scores"]["oracle"]) == {"test"}  # the others are learned by heart
    learned = whole["learned content"]
    assert learned["seen"] == 12 and len(learned["choice"]["multipliers"]) == len(learned["names"])
    of_labels = whole["content of labels"]
    assert of_labels["seen"] == 12
    # Twice two boxes of the table are what a photograph is said to show: so are the counts.
    assert of_labels["photographs"] == learned["photographs"]
    numbers = experiment.measurement(whole).rows
    assert numbers["grammar"]["AP@0.5, test"] == 100 * whole["scores"]["grammar"]["test"]["ap50"]

    def stop_after(words: str):
        def tell(text: str) -> None:
            if words in text:
                raise Interrupted

        return tell

    for words in (
        "camera, step 2",
        "2 streets of calibration",
        "content, step 2",
        "labelled content, step 1",
        "content, self-trained, step 3",
        "content, self-trained, round 2",
        "of grammar",
        "oracle, step 2",
        "camera, FDA, step 2",
        "camera, PASTA, step 1",
    ):
        with pytest.raises(Interrupted):
            experiment.measure(0, tmp_path / "parts", options, stop_after(words))
    parts = experiment.measure(0, tmp_path / "parts", options, told.append)
    assert plain(parts) == plain(whole)

    rendered = renderer.rendered
    assert experiment.measure(0, tmp_path / "whole", options, told.append) == whole
    assert renderer.rendered == rendered


def test_mistakes_are_said_before_any_work(experiment, options, tmp_path, renderer):
    empty = tmp_path / "target" / "few"
    empty.mkdir()
    (tmp_path / "target" / "0.png").rename(empty / "0.png")
    with pytest.raises(ValueError, match="10 photographs that differ, or more; there are 1"):
        experiment.measure(0, tmp_path / "seed", replace(options, target=empty), print)
    with pytest.raises(ValueError, match="nowhere.pth"):
        missing = replace(options, detector=tmp_path / "nowhere.pth")
        experiment.measure(0, tmp_path / "seed", missing, print)
    with pytest.raises(ValueError, match="There is no table of boxes"):
        no_table = replace(options, boxes=tmp_path / "none.csv")
        experiment.measure(0, tmp_path / "seed", no_table, print)
    with pytest.raises(ValueError, match="match.steps=9"):
        experiment.measure(
            0, tmp_path / "seed", replace(options, overrides=("match.steps=9",)), print
        )
    assert renderer.rendered == 0 and not (tmp_path / "seed").exists()


def test_a_large_pictures_camera_has_its_own_blur_and_the_small_ones_tones(monkeypatch):
    monkeypatch.setattr(enlarging, "MIDDLE", 96)
    light = street_light(6, seed=1, height=120, width=240)
    truth = CameraModel(blur=1.0, exposure=0.4, gamma=1.2)
    photographs = (take_pictures(light, truth) * 255).round().to(torch.uint8)
    small = CameraModel(blur=0.3, exposure=0.4, gamma=1.2, vignette=0.1)
    found = enlarged_camera(small, photographs, light)
    assert found.blur == pytest.approx(1.0, abs=0.12)  # as the fit itself is tested
    assert replace(found, blur=0.3, sharpening=0.0, shot_noise=0.0, read_noise=0.0) == small


def picture(*boxes) -> LabelledImage:
    return LabelledImage(
        np.zeros((50, 50, 3), np.uint8),
        np.array(boxes, np.float32).reshape(-1, 4),
        ("car",) * len(boxes),
        np.zeros(len(boxes), bool),
        (None,) * len(boxes),
    )


def found(*boxes):
    return {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "scores": np.linspace(0.9, 0.8, len(boxes)).astype(np.float32),
        "labels": ("car",) * len(boxes),
    }


BOX = (5, 5, 25, 25)


def test_equal_detectors_have_no_gain():
    labelled = [picture(BOX) for _ in range(6)]
    some = [found(BOX) if number % 2 else found() for number in range(6)]
    assert paired_gain(labelled, some, some, 0, draws=20) == {"value": 0.0, "interval": [0.0, 0.0]}


def test_the_interval_of_a_gain_is_that_of_a_share():
    """One finds the car in every picture, the other in half of them and errs nowhere: its AP is its
    recall, whose bootstrap is binomial."""
    labelled = [picture(BOX) for _ in range(40)]
    better = [found(BOX)] * 40
    worse = [found(BOX) if number % 2 else found() for number in range(40)]
    gain = paired_gain(labelled, better, worse, 0, draws=1000)
    assert gain["value"] == pytest.approx(50, abs=1.5)  # 101 recalls
    half = 1.96 * 100 * (0.25 / 40) ** 0.5
    assert gain["interval"][0] == pytest.approx(50 - half, abs=3.5)
    assert gain["interval"][1] == pytest.approx(50 + half, abs=3.5)


def test_found_and_labelled_cars_are_counted_from_a_score_and_a_height_on():
    labelled = [picture(BOX, (0, 0, 40, 3)), picture(), picture(BOX, BOX)]
    seen = [found(BOX, BOX), found((0, 0, 40, 3)), found(BOX)]  # scores of 0.9 and 0.8
    assert counted(seen, labelled, 0.85, 10) == {"found": 2 / 3, "labelled": 1.0}


def test_content_is_what_the_middle_of_a_street_shows():
    picture = torch.zeros(3, 100, 300, dtype=torch.uint8)
    boxes = torch.tensor([[10.0, 10, 30, 40], [140, 20, 160, 60], [190, 30, 230, 80]])
    street = (picture, DetectionTarget(boxes, torch.ones(3, dtype=torch.long), None))
    (middle,) = middle_boxes([street], 100)  # from 100 to 200; the first is outside
    assert middle.tolist() == [[40, 20, 60, 60], [90, 30, 100, 80]]
    shown = content([middle, torch.zeros(0, 4)], 100)
    assert shown["cars a picture"] == 1.0 and shown["height, median, px"] == 45.0
    assert shown["off the middle, mean"] == pytest.approx((0 + 0.9) / 2)


def test_sure_detections_are_labels_and_what_is_perhaps_an_object_is_painted_over():
    image = torch.zeros(3, 40, 60, dtype=torch.uint8)
    image[:, :, 30:] = 200  # the mean is 100
    boxes = np.array([[2, 2, 12, 12], [8, 8, 20, 20], [40, 5, 50, 15]], np.float32)
    seen = {
        "boxes": boxes,
        "scores": np.array([0.9, 0.4, 0.1], np.float32),
        "labels": ("car",) * 3,
    }
    ((painted, target),) = self_labelled(image[None], [seen], ("car",))
    assert target.boxes.tolist() == [[2, 2, 12, 12]] and target.labels.tolist() == [1]
    assert (painted[:, 12:20, 12:20] == 100).all()  # perhaps
    assert (painted[:, 2:12, 2:12] == 0).all()  # sure, and in front
    assert (painted[:, 5:15, 40:50] == 200).all()  # unlikely: background
