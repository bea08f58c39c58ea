"""Results are taken for one another's only when they were made with the same settings."""

from __future__ import annotations

import json
from pathlib import Path

from metasim_backend.experiments.definitions import EXPERIMENTS
from metasim_backend.experiments.experiment import Options
from metasim_backend.experiments.runner import kept_seeds

EXPERIMENT = EXPERIMENTS["mnist-rotation"]


def test_a_key_changes_with_what_is_asked_for() -> None:
    key = EXPERIMENT.key(Options())
    others = [
        EXPERIMENT.longer().key(Options()),
        EXPERIMENT.key(Options(("match.steps=7",))),
        EXPERIMENT.key(Options(("features.parts=scene",))),
        EXPERIMENTS["mnist-rotation-translation"].key(Options()),
    ]
    assert len({key, *others}) == 5


def test_a_key_does_not_change_with_settings_that_are_not_used_or_as_they_always_were() -> None:
    key = EXPERIMENT.key(Options())
    whole = "features.parts=scene,objects,layout,colours"
    assert EXPERIMENT.key(Options((whole,))) == key
    assert EXPERIMENT.key(Options(("structure.steps=7",))) == key


def test_a_key_changes_with_the_camera_and_not_with_none() -> None:
    experiment = EXPERIMENTS["driving-structure"]
    key = experiment.key(Options())
    assert experiment.key(Options(("camera_model.exposure=0",))) == key
    assert experiment.key(Options(("camera_model.vignette_power=3",))) == key
    assert experiment.key(Options(("camera_model.exposure=0.5",))) != key


def test_seeds_of_a_file_are_known_only_under_its_key(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"made_with": "key", "each_seed": {"3": {"rows": {}}}}))
    assert kept_seeds(path, "key") == {3: {"rows": {}}}
    assert kept_seeds(path, "another") == {}
    path.write_text("{ torn")
    assert kept_seeds(path, "key") == {}
    assert kept_seeds(tmp_path / "absent.json", "key") == {}
