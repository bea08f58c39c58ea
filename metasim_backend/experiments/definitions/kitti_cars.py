"""KITTI: detectors of cars that never saw a labelled photograph, scored on real streets."""

from __future__ import annotations

from metasim_backend.experiments.goals import difference_goal, row_goal
from metasim_backend.experiments.real_detection import RealDetection
from metasim_backend.tasks.detection_targets import AugmentationSettings
from metasim_backend.tasks.detector_settings import DetectorSettings

_DETECTOR = DetectorSettings.for_cpu(
    weights="DEFAULT",
    trained_stages=2,
    masks=False,
    anchor_sizes=(16, 32, 64, 128, 256),
    canonical_size=112,
    pyramid_channels=64,
    rpn_before_nms=500,
    batch_size=4,
    average_steps=100,
    augmentation=AugmentationSettings(crop=352),
)

EXPERIMENTS = (
    RealDetection(
        name="kitti-cars",
        title="KITTI: cars detected in real streets",
        about="Does a detector find more cars in real streets when its generator has learned?",
        metric="AP@0.5, points",
        rows={
            "grammar": "grammar",
            "camera": "grammar, learned camera model",
            "learned": "learned attributes and camera model",
            "self-trained": "learned, and taught by what it sees in the photographs",
        },
        differences=(
            ("learned", "camera"),
            ("camera", "grammar"),
            ("learned", "grammar"),
            ("self-trained", "learned"),
        ),
        takes=("target", "validation", "test", "detector"),
        needs=("target", "validation", "test"),
        digits=1,
        # Easy cars of all of KITTI, Mask R-CNN with a ResNet-50: not to be compared in height.
        paper={"grammar": {"AP@0.5, test": 63.7}, "learned": {"AP@0.5, test": 65.9}},
        grammar="driving_photographs.yaml",
        settings={
            "phases": ["pretrain", "match"],
            "rendering": {"width": 416, "height": 128},
            "target": {"most_alike": 0.9},  # a drive's neighbouring frames show the same cars
            "evaluation": {"scenes": 40},
            "detector": {"compare_steps": 0},
            "features": {"network": "efficientnet_lite0"},
            "match": {"estimator": "surrogate"},
            "surrogate": {
                "cameras": "any",
                # The camera was fitted to the photographs by the prior's light. And how far away an
                # object is decides whether it is found, in photographs otherwise than in renders.
                "fixed": "*.along,sky.sun_strength,sky.sky_strength,camera.exposure",
            },
        },
        detector=_DETECTOR,
        streets=300,
        size=(1242, 375),
        steps=750,
        self_steps=250,
        goals=(
            row_goal("grammar", "AP@0.5, test", "≥", 55, "the grammar alone", mean=True),
            difference_goal("learned", "camera", "AP@0.5, test", 3),
            difference_goal("self-trained", "learned", "AP@0.5, test", 6),
        ),
    ),
)
