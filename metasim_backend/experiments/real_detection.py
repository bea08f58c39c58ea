"""Does a detector find more on real streets when the generator of its training data has learned?

All rows train the same detector, from the same first weights and with the same draws, on as many
streets of the same structures. Nothing of them is labelled by hand: labels of photographs are
looked at when detectors are scored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.camera.fitting.fit import fit_camera
from metasim_backend.camera.renderer import light_of, with_camera
from metasim_backend.datasets.readers.labelled import LabelledImage, check_cars, read_labelled
from metasim_backend.datasets.readers.pictures import list_pictures
from metasim_backend.datasets.targets import TargetImages
from metasim_backend.experiments.enlarged_camera import enlarged_camera
from metasim_backend.experiments.experiment import SCENES, Experiment, Measurement, Options, Tell
from metasim_backend.experiments.hidden_target import scenes_of
from metasim_backend.experiments.paired_gain import paired_gain
from metasim_backend.experiments.seed_result import SeedResult, open_or_begin, trained
from metasim_backend.experiments.self_labels import self_labelled
from metasim_backend.experiments.street_content import content, middle_boxes, tall_enough
from metasim_backend.experiments.street_examples import kept_examples
from metasim_backend.grammar import Grammar, load_grammar
from metasim_backend.rendering.renderer import DifferenceRenderer, Renderer
from metasim_backend.rendering.worlds import open_renderer
from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.settings import merged, without_younger
from metasim_backend.tasks.average_precision import Prediction, detection_score
from metasim_backend.tasks.detector import Detector, Example
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training.estimators.pretrained_reader import reader_digest
from metasim_backend.training.run_config import (
    RunConfig,
    load_generator,
    read_target,
    resolve_settings,
)
from metasim_backend.training.scene_generator import noise_seeds
from metasim_backend.training.seeds import derive_seed, generator

RESULT = "result.json"
Scenes = Callable[[str, int], list[SceneGraph]]
"""So many scenes of a generator, by the name of their draws."""
GRAMMAR, CAMERA, LEARNED, SELF = "grammar", "camera", "learned", "self-trained"
"""Rows: the prior as it is, seen through the fitted camera, and with the learned attributes too;
and that with the last of its steps on photographs labelled by itself."""
_ORDER = (CAMERA, LEARNED, SELF, GRAMMAR)
"""In which rows are measured: the comparison that matters comes first."""
TEACHER = "teacher.pt"
CAMERA_RENDERS = 24
MOST_FITTED = 60
KEPT_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class _Seed:
    """What the parts of a seed's work have in common."""

    number: int
    folder: Path
    options: Options
    grammar: Grammar
    renderer: DifferenceRenderer
    kept: SeedResult
    tell: Tell

    def say(self, text: str) -> None:
        self.tell(f"seed {self.number}: {text}")

    def done(self, part: str) -> bool:
        return part in self.kept.content.get("seconds", {})


