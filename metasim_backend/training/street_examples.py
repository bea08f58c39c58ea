"""Labelled streets for training detectors: rendered once, kept in files, gone on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from blender_addon.contract.frames import Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.rendering.renderer import Renderer
from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.run_files.run_folder import as_it_was_written, load_tensors
from metasim_backend.tasks.detection_targets import DetectionTarget, target_of
from metasim_backend.tasks.detector import Example
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training.scene_generator import noise_seeds

PART = 25
"""Streets a file: what an interruption costs."""


def kept_examples(
    folder: Path,
    renderer: Renderer,
    render: RenderSettings,
    scenes: Callable[[], Sequence[SceneGraph]],
    count: int,
    detector: DetectorSettings,
    done: Callable[[int], object],
) -> list[Example]:
    """Pictures of scenes with what a detector without masks has to find in them.

    Args:
        folder: where they are kept.
        scenes: makes them, when some are still to be rendered.
        detector: says what it has to find.
        done: told how many there are, after each file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted: Sequence[SceneGraph] | None = None
    examples: list[Example] = []
    for start in range(0, count, PART):
        path = folder / f"{start // PART:03d}.pt"
        if not path.exists():
            wanted = scenes() if wanted is None else wanted
            some = wanted[start : min(start + PART, count)]
            frames = renderer.render(some, noise_seeds(render, some))
            made = [_example(frame, detector) for frame in frames]
            write_tensors(path, [(picture, t.boxes, t.labels) for picture, t in made])
        parts = load_tensors(path, str(path))
        with as_it_was_written(path):
            examples += [(p, DetectionTarget(boxes, labels, None)) for p, boxes, labels in parts]
        done(len(examples))
    return examples


def _example(frame: Frame, detector: DetectorSettings) -> Example:
    target = target_of(
        frame,
        detector.classes,
        detector.class_mapping,
        detector.min_pixels,
        detector.min_visibility,
        detector.whole_boxes,
    )
    picture = torch.from_numpy(frame.image.copy()).permute(2, 0, 1).contiguous()
    return picture, DetectionTarget(target.boxes, target.labels, None)
