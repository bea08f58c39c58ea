"""The streets that each row's detector is taught on, made and kept in a seed's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.camera.fitting.fit import fit_camera
from metasim_backend.camera.renderer import light_of, with_camera
from metasim_backend.datasets.box_table import FrameBoxes, frames_in_table
from metasim_backend.datasets.targets import TargetImages
from metasim_backend.experiments.enlarged_camera import enlarged_camera
from metasim_backend.experiments.experiment import Tell
from metasim_backend.experiments.hidden_target import scenes_of
from metasim_backend.experiments.seed_result import SeedResult
from metasim_backend.grammar import Grammar
from metasim_backend.rendering.renderer import DifferenceRenderer, Renderer
from metasim_backend.tasks.detector import Detector, Example
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training.content.box_counts import PictureBoxes
from metasim_backend.training.content.content_choice import (
    ContentChoice,
    LearnedContent,
    learn_content,
)
from metasim_backend.training.content.reading import calibrated_score, read_photographs
from metasim_backend.training.dataset_generation import draw
from metasim_backend.training.scene_generator import SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.street_detector import CALIBRATING
from metasim_backend.training.street_examples import kept_examples

GRAMMAR, CAMERA, CONTENT = "grammar", "camera", "content"
"""Rows: the prior as it is; seen through the fitted camera; and that with scenes chosen by what the
camera row's detector sees in the photographs."""
LABELLED_CONTENT = "labelled content"
"""A row with scenes chosen by the labels of many frames: what content could bring at best."""
LABELLED_CLASSES = ("Car", "Van", "Truck", "Tram")
LABELLED_FRAMES = 2000
CAMERA_RENDERS = 24
MOST_FITTED = 60

Scenes = Callable[[str, int], list[SceneGraph]]
"""So many scenes of a generator, by the name of their draws."""


