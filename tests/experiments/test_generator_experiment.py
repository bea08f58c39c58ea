"""Each row's task network sees pictures of that row's generator and of no other."""

import copy

import numpy as np
import pytest
import torch
from blob_world import GRAMMAR

from metasim_backend.experiments.benches import Budget
from metasim_backend.experiments.generator_experiment import fit_rows
from metasim_backend.experiments.seed_result import SeedResult
from metasim_backend.grammar import grammar_from_dict, with_overrides
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.training.scene_generator import SceneGenerator


class LightMeter:
    """A bench whose "score" is the mean light of the scenes that it is given."""

    def __init__(self):
        self.fitted = 0

    def scenes(self, grammar, count):
        return SceneGenerator(grammar).prior(range(count))

    def fit(self, scenes, budget):
        self.fitted += 1
        return {"light": float(np.mean([s.root.attributes["light"] for s in scenes]))}


@torch.no_grad()
def moved(scenes, deviations):
    """The transformer's state with every light moved."""
    state = copy.deepcopy(scenes.transformer.state_dict())
    place = scenes.transformer.numeric.index(scenes.encoding.slot("field", "light").index)
    state["head.weight"].zero_()
    state["head.bias"][len(scenes.transformer.numeric) + place] = deviations
    return state


@pytest.fixture
def rows(tmp_path):
    """Measure the rows of a run whose matched generator is darker and its learned one brighter."""
    grammar = grammar_from_dict(GRAMMAR)
    scenes = SceneGenerator(grammar, seed=0)
    scenes.transformer.fit_prior(scenes.propose(range(50)).batch)
    light = scenes.encoding.slot("field", "light").index
    deviation = float(scenes.transformer.scale[light])
    folder = RunFolder.create(tmp_path / "run", {"settings": {}})
    matched, learned = moved(scenes, -1.0), moved(scenes, 1.0)
    folder.save_checkpoint({"transformer": matched}, "after_match")
    changed = {"field": {"attributes": {"light": {"prior": {"constant": 0.05}}}}}
    hidden = with_overrides(grammar, {"classes": changed})

    def measure(*, task=True, pictures=200):
        if task:
            folder.save_checkpoint({"transformer": learned}, "after_task")
        scenes.transformer.load_state_dict(learned)
        bench = LightMeter()
        kept = SeedResult(folder.path / "result.json")
        fit_rows(kept, bench, folder, scenes, hidden, Budget(pictures), 0, lambda text: None)
        return {name: row["light"] for name, row in kept.content["rows"].items()}, bench.fitted

    return measure, deviation


def test_every_row_has_its_own_generator(rows):
    measure, deviation = rows
    found, _ = measure()
    assert found["oracle"] == pytest.approx(0.05)
    assert found["prior"] == pytest.approx(0.5, abs=0.02)
    assert found["matched"] == pytest.approx(found["prior"] - deviation, abs=0.02)
    assert found["learned"] == pytest.approx(found["prior"] + deviation, abs=0.02)


def test_without_a_task_phase_there_is_no_row_for_matching_alone(rows):
    measure, deviation = rows
    found, _ = measure(task=False)
    assert set(found) == {"prior", "learned", "oracle"}
    assert found["learned"] == pytest.approx(found["prior"] + deviation, abs=0.02)


def test_what_was_measured_is_not_measured_again(rows):
    measure, _ = rows
    first, fitted = measure()
    again, refitted = measure()
    assert fitted == 4 and refitted == 0 and again == first


def test_scores_of_another_budget_are_not_kept(rows):
    measure, _ = rows
    measure()
    _, fitted = measure(pictures=100)
    assert fitted == 4
