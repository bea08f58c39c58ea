"""Other Blenders, started by the backend or dialling in, give the labels that the bpy module gives.

An installed Blender is that on the PATH. Name Pythons that have other versions of bpy in
METASIM_BPY42_PYTHON and METASIM_BPY50_PYTHON (``make nightly`` makes and names them).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import blender_addon
from blender_addon.contract.frames import Frame, ObjectLabel, RenderSettings
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.worker_process import WorkerProcess
from metasim_backend.rendering.workers import WorkerSettings

DRIVING = Path(__file__).parents[2] / "scenes" / "driving.yaml"
SCENES = 6
SETTINGS = RenderSettings(208, 64, 4)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("bpy") is None, reason="the module bpy is not installed"),
]


@contextmanager
def installed(blender: str | None) -> Iterator[BlenderRenderer]:
    with BlenderRenderer(WorkerSettings(count=1, blender=blender)) as renderer:
        yield renderer


@contextmanager
def dialling_in(python: str) -> Iterator[BlenderRenderer]:
    """A renderer whose only worker runs in a Python with another bpy."""
    worker = Path(blender_addon.__file__).parent / "worker.py"
    with BlenderRenderer(WorkerSettings(count=0)) as renderer:
        pool = renderer.pool
        process = WorkerProcess([python, str(worker)], pool.address, pool.token, 1)
        try:
            yield renderer
        finally:
            process.kill()


def frames(renderer: BlenderRenderer) -> list[Frame]:
    grammar = load_grammar(DRIVING)
    scenes = [sample_scene(grammar, seed) for seed in range(SCENES)]
    return renderer.render(scenes, [SETTINGS] * SCENES)


@pytest.fixture(scope="module")
def reference() -> list[Frame]:
    with installed(None) as renderer:
        return frames(renderer)


def assert_same_labels(ours: list[Frame], theirs: list[Frame]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.intrinsics, other.intrinsics)
        np.testing.assert_allclose(one.pose, other.pose, atol=1e-6)
        # Another version's sampler may see either side of an edge.
        assert (one.index != other.index).mean() < 0.01
        finite = np.isfinite(one.depth) & np.isfinite(other.depth)
        assert np.median(np.abs(one.depth[finite] - other.depth[finite])) < 0.01  # metres
        assert [(a.node, a.class_name, a.index) for a in one.labels] == [
            (b.node, b.class_name, b.index) for b in other.labels
        ]
        for a, b in zip(one.labels, other.labels, strict=True):
            assert a.visibility == pytest.approx(b.visibility, abs=0.1)
            assert a.truncation == pytest.approx(b.truncation, abs=1e-3)
            assert_same_numbers(a.amodal_box, b.amodal_box, 0.5)  # pixels
            assert_same_numbers(box_numbers(a), box_numbers(b), 1e-3)
        # The noise differs between the versions; the light does not.
        assert np.abs(one.image.mean((0, 1)) - other.image.mean((0, 1))).max() < 3


def box_numbers(label: ObjectLabel) -> tuple[float, ...] | None:
    """Metres and radians."""
    box = label.box3d
    return box and (box.height, box.width, box.length, *box.location, box.rotation_y)


def assert_same_numbers(
    one: Sequence[float] | None, other: Sequence[float] | None, tolerance: float
) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@pytest.mark.skipif(shutil.which("blender") is None, reason="no blender on the PATH")
def test_an_installed_blender_gives_the_labels_that_bpy_gives(reference: list[Frame]):
    with installed("blender") as renderer:
        assert_same_labels(reference, frames(renderer))


@pytest.mark.parametrize("name", ["METASIM_BPY42_PYTHON", "METASIM_BPY50_PYTHON"])
def test_another_version_of_bpy_gives_the_same_labels(name: str, reference: list[Frame]):
    python = os.environ.get(name)
    if not python:
        pytest.skip(f"{name} names no Python that has that version of bpy")
    with dialling_in(python) as renderer:
        assert_same_labels(reference, frames(renderer))