@dataclass(frozen=True, kw_only=True)
class RealDetection(Experiment):
    """Rows are generators; each trains a detector that is scored on labelled photographs.

    Attributes:
        grammar: file below ``scenes/``.
        settings: of the learning of attributes.
        detector: of all detectors.
        streets: labelled pictures a row, of ``size`` (width, height) pixels.
        steps: of a detector's training.
        self_steps: the last of them, for which a self-trained detector sees photographs too.
    """

    grammar: str
    settings: Mapping[str, object] = field(default_factory=dict)
    detector: DetectorSettings
    streets: int
    size: tuple[int, int]
    steps: int
    self_steps: int

    def depends_on(self, options: Options) -> dict[str, Any]:
        grammar = load_grammar(SCENES / self.grammar)
        sets = {name: self._labelled(options, name) for name in ("validation", "test")}
        settings = self._config(grammar, 0, options, CameraModel()).settings
        return {
            "grammar": grammar.to_dict(),
            "settings": without_younger(settings),
            "reader": reader_digest(settings, grammar),
            "detector": self._detector(options).to_dict() | {"weights": _weights(options)},
            "budget": [self.streets, *self.size, self.steps, self.self_steps],
            "pictures": {
                "target": [path.name for path in list_pictures(_target(options), "target folder")],
                **{name: [one.name for one in some] for name, some in sets.items()},
            },
        }

    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """``scores`` by row and set of photographs, ``gains`` with their intervals by pair of rows,
        ``content`` of the streets' middle and of the photographs on which settings are chosen,
        ``cameras`` by row and size, ``support`` of what was moved, ``seconds`` by part."""
        kept, grammar = SeedResult(folder / RESULT), load_grammar(SCENES / self.grammar)
        sets = {name: self._labelled(options, name) for name in ("validation", "test")}
        # Mistakes are said now, not after an hour: too few photographs, weights that are not there.
        read_target(self._config(grammar, seed, options, CameraModel()))
        Detector(self._detector(options), generator(seed, "detector"))
        folder.mkdir(parents=True, exist_ok=True)
        side = sets["validation"][0].image.shape[1]
        with closing(open_renderer(grammar.domain)) as renderer:
            work = _Seed(
                number=seed,
                folder=folder,
                options=options,
                grammar=grammar,
                renderer=renderer,
                kept=kept,
                tell=tell,
            )
            config = self._learn(work)
            for row in sorted(self.rows, key=_ORDER.index):
                if row in kept.content.get("scores", {}):
                    continue
                examples = self._streets(LEARNED if row == SELF else row, work, config)
                if row == SELF:
                    examples = self._with_photographs(work, examples)
                detector = self._trained(row, work, examples)
                scores, found = {}, {}
                for name, labelled in sets.items():
                    found[name] = detector.predict([one.image for one in labelled])
                    scores[name] = detection_score(labelled, found[name]).to_dict()
                write_tensors(folder / row / "found.pt", _plain(found))
                kept.put_in("scores", row, scores)
            for row in self.rows:
                if row == SELF or row in kept.content.get("content", {}):
                    continue
                boxes = middle_boxes(self._streets(row, work, config), side)
                kept.put_in("content", row, content(boxes, side))
        if "photographs" not in kept.content.get("content", {}):
            boxes = [tall_enough(torch.from_numpy(one.boxes)) for one in sets["validation"]]
            kept.put_in("content", "photographs", content(boxes, side))
        if LEARNED in self.rows and "support" not in kept.content:
            run = open_or_begin(folder / "run", config)
            kept.put("support", run.read_json("support.json"))
        for first, second in self.differences:
            gain = f"{first} - {second}"
            if gain not in kept.content.get("gains", {}):
                one, two = (_found(folder / row / "found.pt")["test"] for row in (first, second))
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

    def runs(self, folder: Path) -> dict[str, Path]:
        return {"": folder / "run"}

    def more(
        self, contents: Sequence[Mapping[str, Any]], record: dict[str, Any], options: Options
    ) -> dict[str, Any]:
        """``gains`` of each seed on the test pictures, with intervals over these pictures, and what
        was ``moved``."""
        gains = {name: [one["gains"][name] for one in contents] for name in contents[0]["gains"]}
        notes = [
            f"seed {seed}, {name}: {one['value']:+.1f} points "
            f"[{one['interval'][0]:+.1f}, {one['interval'][1]:+.1f}] over the test pictures"
            for name, some in gains.items()
            for seed, one in zip(record["seeds"], some, strict=True)
        ]
        moved = [moved_attributes(one.get("support", {})) for one in contents]
        notes += [
            f"seed {seed}: moved were {', '.join(some) or 'none of the attributes'}"
            for seed, some in zip(record["seeds"], moved, strict=True)
        ]
        real = contents[0].get("content", {}).get("photographs", {})
        shown = ", ".join(f"{name} {value:.3g}" for name, value in real.items())
        notes += [f"labelled photographs show: {shown}"]
        return {"gains": gains, "moved": moved, "photographs": real, "notes": notes}

    def highlights(self, record: Mapping[str, Any]) -> str:
        means = [
            f"{row} {numbers['AP@0.5, test']['mean']:.1f}"
            for row, numbers in record["rows"].items()
        ]
        return f"AP@0.5 on real streets: {', '.join(means)}"

    def _learn(self, work: _Seed) -> RunConfig:
        """Learn attributes from photographs without labels, or see that it was done."""
        camera = self._camera(CAMERA, work, self._matched_size(work), None, self._prior(work))
        config = self._config(work.grammar, work.number, work.options, camera)
        if LEARNED in self.rows and not work.done(LEARNED):
            work.say("learning attributes")
            started = time.monotonic()
            run = open_or_begin(work.folder / "run", config)
            trained(run, config, read_target(config), work.renderer)
            work.kept.put_in("seconds", LEARNED, round(time.monotonic() - started, 1))
        return config

    def _matched_size(self, work: _Seed) -> tuple[int, int]:
        plain = self._config(work.grammar, work.number, work.options, CameraModel())
        return plain.settings.rendering.width, plain.settings.rendering.height

    def _prior(self, work: _Seed) -> Scenes:
        return lambda name, count: scenes_of(work.grammar, work.number, name, count)

    def _learned(self, work: _Seed, config: RunConfig) -> Scenes:
        """Of the same structures as the prior's of that name."""
        learned = load_generator(open_or_begin(work.folder / "run", config), config)
        return lambda name, count: learned.learned(
            [derive_seed(work.number, name, i) for i in range(count)]
        )

    def _camera(
        self,
        row: str,
        work: _Seed,
        size: tuple[int, int],
        small: CameraModel | None,
        scenes: Scenes,
    ) -> CameraModel:
        """The camera with which a row's scenes look as the photographs do.

        Args:
            small: fitted in smaller pictures, where ``size`` is that of streets.
        """
        name = f"{row} {size[0]}x{size[1]}"
        if name not in work.kept.content.get("cameras", {}):
            work.say(f"camera of {name}")
            started = time.monotonic()
            photographs = TargetImages.read(_target(work.options), *size, MOST_FITTED).images
            render = replace(work.grammar.render, width=size[0], height=size[1], linear=True)
            shown = scenes("camera", CAMERA_RENDERS)
            light = light_of(work.renderer.render(shown, noise_seeds(render, shown)))
            if small is None:
                camera = fit_camera(photographs, light).camera
            else:
                camera = enlarged_camera(small, photographs, light)
            work.kept.put_in("seconds", f"camera of {name}", round(time.monotonic() - started, 1))
            work.kept.put_in("cameras", name, camera.to_dict())
        return CameraModel.from_dict(work.kept.content["cameras"][name])

    def _streets(self, row: str, work: _Seed, config: RunConfig) -> list[Example]:
        """Of equal structures in all rows of a seed."""
        scenes = self._learned(work, config) if row == LEARNED else self._prior(work)
        taken: Renderer = work.renderer
        if row != GRAMMAR:
            small = self._camera(row, work, self._matched_size(work), None, scenes)
            taken = with_camera(work.renderer, self._camera(row, work, self.size, small, scenes))
        work.say(f"streets of {row}")
        started = time.monotonic()
        examples = kept_examples(
            work.folder / row / "streets",
            taken,
            replace(work.grammar.render, width=self.size[0], height=self.size[1]),
            lambda: scenes("streets", self.streets),
            self.streets,
            self.detector,
            lambda count: work.say(f"{count} of {self.streets} streets of {row}"),
        )
        work.kept.note_seconds(f"streets of {row}", time.monotonic() - started)
        return examples

    def _with_photographs(self, work: _Seed, streets: list[Example]) -> list[Example]:
        """Streets, and as many photographs with what the learned row's detector sees in them."""
        detector = Detector(self._detector(work.options), generator(work.number, "detector"))
        state = torch.load(work.folder / LEARNED / TEACHER, weights_only=True)
        detector.load_state_dict(state["detector"])
        images = TargetImages.read(_target(work.options), *self.size).images
        found = detector.predict([image.permute(1, 2, 0).numpy() for image in images])
        photographs = self_labelled(images, found, self.detector.classes)
        work.say(f"{sum(len(t.boxes) for _, t in photographs)} cars in {len(photographs)} pictures")
        return [*streets, *photographs * max(1, round(len(streets) / len(photographs)))]

    def _trained(self, row: str, work: _Seed, examples: Sequence[Example]) -> Detector:
        """A row's detector; equal seeds have equal first weights and draws in all rows. A
        self-trained one goes on from the learned row's as it was before its last steps."""
        path = work.folder / row / "detector.pt"
        path.parent.mkdir(exist_ok=True)
        teacher = work.folder / LEARNED / TEACHER
        detector = Detector(self._detector(work.options), generator(work.number, "detector"))
        draws = generator(work.number, "detector-steps")
        spent = 0.0
        if path.exists() or row == SELF:
            state = torch.load(path if path.exists() else teacher, weights_only=True)
            detector.load_state_dict(state["detector"])
            draws.set_state(state["draws"])
            spent = state["seconds"] if path.exists() else 0.0
        before = self.steps - self.self_steps
        while detector.steps < self.steps:
            started = time.monotonic()
            until = before if detector.steps < before else self.steps
            steps = min(KEPT_STEPS, until - detector.steps)
            losses = detector.train_examples(examples, steps, draws)
            spent += time.monotonic() - started
            state = {
                "detector": detector.state_dict(),
                "draws": draws.get_state(),
                "seconds": spent,
            }
            if row == LEARNED and detector.steps == before:
                write_tensors(teacher, state)  # first: what is interrupted here is done again
            write_tensors(path, state)
            work.say(
                f"{row}, step {detector.steps} of {self.steps}, loss {losses['total']:.3f}, "
                f"{(time.monotonic() - started) / steps:.2f} s a step"
            )
        work.kept.note_seconds(f"detector of {row}", spent)
        return detector

    def _detector(self, options: Options) -> DetectorSettings:
        given = options.detector
        return self.detector if given is None else replace(self.detector, weights=str(given))

    def _labelled(self, options: Options, name: str) -> list[LabelledImage]:
        folder = getattr(options, name)
        labelled = read_labelled(folder)
        check_cars(folder, labelled)
        return labelled

    def _config(
        self, grammar: Grammar, seed: int, options: Options, camera: CameraModel
    ) -> RunConfig:
        defaults = merged(self.settings, {"seed": seed, "camera_model": camera.to_dict()})
        settings = resolve_settings(grammar, options.overrides, defaults)
        return RunConfig(grammar, settings, _target(options).resolve(), None, options.command)


def _target(options: Options) -> Path:
    assert options.target is not None, "the definition says that it is needed"
    return options.target


def _weights(options: Options) -> str:
    return "DEFAULT" if options.detector is None else options.detector.name


def moved_attributes(support: Mapping[str, Any]) -> list[str]:
    """Those whose change the photographs support."""
    return [
        name
        for name, value in support.get("attributes", {}).items()
        if value >= support["supported_from"]
    ]


def _plain(found: Mapping[str, Sequence[Prediction]]) -> dict[str, list]:
    return {
        name: [
            (torch.from_numpy(one["boxes"]), torch.from_numpy(one["scores"]), list(one["labels"]))
            for one in some
        ]
        for name, some in found.items()
    }


def _found(path: Path) -> dict[str, list[Prediction]]:
    return {
        name: [
            {"boxes": boxes.numpy(), "scores": scores.numpy(), "labels": tuple(labels)}
            for boxes, scores, labels in some
        ]
        for name, some in torch.load(path, weights_only=True).items()
    }
