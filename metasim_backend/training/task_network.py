"""The task network that a run's settings ask for."""

from __future__ import annotations

from dataclasses import replace

from metasim_backend.tasks.detector import Detector, DetectorSettings
from metasim_backend.training.seeds import generator
from metasim_backend.training.settings import TrainSettings


def new_detector(settings: TrainSettings) -> Detector:
    """A fresh task network with the run's settings; its parameters depend on the seed only."""
    wanted = settings.detector
    base = DetectorSettings() if wanted.size == "paper" else DetectorSettings.for_cpu()
    return Detector(
        replace(
            base,
            backbone=wanted.backbone,
            weights=wanted.weights,
            masks=wanted.masks,
            upscale=wanted.upscale,
        ),
        generator(settings.seed, "detector"),
    )