@dataclass(frozen=True, kw_only=True)
class StreetRows:
    """A seed's generators, and the labelled streets that they make.

    Attributes:
        number: the seed.
        folder: where all is kept.
        target: folder of photographs.
        grammar: proposes scenes.
        detector: says what is to be found in streets.
        size: width and height of streets, pixels.
        small: of the pictures in which a camera is fitted first.
        most_alike: largest likeness of two photographs from which content is learned.
        streets: how many a row.
        table: of the boxes of labelled frames, for the row that is chosen by them.
        renderer: without a camera.
        kept: what has been measured.
        tell: told what is going on.
    """

    number: int
    folder: Path
    target: Path
    grammar: Grammar
    detector: DetectorSettings
    size: tuple[int, int]
    small: tuple[int, int]
    most_alike: float
    streets: int
    table: Path | None
    renderer: DifferenceRenderer
    kept: SeedResult
    tell: Tell

    def say(self, text: str) -> None:
        self.tell(f"seed {self.number}: {text}")

    def examples(self, row: str, reader: Callable[[], Detector]) -> list[Example]:
        """A row's streets as a detector learns them.

        Args:
            reader: gives the detector that reads photographs, where a row's content is still to be
                learned.
        """
        scenes: Scenes = self._prior
        if row == CONTENT:
            scenes = partial(self._chosen, self.content(reader))
        elif row == LABELLED_CONTENT:
            scenes = partial(self._chosen, self.labelled_content())
        self.say(f"streets of {row}")
        return self._rendered(row, row, "streets", self.streets, scenes)

    def content(self, reader: Callable[[], Detector]) -> ContentChoice:
        """How scenes are chosen; learned first if need be."""
        if "learned content" not in self.kept.content:
            detector = reader()
            started = time.monotonic()
            further = self._rendered(CAMERA, "calibration", "calibration", CALIBRATING, self._prior)
            found = detector.predict([one.permute(1, 2, 0).numpy() for one, _ in further])
            shown = [target.boxes.numpy() for _, target in further]
            score = calibrated_score(found, shown, self.size[1])
            photographs = TargetImages.read(self.target, *self.size).different(self.most_alike)
            boxes = read_photographs(detector, photographs.images, score)
            self.say(f"content of {len(boxes)} photographs, detections from a score of {score:.2f}")
            learned = self._learned(boxes, self.detector.whole_boxes)
            self.kept.note_seconds("learning content", time.monotonic() - started)
            self.kept.put("learned content", learned.to_dict() | {"least score": score})
        return ContentChoice.from_dict(self.kept.content["learned content"]["choice"])

    def labelled_content(self) -> ContentChoice:
        """How scenes are chosen by the labelled frames of the table; learned first if need be."""
        assert self.table is not None, "the definition says that it is needed"
        if "content of labels" not in self.kept.content:
            frames = frames_in_table(self.table)
            source = np.random.default_rng(derive_seed(self.number, "labelled-frames"))
            some = source.choice(len(frames), min(LABELLED_FRAMES, len(frames)), replace=False)
            boxes = [resized_boxes(frames[i], LABELLED_CLASSES, *self.size) for i in some]
            self.say(f"content of {len(boxes)} labelled frames")
            self.kept.put("content of labels", self._learned(boxes, whole=True).to_dict())
        return ContentChoice.from_dict(self.kept.content["content of labels"]["choice"])

    def _learned(self, boxes: Sequence[PictureBoxes], whole: bool) -> LearnedContent:
        return learn_content(
            SceneGenerator(self.grammar),
            boxes,
            derive_seed(self.number, "content"),
            learned=False,
            whole=whole,
            progress=lambda done: self.say(f"content: {done} scenes"),
        )

    def _rendered(
        self, row: str, folder: str, name: str, count: int, scenes: Scenes
    ) -> list[Example]:
        """Streets by the row's camera, kept in a folder of the seed's."""
        taken: Renderer = self.renderer
        if row != GRAMMAR:
            taken = with_camera(self.renderer, self._camera(self.size, self._small_camera()))
        started = time.monotonic()
        examples = kept_examples(
            self.folder / folder / "streets",
            taken,
            replace(self.grammar.render, width=self.size[0], height=self.size[1]),
            lambda: scenes(name, count),
            count,
            self.detector,
            lambda done: self.say(f"{done} of {count} streets of {folder}"),
        )
        self.kept.note_seconds(f"streets of {folder}", time.monotonic() - started)
        return examples

    def _prior(self, name: str, count: int) -> list[SceneGraph]:
        return scenes_of(self.grammar, self.number, name, count)

    def _chosen(self, choice: ContentChoice, name: str, count: int) -> list[SceneGraph]:
        """Of structures of their own: these are what was learned."""
        seeds = [derive_seed(self.number, name, i) for i in range(count)]
        return draw(SceneGenerator(self.grammar), seeds, learned=False, choice=choice)

    def _small_camera(self) -> CameraModel:
        return self._camera(self.small, None)

    def _camera(self, size: tuple[int, int], small: CameraModel | None) -> CameraModel:
        """The camera with which the prior's scenes look as the photographs do.

        Args:
            small: fitted in smaller pictures, where ``size`` is that of streets.
        """
        name = f"{CAMERA} {size[0]}x{size[1]}"
        if name not in self.kept.content.get("cameras", {}):
            self.say(f"camera of {name}")
            started = time.monotonic()
            photographs = TargetImages.read(self.target, *size, MOST_FITTED).images
            render = replace(self.grammar.render, width=size[0], height=size[1], linear=True)
            shown = self._prior("camera", CAMERA_RENDERS)
            light = light_of(self.renderer.render(shown, noise_seeds(render, shown)))
            if small is None:
                camera = fit_camera(photographs, light).camera
            else:
                camera = enlarged_camera(small, photographs, light)
            self.kept.put_in("seconds", f"camera of {name}", round(time.monotonic() - started, 1))
            self.kept.put_in("cameras", name, camera.to_dict())
        return CameraModel.from_dict(self.kept.content["cameras"][name])


def resized_boxes(
    frame: FrameBoxes, classes: Collection[str], width: int, height: int
) -> PictureBoxes:
    """A labelled frame's boxes of some classes, in a picture of another size."""
    scale = np.array([width / frame.width, height / frame.height] * 2)
    return PictureBoxes(frame.of(classes) * scale, width, height)
