"""What a worker rendered before leaves no trace in what it renders next.

Jobs go to whichever worker is free, so this is what makes a run repeatable.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.differentiate import plan_steps
from metasim_backend.rendering.workers import WorkerSettings

DRIVING = Path(__file__).parents[2] / "scenes" / "driving.yaml"


@pytest.mark.skipif(find_spec("bpy") is None, reason="the module bpy is not installed")
def test_a_worker_with_a_past_gives_the_bits_of_a_fresh_one():
    grammar = load_grammar(DRIVING)
    encoding = Encoding(grammar)
    settings = RenderSettings(160, 96, 1, seed=5, float_image=True)
    subjects = [sample_scene(grammar, seed) for seed in (101, 102, 103)]
    steps = []
    for scene in subjects:
        data = encoding.encode(scene)
        weights = (data["present"] & data["mutable"]).numpy().astype(float)
        steps.append([p.step for p in plan_steps(encoding, scene, data["values"].numpy(), weights)])
    past = [sample_scene(grammar, seed) for seed in range(40)]
    found = []
    for before in ([], past):
        with BlenderRenderer(WorkerSettings(count=1)) as renderer:
            renderer.render(before, [settings] * len(before))
            order = range(3) if not before else (2, 0, 1)
            frames: dict = {}
            for i in order:
                (frame,) = renderer.render([subjects[i]], [settings])
                (changes,) = renderer.differences([subjects[i]], [settings], [steps[i]])
                frames[i] = frame, changes
            found.append(frames)
    for i in range(3):
        (fresh, fresh_changes), (used, used_changes) = found[0][i], found[1][i]
        np.testing.assert_array_equal(fresh.image, used.image)
        np.testing.assert_array_equal(fresh.index, used.index)
        np.testing.assert_array_equal(fresh.depth, used.depth)
        assert fresh.labels == used.labels
        for one, other in zip(fresh_changes, used_changes, strict=True):
            assert one.window == other.window
            np.testing.assert_array_equal(one.values, other.values)
