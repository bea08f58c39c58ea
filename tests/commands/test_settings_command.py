"""``metasim settings``, and options that are settings."""

import argparse
import json

import pytest

from metasim_backend.cli import main
from metasim_backend.commands import train
from metasim_backend.settings import nested, settings_from_dict, with_overrides


def test_all_settings_are_listed_with_defaults_bounds_choices_and_help(capsys):
    assert main(["settings"]) == 0
    text = capsys.readouterr().out
    assert "match: Phase 2, distribution matching." in text
    lines = [
        "  match.steps = 40",
        "Steps of the optimiser.",
        "Takes: a whole number of at least 0.",
    ]
    assert "\n      ".join(lines) in text
    assert "  phases = pretrain,match,task" in text
    assert "Takes: density, mmd." in text


def test_some_are_listed_as_json(capsys):
    assert main(["settings", "match.batch", "camera_model.jpeg", "--json"]) == 0
    batch, jpeg = json.loads(capsys.readouterr().out)
    assert batch["name"] == "match.batch" and batch["default"] == 16
    assert batch["bounds"] == {"ge": 2} and batch["choices"] == []
    assert jpeg["name"] == "camera_model.jpeg_quality" and jpeg["bounds"] == {"ge": 0, "le": 100}


def test_all_of_them_can_be_json(capsys):
    assert main(["settings", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) > 90


def test_a_name_that_is_none_is_refused_with_the_one_that_may_be_meant(capsys):
    assert main(["settings", "match.stepz"]) == 2
    assert "did you mean 'match.steps'?" in capsys.readouterr().err


def test_options_show_the_help_of_their_settings(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--phases PHASES What is learned, in this order. Structure and match, next to" in text
    assert "Of pretrain, structure, match, task. Default: pretrain,match,task" in text


def test_set_wins_over_a_settings_own_option():
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    words = ["--run", "r", "--seed", "3", "--features", "auto", "--phases", "match"]
    given = parser.parse_args([*words, "--set", "seed=4"])
    assert parser.parse_args(["--run", "r"]).given == {}
    settings = settings_from_dict(with_overrides(nested(given.given), given.overrides))
    assert settings.seed == 4 and settings.features.network == "auto"
    assert settings.phases == ("match",)
