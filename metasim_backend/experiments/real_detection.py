"""Does a detector find more on real streets when the generator of its training data has learned?

All rows train the same detector, from the same first weights and with the same draws, on as many
streets of the same structures. Nothing of them is labelled by hand: labels of photographs are
looked at when detectors are scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from metasim_backend.datasets.box_table import frames_in_table
from metasim_backend.datasets.readers.labelled import LabelledImage, check_cars, read_labelled
from metasim_backend.datasets.readers.pictures import list_pictures
from metasim_backend.datasets.targets import TargetImages
from metasim_backend.experiments.experiment import (
    Experiment,
    ExperimentError,
    Measurement,
    Options,
    Tell,
)
from metasim_backend.experiments.other_looks import OtherLooks, like_photographs
from metasim_backend.experiments.paired_gain import gains_of_seeds, paired_gain
from metasim_backend.experiments.predictions_file import read_predictions, write_predictions
from metasim_backend.experiments.row_detectors import (
    ROUNDS,
    RowDetectors,
    named_detector,
    with_weights,
)
from metasim_backend.experiments.seed_result import SeedResult
from metasim_backend.experiments.self_labels import SURE, UNSURE
from metasim_backend.experiments.street_content import content, counted, middle_boxes, tall_enough
from metasim_backend.experiments.street_rows import (
    CAMERA,
    CONTENT,
    GRAMMAR,
    LABELLED_CONTENT,
    StreetRows,
)
from metasim_backend.grammar import Grammar, load_grammar
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.tasks.average_precision import detection_score
from metasim_backend.tasks.detection_targets import DetectionTarget
from metasim_backend.tasks.detector import Detector, Example
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.tasks.fourier_looks import with_scattered_amplitudes
from metasim_backend.training.content.content_choice import (
    CANDIDATES,
    LEAST_HEIGHT,
    MOST_TIMES,
    PROPOSED,
    check_enough,
)
from metasim_backend.training.content.proposals import APART, DISPLACED, TOGETHER
from metasim_backend.training.seeds import generator
from metasim_backend.worlds.registry import open_renderer

RESULT = "result.json"
SELF_TRAINED = {"camera, self-trained": CAMERA, "content, self-trained": CONTENT}
"""Rows with the last of their steps on photographs too, labelled by the detector of another row."""
FDA, PASTA = "camera, FDA", "camera, PASTA"
"""Rows whose streets are the camera row's, in other looks."""
STREETS_OF = {**SELF_TRAINED, FDA: CAMERA, PASTA: CAMERA}
"""Whose streets a row has that renders none of its own."""
RENDERED = (GRAMMAR, CAMERA, CONTENT, LABELLED_CONTENT)
ORACLE = "oracle"
"""The row that is taught on the labelled photographs on which settings are chosen."""
_ORDER = (CAMERA, CONTENT, LABELLED_CONTENT, *SELF_TRAINED, GRAMMAR, ORACLE, FDA, PASTA)
"""In which rows are measured: the comparison that matters comes first."""


