"""Results are taken for one another's only when they were made with the same settings."""

from __future__ import annotations

import json
from pathlib import Path

from metasim_backend.reproduction.experiments import EXPERIMENTS
from metasim_backend.reproduction.kept_seeds import (
    experiment_key,
    kept_seeds,
    structure_key,
    with_each_seed,
)
from metasim_backend.reproduction.structure_experiments import STRUCTURE_EXPERIMENTS

EXPERIMENT = EXPERIMENTS["mnist-rotation"]


def test_a_key_changes_with_what_is_asked_for() -> None:
    key = experiment_key(EXPERIMENT, [], long=False)
    others = [
        experiment_key(EXPERIMENT, [], long=True),
        experiment_key(EXPERIMENT, ["match.steps=7"], long=False),
        experiment_key(EXPERIMENT, ["features.parts=scene"], long=False),
        experiment_key(EXPERIMENTS["mnist-rotation-translation"], [], long=False),
    ]
    assert len({key, *others}) == 5


def test_a_key_does_not_change_with_settings_that_are_not_used_or_as_they_always_were() -> None:
    key = experiment_key(EXPERIMENT, [], long=False)
    whole = "features.parts=scene,objects,layout,colours"
    assert experiment_key(EXPERIMENT, [whole], long=False) == key
    assert experiment_key(EXPERIMENT, ["structure.steps=7"], long=False) == key


def test_a_key_changes_with_the_camera_and_not_with_none() -> None:
    experiment = STRUCTURE_EXPERIMENTS["driving-structure"]
    key = structure_key(experiment, [])
    assert structure_key(experiment, ["camera_model.exposure=0"]) == key
    assert structure_key(experiment, ["camera_model.vignette_power=3"]) == key
    assert structure_key(experiment, ["camera_model.exposure=0.5"]) != key


def test_seeds_of_a_file_are_known_only_under_its_key(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(with_each_seed({"title": "one"}, {3: {"rows": {}}}, "key")))
    assert kept_seeds(path, "key") == {3: {"rows": {}}}
    assert kept_seeds(path, "another") == {}
    path.write_text("{ torn")
    assert kept_seeds(path, "key") == {}
    assert kept_seeds(tmp_path / "absent.json", "key") == {}
