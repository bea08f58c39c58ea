"""Driving: detectors of cars at hidden truths, of which enough labelled pictures can be had."""

from __future__ import annotations

from metasim_backend.experiments.definitions.driving_truth import EXPERIMENTS as MATCHING
from metasim_backend.experiments.goals import difference_goal, row_goal
from metasim_backend.experiments.truth_detection import (
    GRAMMAR,
    LEARNED,
    SCORE,
    TRUTH,
    WAY,
    TruthDetection,
)
from metasim_backend.tasks.detection_targets import AugmentationSettings
from metasim_backend.tasks.detector_settings import DetectorSettings

EXPERIMENTS = (
    TruthDetection(
        name="driving-truth-cars",
        title="Driving: cars detected at hidden settings",
        about="Does a detector find more cars at a hidden truth when its generator has learned it?",
        metric="AP@0.5, points",
        rows={
            GRAMMAR: "the prior's streets",
            LEARNED: "streets of the generator that was matched to the truth's pictures",
            TRUTH: "the truth's own streets",
        },
        differences=((LEARNED, GRAMMAR), (TRUTH, GRAMMAR), (TRUTH, LEARNED)),
        takes=("detector",),
        digits=1,
        matching=MATCHING[0],
        row="surrogate",
        # Pictures are smaller than photographs are, and so is all that is in them.
        detector=DetectorSettings.for_photographs(
            anchor_sizes=(12, 24, 48, 96, 192),
            canonical_size=80,
            augmentation=AugmentationSettings(),
        ),
        streets=300,
        tested=500,
        size=(480, 288),
        steps=500,
        goals=(
            row_goal(LEARNED, WAY, "≥", 90, "of the way from prior to truth", unit="%", mean=True),
            difference_goal(LEARNED, GRAMMAR, SCORE, 3),
        ),
    ),
)