@dataclass(frozen=True, kw_only=True)
class RealDetection(Experiment):
    """Rows are generators; each trains a detector that is scored on labelled photographs.

    Attributes:
        grammar: file below ``scenes/``.
        detector: of all detectors.
        streets: labelled pictures a row, of ``size`` (width, height) pixels.
        small: of the pictures in which a camera is fitted first.
        most_alike: largest likeness of two photographs from which content is learned.
        steps: of a detector's training.
        self_steps: the last of them, for which a self-trained detector sees photographs too.
    """

    grammar: str
    detector: DetectorSettings
    streets: int
    size: tuple[int, int]
    small: tuple[int, int]
    most_alike: float
    steps: int
    self_steps: int

    def depends_on(self, options: Options) -> dict[str, Any]:
        grammar = load_grammar(SCENES / self.grammar)
        sets = {name: self._labelled(options, name) for name in ("validation", "test")}
        return {
            "grammar": grammar.to_dict(),
            "detector": named_detector(self.detector, options),
            "budget": [self.streets, *self.size, *self.small, self.steps, self.self_steps, ROUNDS],
            "self-labels": [SURE, UNSURE],
            "content": [self.most_alike, PROPOSED, CANDIDATES, MOST_TIMES, LEAST_HEIGHT],
            "proposals": [DISPLACED, TOGETHER, APART],
            **(
                {"table": options.boxes and options.boxes.name}
                if LABELLED_CONTENT in self.rows
                else {}
            ),
            "pictures": {
                "target": [path.name for path in list_pictures(_target(options), "target folder")],
                **{name: [one.name for one in some] for name, some in sets.items()},
            },
        }

    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """``scores`` by row and set of photographs, ``gains`` with their intervals by pair of rows,
        ``content`` of the streets' middle and of the photographs on which settings are chosen,
        ``cameras`` by size, ``learned content``, ``reading`` (whether the detector that content was
        read by counts right in labelled photographs), ``seconds`` by part."""
        kept, grammar = SeedResult(folder / RESULT), load_grammar(SCENES / self.grammar)
        sets = {name: self._labelled(options, name) for name in ("validation", "test")}
        # Mistakes are said now, not after an hour: too few photographs, weights that are not there.
        if options.overrides:
            raise ExperimentError(
                f"{self.name} trains no run that {options.overrides[0]!r} could be a setting of; "
                "leave --set out."
            )
        photographs = TargetImages.read(_target(options), *self.small)
        check_enough(len(photographs.different(self.most_alike)))
        if options.boxes is not None:
            frames_in_table(options.boxes)
        Detector(with_weights(self.detector, options), generator(seed, "detector"))
        folder.mkdir(parents=True, exist_ok=True)
        side = sets["validation"][0].image.shape[1]
        with closing(open_renderer(grammar.domain)) as renderer:
            rows, detectors = self._parts(seed, folder, options, grammar, renderer, kept, tell)

            streets = partial(self._streets, rows, detectors, sets["validation"])
            for row in sorted(self.rows, key=_ORDER.index):
                if row in kept.content.get("scores", {}):
                    continue
                detector = detectors.of(row, partial(streets, row))
                scores = {}
                for name, labelled in sets.items():
                    if row == ORACLE and name == "validation":
                        continue  # learned by heart
                    found = detector.predict([one.image for one in labelled])
                    scores[name] = detection_score(labelled, found).to_dict()
                    write_predictions(folder / row / f"found_{name}.pt", found)
                kept.put_in("scores", row, scores)
            for row in self.rows:
                if row in RENDERED and row not in kept.content.get("content", {}):
                    kept.put_in("content", row, content(middle_boxes(streets(row), side), side))
        if "learned content" in kept.content and "reading" not in kept.content:
            found = read_predictions(folder / CAMERA / "found_validation.pt")
            least_score = kept.content["learned content"]["least score"]
            least_height = LEAST_HEIGHT * self.size[1]
            kept.put("reading", counted(found, sets["validation"], least_score, least_height))
        if "photographs" not in kept.content.get("content", {}):
            boxes = [tall_enough(torch.from_numpy(one.boxes)) for one in sets["validation"]]
            kept.put_in("content", "photographs", content(boxes, side))
        for first, second in self.differences:
            gain = f"{first} - {second}"
            if gain not in kept.content.get("gains", {}):
                one, two = (
                    read_predictions(folder / row / "found_test.pt") for row in (first, second)
                )
                kept.put_in("gains", gain, paired_gain(sets["test"], one, two, seed))
        return kept.content

    def measurement(self, content: Mapping[str, Any]) -> Measurement:
        return Measurement(
            rows={
                row: {f"AP@0.5, {name}": 100 * one["ap50"] for name, one in scores.items()}
                | content.get("content", {}).get(row, {})
                for row, scores in content["scores"].items()
            },
            seconds=content["seconds"],
        )

    def more(
        self, contents: Sequence[Mapping[str, Any]], record: dict[str, Any], options: Options
    ) -> dict[str, Any]:
        """``gains`` of each seed on the test pictures, with intervals over these pictures, and
        how well the photographs' content was met."""
        gains, notes = gains_of_seeds(contents, record["seeds"])
        real = contents[0].get("content", {}).get("photographs", {})
        shown = ", ".join(f"{name} {value:.3g}" for name, value in real.items())
        notes += [f"labelled photographs show: {shown}"]
        for seed, one in zip(record["seeds"], contents, strict=True):
            if learned := one.get("learned content"):
                read = one["reading"]
                notes.append(
                    f"seed {seed}: as it was believed when content was read, the camera row's "
                    f"detector finds {read['found']:.2f} cars a labelled picture, which shows "
                    f"{read['labelled']:.2f}"
                )
                before, after = (_clearly_other(learned, name) for name in ("before", "after"))
                notes.append(
                    f"seed {seed}: of {len(learned['names'])} counts of boxes in "
                    f"{learned['seen']} photographs {before} are clearly others in the grammar's "
                    f"streets, and {after} in chosen ones"
                )
        return {"gains": gains, "photographs": real, "notes": notes}

    def highlights(self, record: Mapping[str, Any]) -> str:
        means = [
            f"{row} {numbers['AP@0.5, test']['mean']:.1f}"
            for row, numbers in record["rows"].items()
        ]
        return f"AP@0.5 on real streets: {', '.join(means)}"

    def _streets(
        self,
        rows: StreetRows,
        detectors: RowDetectors,
        labelled: Sequence[LabelledImage],
        row: str,
    ) -> Sequence[Example]:
        """What a row's detector is taught on; those of a self-trained one without photographs."""
        if row == ORACLE:
            return [_example(one) for one in labelled]
        camera = partial(self._streets, rows, detectors, labelled, CAMERA)
        rendered = rows.examples(STREETS_OF.get(row, row), lambda: detectors.of(CAMERA, camera))
        if row == FDA:
            photographs = TargetImages.read(rows.target, *self.size).images
            return OtherLooks(rendered, like_photographs(photographs), rows.number)
        if row == PASTA:
            return OtherLooks(rendered, with_scattered_amplitudes, rows.number)
        return rendered

    def _parts(
        self,
        seed: int,
        folder: Path,
        options: Options,
        grammar: Grammar,
        renderer: DifferenceRenderer,
        kept: SeedResult,
        tell: Tell,
    ) -> tuple[StreetRows, RowDetectors]:
        rows = StreetRows(
            number=seed,
            folder=folder,
            target=_target(options),
            grammar=grammar,
            detector=self.detector,
            size=self.size,
            small=self.small,
            most_alike=self.most_alike,
            streets=self.streets,
            table=options.boxes,
            renderer=renderer,
            kept=kept,
            tell=tell,
        )
        detectors = RowDetectors(
            number=seed,
            folder=folder,
            target=_target(options),
            settings=with_weights(self.detector, options),
            size=self.size,
            steps=self.steps,
            self_steps=self.self_steps,
            taught_by={row: of for row, of in SELF_TRAINED.items() if row in self.rows},
            kept=kept,
            say=rows.say,
        )
        return rows, detectors

    def _labelled(self, options: Options, name: str) -> list[LabelledImage]:
        folder = getattr(options, name)
        labelled = read_labelled(folder)
        check_cars(folder, labelled)
        return labelled


def _target(options: Options) -> Path:
    assert options.target is not None, "the definition says that it is needed"
    return options.target


def _clearly_other(learned: Mapping[str, Any], made: str) -> int:
    """Counts that are two standard errors or more from the photographs'."""
    far = np.abs(np.subtract(learned[made], learned["photographs"]))
    return int((far >= 2 * np.array(learned["errors"])).sum())


def _example(labelled: LabelledImage) -> Example:
    """A labelled photograph as a detector of cars learns it."""
    cars = np.array([name == "car" for name in labelled.classes], dtype=bool) & ~labelled.ignore
    boxes = torch.from_numpy(labelled.boxes[cars]).float().reshape(-1, 4)
    picture = torch.from_numpy(labelled.image.copy()).permute(2, 0, 1).contiguous()
    return picture, DetectionTarget(boxes, torch.ones(len(boxes), dtype=torch.int64), None)
