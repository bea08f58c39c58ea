"""The task network of a run: which one a world needs, with the run's settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metasim_backend.networks.device import network_device
from metasim_backend.settings import TrainSettings
from metasim_backend.tasks.detector import Detector
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training.seeds import generator
from metasim_backend.worlds.registry import WORLDS
from metasim_backend.worlds.world import Task

if TYPE_CHECKING:
    from metasim_backend.tasks.task import TaskNetwork


def task_of(domain: str) -> Task:
    """The kind of task network that a world is for; a detector where nothing else is known."""
    return WORLDS[domain].task if domain in WORLDS else "detector"


def new_task_network(settings: TrainSettings, domain: str) -> TaskNetwork:
    """A fresh task network; its parameters depend on the settings and the seed only."""
    task = task_of(domain)
    source = generator(settings.seed, task)
    size = settings.rendering.width, settings.rendering.height
    device = str(network_device(settings.networks.device))
    if task == "classifier":
        from metasim_backend.tasks.classifier import Classifier, ClassifierSettings

        return Classifier(replace(ClassifierSettings.short(*size), device=device), source)
    if task == "segmenter":
        from metasim_backend.tasks.segmenter import Segmenter, SegmenterSettings

        return Segmenter(replace(SegmenterSettings.short(*size), device=device), source)
    return new_detector(settings)


def new_detector(settings: TrainSettings) -> Detector:
    """A fresh detector with the run's settings."""
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
        network_device(settings.networks.device),
    )
