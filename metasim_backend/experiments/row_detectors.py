"""The detector that each row trains: from the same first weights, with the same draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from metasim_backend.datasets.targets import TargetImages
from metasim_backend.experiments.experiment import Options
from metasim_backend.experiments.predictions_file import read_predictions, write_predictions
from metasim_backend.experiments.seed_result import SeedResult
from metasim_backend.experiments.self_labels import self_labelled
from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.tasks.detector import Detector, Example
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training.seeds import generator
from metasim_backend.training.street_detector import KEPT_STEPS

TEACHER = "teacher.pt"
ROUNDS = 2
"""Of self-training; each begins with what the detector then sees in the photographs."""


@dataclass(frozen=True, kw_only=True)
class RowDetectors:
    """A seed's detectors.

    Attributes:
        number: the seed.
        folder: of the seed; each row has one in it.
        target: folder of photographs.
        settings: of all of them.
        size: of streets and photographs, pixels.
        steps: of training.
        self_steps: the last of them, in which self-trained ones see photographs too; a multiple of
            :data:`ROUNDS`.
        taught_by: of a self-trained row, whose it goes on from.
        kept: what has been measured.
        say: told what is going on.
    """

    number: int
    folder: Path
    target: Path
    settings: DetectorSettings
    size: tuple[int, int]
    steps: int
    self_steps: int
    taught_by: Mapping[str, str]
    kept: SeedResult
    say: Callable[[str], object]

    def untrained(self) -> Detector:
        return Detector(self.settings, generator(self.number, "detector"))

    def of(self, row: str, streets: Callable[[], Sequence[Example]]) -> Detector:
        """A row's, trained from wherever an earlier call was interrupted.

        Args:
            streets: gives those that it is to learn, where it is not trained yet.
        """
        path = self.folder / row / "detector.pt"
        path.parent.mkdir(exist_ok=True)
        detector, draws, spent = self.untrained(), generator(self.number, "detector-steps"), 0.0
        if path.exists() or row in self.taught_by:
            begun = path if path.exists() else self._teacher(row)
            state = torch.load(begun, weights_only=True)
            detector.load_state_dict(state["detector"])
            draws.set_state(state["draws"])
            spent = state["seconds"] if path.exists() else 0.0
        if detector.steps >= self.steps:
            return detector
        plain = streets()
        ends = [self.steps - self.self_steps + i * self._round for i in range(ROUNDS + 1)]
        while detector.steps < self.steps:
            turn = sum(detector.steps >= end for end in ends)
            examples = plain
            if row in self.taught_by:
                examples = [*plain, *self._photographs(row, turn, detector, len(plain))]
            while detector.steps < ends[turn]:
                started = time.monotonic()
                steps = min(KEPT_STEPS, ends[turn] - detector.steps)
                losses = detector.train_examples(examples, steps, draws)
                spent += time.monotonic() - started
                state = {
                    "detector": detector.state_dict(),
                    "draws": draws.get_state(),
                    "seconds": spent,
                }
                if row in self.taught_by.values() and detector.steps == ends[0]:
                    # First: what is interrupted between the two is done again.
                    write_tensors(self.folder / row / TEACHER, state)
                write_tensors(path, state)
                self.say(
                    f"{row}, step {detector.steps} of {self.steps}, loss {losses['total']:.3f}, "
                    f"{(time.monotonic() - started) / steps:.2f} s a step"
                )
        self.kept.note_seconds(f"detector of {row}", spent)
        return detector

    @property
    def _round(self) -> int:
        return self.self_steps // ROUNDS

    def _teacher(self, row: str) -> Path:
        return self.folder / self.taught_by[row] / TEACHER

    def _photographs(self, row: str, turn: int, detector: Detector, streets: int) -> list[Example]:
        """About as many photographs as streets, with what the detector sees in them as it is when
        a round begins."""
        path = self.folder / row / f"seen_{turn}.pt"
        images = TargetImages.read(self.target, *self.size).images
        if not path.exists():
            write_predictions(
                path, detector.predict([image.permute(1, 2, 0).numpy() for image in images])
            )
        photographs = self_labelled(images, read_predictions(path), self.settings.classes)
        cars = sum(len(target.boxes) for _, target in photographs)
        self.say(f"{row}, round {turn}: {cars} cars in {len(photographs)} pictures")
        return photographs * max(1, round(streets / len(photographs)))


def with_weights(settings: DetectorSettings, options: Options) -> DetectorSettings:
    """The detector that begins with the file of weights that was asked for, if any was."""
    given = options.detector
    return settings if given is None else replace(settings, weights=str(given))


def named_detector(settings: DetectorSettings, options: Options) -> dict[str, Any]:
    """The same as plain data that is equal wherever the file lies."""
    name = "DEFAULT" if options.detector is None else options.detector.name
    return with_weights(settings, options).to_dict() | {"weights": name}
