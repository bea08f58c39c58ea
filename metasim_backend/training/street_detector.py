"""A detector taught on streets of a generator, to be used on photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.rendering.renderer import Renderer
from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.run_files.run_folder import as_it_was_written, load_tensors
from metasim_backend.tasks.detector import Detector, Example
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training.content.reading import calibrated_score
from metasim_backend.training.detector_file import TrainedDetector
from metasim_backend.training.seeds import generator
from metasim_backend.training.street_examples import kept_examples

CALIBRATING = 40
"""Further streets, on which is seen from which score the detector is believed."""
KEPT_STEPS = 50
"""Steps after which the state is written: what an interruption costs."""

Scenes = Callable[[str, int], list[SceneGraph]]
"""So many scenes of a generator, by the name of their draws."""


@dataclass(frozen=True, eq=False)
class Streets:
    """Labelled streets: to train a detector on, and to see how far it can be believed."""

    taught: list[Example]
    further: list[Example]


def labelled_streets(
    folder: Path,
    scenes: Scenes,
    renderer: Renderer,
    render: RenderSettings,
    settings: DetectorSettings,
    count: int,
    progress: Callable[[int], object] = lambda done: None,
) -> Streets:
    """Rendered streets; those that are in the folder are not rendered again.

    Args:
        scenes: makes them.
        renderer: shows them, with the camera.
        render: settings of the pictures.
        settings: of the detector, which say what it has to find.
        count: how many to train on; :data:`CALIBRATING` more are for its calibration.
        progress: told how many there are.
    """

    def kept(name: str, number: int, before: int) -> list[Example]:
        return kept_examples(
            folder / name,
            renderer,
            render,
            lambda: scenes(name, number),
            number,
            settings,
            lambda done: progress(before + done),
        )

    return Streets(kept("streets", count, 0), kept("calibration", CALIBRATING, count))


def train_on_streets(
    detector: Detector,
    streets: Streets,
    folder: Path,
    steps: int,
    seed: int,
    progress: Callable[[int], object] = lambda step: None,
) -> TrainedDetector:
    """Train a detector, or go on from the state in the folder, and calibrate it.

    Args:
        detector: untrained.
        steps: of training.
        seed: of its draws.
        progress: told the step.
    """
    train_kept(detector, streets.taught, folder / "state.pt", steps, seed, progress)
    found = detector.predict([picture.permute(1, 2, 0).numpy() for picture, _ in streets.further])
    height, width = streets.further[0][0].shape[-2:]
    shown = [target.boxes.numpy() for _, target in streets.further]
    return TrainedDetector(detector, (width, height), calibrated_score(found, shown, height))


def train_kept(
    detector: Detector,
    examples: Sequence[Example],
    path: Path,
    steps: int,
    seed: int,
    progress: Callable[[int], object] = lambda step: None,
) -> None:
    """Train a detector up to so many steps, from the state in a file where there is one.

    Args:
        detector: untrained.
        path: gets the state every :data:`KEPT_STEPS` steps.
        seed: of its draws.
        progress: told the step.
    """
    draws = generator(seed, "detector-steps")
    if path.exists():
        kept = load_tensors(path, str(path))
        with as_it_was_written(path):
            detector.load_state_dict(kept["detector"])
            draws.set_state(kept["draws"])
        progress(detector.steps)
    while detector.steps < steps:
        more = min(KEPT_STEPS, steps - detector.steps)
        detector.train_examples(examples, more, draws)
        write_tensors(path, {"detector": detector.state_dict(), "draws": draws.get_state()})
        progress(detector.steps)
