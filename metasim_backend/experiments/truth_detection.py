"""Is a detector better at a hidden truth when the generator of its training data has learned it?

Detectors are taught on streets of the prior, of the generator that was matched to the truth's
pictures, and of the truth itself. All are scored on labelled pictures of the truth that no row has
seen. Of real streets nobody has so many labels, nor the last row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.datasets.readers.labelled import LabelledImage
from metasim_backend.experiments.driving_truth import DrivingTruth
from metasim_backend.experiments.experiment import Experiment, Measurement, Options, Tell
from metasim_backend.experiments.hidden_target import scenes_of
from metasim_backend.experiments.paired_gain import gains_of_seeds, paired_gain
from metasim_backend.experiments.predictions_file import read_predictions, write_predictions
from metasim_backend.experiments.row_detectors import named_detector, with_weights
from metasim_backend.experiments.seed_result import SeedResult
from metasim_backend.grammar import load_grammar
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.tasks.average_precision import detection_score
from metasim_backend.tasks.detector import Detector, Example
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.street_detector import train_kept
from metasim_backend.training.street_examples import kept_examples
from metasim_backend.worlds.registry import open_renderer

RESULT = "detection.json"
GRAMMAR, LEARNED, TRUTH = "grammar", "learned", "truth"
SCORE = "AP@0.5"
WAY = "share of the way, %"


@dataclass(frozen=True, eq=False)
class _Seed:
    """What measuring a seed goes on with.

    Attributes:
        number: the seed.
        folder: where all is kept.
        kept: what has been measured.
        tell: told what is going on.
    """

    number: int
    folder: Path
    options: Options
    renderer: DifferenceRenderer
    kept: SeedResult
    tell: Tell


@dataclass(frozen=True, kw_only=True)
class TruthDetection(Experiment):
    """Rows are generators, each of which teaches a detector of every hidden truth.

    Attributes:
        matching: how the truths are learned; its seeds' folders may be used.
        row: which of its rows learns.
        detector: of all detectors.
        streets, tested: labelled pictures a row, and of each truth, of ``size`` (width, height)
            pixels.
        steps: of a detector's training.
    """

    matching: DrivingTruth
    row: str
    detector: DetectorSettings
    streets: int
    tested: int
    size: tuple[int, int]
    steps: int

    def depends_on(self, options: Options) -> dict[str, Any]:
        return self.matching.depends_on(options) | {
            "detector": named_detector(self.detector, options),
            "budget": [self.streets, self.tested, *self.size, self.steps],
        }

    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """``scores`` by ``truth/row``; ``gains`` with their intervals over the test pictures by
        ``truth/row - row``; ``seconds`` by part."""
        kept = SeedResult(folder / RESULT)
        self._untrained(seed, options)  # says now if there are no weights
        folder.mkdir(parents=True, exist_ok=True)
        domain = load_grammar(SCENES / self.matching.grammar).domain
        with closing(open_renderer(domain)) as renderer:
            work = _Seed(seed, folder, options, renderer, kept, tell)
            for truth in self.matching.truths:
                self._measure_truth(work, truth)
        return kept.content

    def measurement(self, content: Mapping[str, Any]) -> Measurement:
        rows: dict[str, dict[str, float | None]] = {}
        means: dict[str, float] = {}
        for row in self.rows:
            points = {
                truth: 100 * content["scores"][f"{truth}/{row}"]["ap50"]
                for truth in self.matching.truths
            }
            means[row] = float(np.mean(list(points.values())))
            rows[row] = {SCORE: means[row]}
            rows[row] |= {f"{truth}: {SCORE}": value for truth, value in points.items()}
        rows[LEARNED][WAY] = way(means[GRAMMAR], means[LEARNED], means[TRUTH])
        return Measurement(rows=rows, seconds=content["seconds"])

    def more(
        self, contents: Sequence[Mapping[str, Any]], record: dict[str, Any], options: Options
    ) -> dict[str, Any]:
        """``gains`` of each seed, with intervals over the test pictures."""
        gains, notes = gains_of_seeds(contents, record["seeds"])
        return {"gains": gains, "notes": notes}

    def runs(self, folder: Path) -> dict[str, Path]:
        return {truth: folder / truth / self.row for truth in self.matching.truths}

    def highlights(self, record: Mapping[str, Any]) -> str:
        rows = record["rows"]
        means = [f"{row} {numbers[SCORE]['mean']:.1f}" for row, numbers in rows.items()]
        return f"AP@0.5 on the hidden truths: {', '.join(means)}"

    def _measure_truth(self, work: _Seed, truth: str) -> None:
        """Scores and gains of a truth, but for those that are there."""
        done = work.kept.content
        rows = [row for row in self.rows if f"{truth}/{row}" not in done.get("scores", {})]
        pairs = [p for p in self.differences if _gain(truth, p) not in done.get("gains", {})]
        if not rows and not pairs:
            return
        work.tell(f"seed {work.number}: {truth}, pictures to be tested on")
        labelled = self._tested(work, truth)
        found = work.folder / truth
        for row in rows:
            work.tell(f"seed {work.number}: {truth}, {row}")
            detector = self._trained(work, truth, row)
            predictions = detector.predict([one.image for one in labelled])
            write_predictions(found / f"found_{row}.pt", predictions)
            score = detection_score(labelled, predictions).to_dict()
            work.kept.put_in("scores", f"{truth}/{row}", score)
        for pair in pairs:
            one, two = (read_predictions(found / f"found_{row}.pt") for row in pair)
            gain = paired_gain(labelled, one, two, work.number)
            work.kept.put_in("gains", _gain(truth, pair), gain)

    def _trained(self, work: _Seed, truth: str, row: str) -> Detector:
        streets = self._streets(work, truth, row)
        started = time.monotonic()
        detector = self._untrained(work.number, work.options)
        path = _home(work.folder, truth, row) / f"detector_{row}.pt"
        say = partial(_step, work.tell, f"{truth}/{row}")
        train_kept(detector, streets, path, self.steps, work.number, say)
        work.kept.note_seconds(f"{truth}/{row}: detector", time.monotonic() - started)
        return detector

    def _tested(self, work: _Seed, truth: str) -> list[LabelledImage]:
        hidden = load_grammar(SCENES / self.matching.truths[truth])
        scenes = partial(scenes_of, hidden, work.number, "tested", self.tested)
        some = self._rendered(work, work.folder / truth / "tested", scenes, self.tested)
        return [_labelled(one, self.detector.classes) for one in some]

    def _streets(self, work: _Seed, truth: str, row: str) -> list[Example]:
        """A row's streets. All rows' have the same structures, drawn with the same seeds."""
        file = self.matching.truths[truth] if row == TRUTH else self.matching.grammar

        def scenes() -> list[SceneGraph]:
            seed = work.number
            proposed = scenes_of(load_grammar(SCENES / file), seed, "taught", self.streets)
            if row != LEARNED:
                return proposed
            started = time.monotonic()
            _, learned = self.matching.learn(
                truth, self.row, seed, work.folder, work.options, work.renderer
            )
            work.kept.note_seconds(f"{truth}: matching", time.monotonic() - started)
            return learned.transform_all(proposed, derive_seed(seed, "taught"))

        at = _home(work.folder, truth, row) / f"streets_{row}"
        return self._rendered(work, at, scenes, self.streets)

    def _rendered(
        self, work: _Seed, folder: Path, scenes: Callable[[], list[SceneGraph]], count: int
    ) -> list[Example]:
        width, height = self.size
        render = load_grammar(SCENES / self.matching.grammar).render
        render = replace(render, width=width, height=height)

        def done(number: int) -> None:
            work.tell(f"{folder.name}: {number} of {count} pictures")

        return kept_examples(folder, work.renderer, render, scenes, count, self.detector, done)

    def _untrained(self, seed: int, options: Options) -> Detector:
        return Detector(with_weights(self.detector, options), generator(seed, "detector"))


def _step(tell: Tell, part: str, step: int) -> None:
    tell(f"{part}, step {step}")


def _gain(truth: str, pair: tuple[str, str]) -> str:
    return f"{truth}/{pair[0]} - {pair[1]}"


def _home(folder: Path, truth: str, row: str) -> Path:
    """Where a row's streets and detector are kept: the prior's are the same for all truths."""
    return folder if row == GRAMMAR else folder / truth


def way(prior: float, learned: float, truth: float) -> float | None:
    """Which share, in %, of the way from the prior's score to the truth's was gone; None where
    there is none."""
    return 100 * (learned - prior) / (truth - prior) if truth > prior else None


def _labelled(example: Example, classes: Sequence[str]) -> LabelledImage:
    picture, target = example
    return LabelledImage(
        picture.permute(1, 2, 0).numpy(),
        target.boxes.numpy(),
        tuple(classes[label - 1] for label in target.labels.tolist()),
        np.zeros(len(target.boxes), dtype=bool),
        (None,) * len(target.boxes),
    )
