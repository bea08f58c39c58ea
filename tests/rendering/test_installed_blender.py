"""An installed Blender and the bpy module, started by the backend, give the same labels."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.workers import WorkerSettings

DRIVING = Path(__file__).parents[2] / "scenes" / "driving.yaml"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("bpy") is None, reason="the module bpy is not installed")
@pytest.mark.skipif(shutil.which("blender") is None, reason="no blender on the PATH")
def test_an_installed_blender_gives_the_labels_that_bpy_gives():
    grammar = load_grammar(DRIVING)
    scenes = [sample_scene(grammar, seed) for seed in range(3)]
    settings = [RenderSettings(208, 64, 4)] * 3
    found = []
    for blender in (None, "blender"):
        with BlenderRenderer(WorkerSettings(count=1, blender=blender)) as renderer:
            found.append(renderer.render(scenes, settings))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.intrinsics, theirs.intrinsics)
        np.testing.assert_allclose(ours.pose, theirs.pose, atol=1e-6)
        assert (ours.index != theirs.index).mean() < 0.01
        finite = np.isfinite(ours.depth) & np.isfinite(theirs.depth)
        assert np.median(np.abs(ours.depth - theirs.depth)[finite]) < 0.01
        for one, other in zip(ours.labels, theirs.labels, strict=True):
            assert (one.node, one.class_name, one.index) == (
                other.node,
                other.class_name,
                other.index,
            )
            assert one.visibility == pytest.approx(other.visibility, abs=0.1)
        # The noise differs between the versions; the light does not.
        assert np.abs(ours.image.mean((0, 1)) - theirs.image.mean((0, 1))).max() < 3
