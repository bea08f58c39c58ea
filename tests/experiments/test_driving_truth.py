"""driving-truth: what counts as found, and that its trainings are what their rows say."""

from __future__ import annotations

import numpy as np
import pytest

from metasim_backend.experiments.definitions import experiment_named
from metasim_backend.experiments.driving_truth import (
    BOUND,
    MATCHED,
    OFF,
    attributes_of,
    hidden_scenes,
    other_than_prior,
    summary,
)
from metasim_backend.experiments.experiment import Options
from metasim_backend.experiments.hidden_target import scenes_of
from metasim_backend.experiments.shown_light import as_set, as_shown, with_shown_light
from metasim_backend.grammar import load_grammar
from metasim_backend.shipped_files.folders import SCENES


def attribute(w1_prior: float, w1_learned: float, spread_error: float = 0.0, seen: float = 0.5):
    """An attribute whose prior and target have a standard deviation of 1."""
    return {
        "seen": seen,
        "counted": 400,
        "nearness": {
            "prior": [0.0, 1.0],
            "target": [w1_prior, 1.0],
            "w1_prior": w1_prior,
            "w1_learned": w1_learned,
            "w1_share": w1_learned / w1_prior,
            "spread_error": spread_error,
        },
    }


def test_attributes_that_differ_and_are_seen_are_counted_over_all_truths():
    first = {
        "camera.pitch": attribute(2.0, 0.2),
        "camera.height": attribute(1.0, 0.5, spread_error=0.6),
        "bus.along": attribute(3.0, 9.0, seen=0.05),  # too rare
    }
    second = {"car.yaw": attribute(1.0, 1.5, 0.3), "road.rise": attribute(0.1, 0.4)}
    found = summary([first, second])
    assert found["median ratio"] == pytest.approx(0.5)
    assert found["ratio ≤ 0.25, %"] == pytest.approx(100 / 3)
    assert found["ratio ≤ 0.5, %"] == found["nearer, %"] == pytest.approx(200 / 3)
    assert found["deviation found, %"] == pytest.approx(100 / 3)
    assert found["worst drift of others"] == pytest.approx(0.3)  # of road.rise alone


def test_light_as_shown_stands_for_strengths_and_exposure():
    told = {"sky.sun_strength": np.array([2.0, 3.0]), "camera.exposure": np.array([1.0, -1.0])}
    shown = with_shown_light(told)
    assert shown["sky.sun_strength as shown"] == pytest.approx([4.0, 1.5])
    shown["camera.pitch"] = np.array([0.0, 1.0])
    assert as_set(shown).keys() == {"sky.sun_strength", "camera.exposure", "camera.pitch"}
    assert as_shown(shown).keys() == {"sky.sun_strength as shown", "camera.pitch"}
    assert as_shown(told) == told  # of earlier results, which have none


def test_a_truth_whose_light_is_only_set_otherwise_is_found_as_shown():
    """Sun and sky are half as strong, the exposure is a stop longer: it looks the same."""
    scenes = scenes_of(GRAMMAR, 0, "counted-truth", 300)
    darker = [
        scene.with_attributes(
            {
                node.id: {
                    name: 0.5 * node.attributes[name] for name in ("sun_strength", "sky_strength")
                }
                if node.class_name == "sky"
                else {"exposure": node.attributes["exposure"] + 1}
                for node in scene.nodes
                if node.class_name in ("sky", "camera")
            }
        )
        for scene in scenes
    ]
    table = attributes_of(GRAMMAR, darker, GRAMMAR, seed=0, count=300)
    assert table["camera.exposure"]["nearness"]["w1_learned"] == pytest.approx(1.0)
    for name in ("sky.sun_strength as shown", "sky.sky_strength as shown"):
        assert table[name]["nearness"]["w1_learned"] == pytest.approx(0.0, abs=1e-9)


GRAMMAR = load_grammar(SCENES / "driving.yaml")
HIDDEN = load_grammar(SCENES / "driving_truth_wide.yaml")


@pytest.fixture(scope="module")
def off():
    return attributes_of(GRAMMAR, scenes_of(GRAMMAR, 0, "others", 400), HIDDEN, seed=0, count=400)


def test_the_prior_itself_finds_nothing_and_drifts_nowhere(off):
    found = summary([off])
    assert found["median ratio"] == pytest.approx(1, abs=0.1)
    assert found["ratio ≤ 0.5, %"] == 0
    assert found["worst drift of others"] < 0.25  # chance, in four hundred scenes


def test_true_attributes_of_the_matched_pictures_are_near(off):
    scenes = hidden_scenes(HIDDEN, 0)[:MATCHED]
    bound = attributes_of(GRAMMAR, scenes, HIDDEN, seed=0, count=400)
    found = summary([bound])
    assert found["median ratio"] < 0.25 and found["nearer, %"] == 100


@pytest.mark.parametrize(
    "name", ["camera.height", "camera.yaw", "camera.fov", "road.curvature", "sky.sky_strength"]
)
def test_what_the_hidden_grammar_changes_differs(off, name: str):
    assert other_than_prior(off[name])
    assert not other_than_prior(off["camera.exposure"]) and not other_than_prior(
        off["camera.pitch"]
    )


def test_rows_are_trained_by_the_estimators_that_they_name():
    experiment = experiment_named("driving-truth")
    settings = experiment.depends_on(Options())["settings"]
    assert settings["surrogate"]["match"]["estimator"] == "surrogate"
    assert set(experiment.rows) == {OFF, BOUND, *settings}
