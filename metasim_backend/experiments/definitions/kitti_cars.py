"""KITTI: detectors of cars that never saw a labelled photograph, scored on real streets."""

from __future__ import annotations

from dataclasses import replace

from metasim_backend.experiments.goals import difference_goal, row_goal
from metasim_backend.experiments.real_detection import RealDetection
from metasim_backend.tasks.detector_settings import DetectorSettings

_CARS = RealDetection(
    name="kitti-cars",
    title="KITTI: cars detected in real streets",
    about="Does a detector find more cars in real streets when its generator has learned?",
    metric="AP@0.5, points",
    rows={
        "grammar": "grammar",
        "camera": "grammar, learned camera model",
        "content": "learned content and camera model",
        "camera, self-trained": "grammar and camera model, self-trained on photographs",
        "content, self-trained": "learned content and camera model, self-trained",
        "oracle": "the labelled photographs of the first set",
    },
    differences=(
        ("content", "camera"),
        ("content", "grammar"),
        ("camera", "grammar"),
        ("camera, self-trained", "camera"),
        ("content, self-trained", "camera, self-trained"),
        ("content, self-trained", "content"),
    ),
    takes=("target", "validation", "test", "detector"),
    needs=("target", "validation", "test"),
    digits=1,
    # Easy cars of all of KITTI, Mask R-CNN with a ResNet-50: not to be compared in height.
    paper={"grammar": {"AP@0.5, test": 63.7}, "content": {"AP@0.5, test": 67.0}},
    grammar="driving_photographs.yaml",
    detector=DetectorSettings.for_photographs(),
    streets=300,
    size=(1242, 375),
    small=(416, 128),
    most_alike=0.9,  # a drive's neighbouring frames show the same cars
    steps=750,
    self_steps=400,
    goals=(
        row_goal("grammar", "AP@0.5, test", "≥", 55, "the grammar alone", mean=True),
        difference_goal("content", "grammar", "AP@0.5, test", 3),
        difference_goal("camera, self-trained", "camera", "AP@0.5, test", 6),
        difference_goal("content, self-trained", "camera, self-trained", "AP@0.5, test", 2),
    ),
)

EXPERIMENTS = (
    _CARS,
    replace(
        _CARS,
        name="kitti-cars-labelled-content",
        title="KITTI: cars detected in real streets, content from labels",
        about="How much could a detector of cars gain if content were read without an error?",
        rows={
            "camera": "grammar, learned camera model",
            "labelled content": "the same, streets chosen by the labels of 2,000 frames",
        },
        differences=(("labelled content", "camera"),),
        takes=(*_CARS.takes, "boxes"),
        needs=(*_CARS.needs, "boxes"),
        paper={},
        goals=(difference_goal("labelled content", "camera", "AP@0.5, test", 3),),
    ),
    replace(
        _CARS,
        name="kitti-cars-looks",
        title="KITTI: cars detected in real streets, by the streets' look",
        about="Does a detector find more cars when its streets' Fourier amplitudes are changed?",
        rows={
            "camera": "grammar, learned camera model",
            "camera, FDA": "the same, low frequencies as strong as in photographs",
            "camera, PASTA": "the same, high frequencies' strength scattered",
        },
        differences=(("camera, FDA", "camera"), ("camera, PASTA", "camera")),
        paper={},
        goals=(difference_goal("camera, FDA", "camera", "AP@0.5, test", 6),),
    ),
)
