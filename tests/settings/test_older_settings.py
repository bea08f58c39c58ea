"""Settings that earlier versions wrote are read as they were meant, and results keep their keys."""

from pathlib import Path

import pytest
import yaml

from metasim_backend.experiments.definitions import EXPERIMENTS
from metasim_backend.experiments.experiment import Options
from metasim_backend.settings import (
    TrainSettings,
    settings_from_dict,
    settings_of_version,
    settings_to_dict,
    without_younger,
)

WRITTEN = Path(__file__).with_name("settings_before_pydantic.yaml")
"""The settings in ``config.yaml`` of a run that was begun before they were typed by pydantic."""

KEYS = {
    "mnist-rotation": "7672cea6fb96087a",
    "mnist-rotation-translation": "1d96a26706bf1326",
    "mnist-spread": "461894b15a1d0755",
    "aerial2d": "f6a466bfa58a20ba",
    "aerial2d-spread": "6427d8de8b3226ac",
    "multi-mnist": "c87a99380a66aab6",
    "aerial2d-structure": "ced7e0abd7aa2ab3",
    "driving-structure": "d54cc0971c3d8cc5",
    "mnist-reward": "923b19afeb6f3914",
    "driving-structure-real": "9a3d6639a5d3a171",
}
"""As the version before made them."""


def test_what_the_version_before_wrote_is_read_and_written_again_to_the_letter():
    text = WRITTEN.read_text("utf-8")
    settings = settings_of_version(yaml.safe_load(text))
    assert settings.match.steps == 4 and settings.phases == ("pretrain", "match", "task")
    written = settings_to_dict(settings)
    assert written["match"].pop("estimator") == "gradient"  # there was no choice yet
    del written["surrogate"]
    assert written.pop("networks") == {"device": "auto"}
    assert written["target"].pop("classes") == ""
    assert written["target"].pop("skip_bad") is False
    assert yaml.safe_dump(written, sort_keys=False) == text


def test_what_an_older_version_had_no_choice_in_is_as_it_was():
    data = yaml.safe_load(WRITTEN.read_text("utf-8"))
    del data["camera_model"], data["target"], data["rendering"]["lighting"]
    del data["structure"]["prior_weight"]
    settings = settings_of_version(data)
    assert settings.rendering.lighting == "traced"
    assert settings.camera_model.is_identity and settings.target.most_alike == 1
    assert settings.structure.prior_weight == 0
    assert settings_from_dict(data).rendering.lighting == "direct"


def test_settings_that_came_later_are_left_out_where_they_change_nothing():
    plain = without_younger(TrainSettings())
    assert plain["rendering"]["lighting"] == "direct"  # younger, and not as it was
    assert "camera_model" not in plain and "target" not in plain
    assert {"readings", "network", "disturbed"}.isdisjoint(plain["structure"])
    changed = settings_from_dict(
        {
            "rendering": {"lighting": "traced"},
            "camera_model": {"exposure": 1},
            "target": {"most_alike": 0.9},
            "structure": {"readings": "labelled"},
        }
    )
    kept = without_younger(changed)
    assert "lighting" not in kept["rendering"]
    assert kept["camera_model"]["exposure"] == 1 and kept["target"] == {"most_alike": 0.9}
    assert kept["structure"]["readings"] == "labelled"


@pytest.mark.parametrize("name", KEYS)
def test_the_keys_of_kept_results_are_those_of_the_version_before(name):
    assert EXPERIMENTS[name].key(Options()) == KEYS[name]
