"""Settings from nested data and from ``--set`` texts."""

import pytest

from metasim_backend.training.settings import (
    SettingsError,
    TrainSettings,
    settings_from_dict,
    settings_to_dict,
    with_overrides,
)


def test_round_trip_through_plain_data():
    settings = settings_from_dict({"seed": 5, "match": {"steps": 7}, "phases": ["match"]})
    assert settings.match.steps == 7 and settings.phases == ("match",)
    assert settings_from_dict(settings_to_dict(settings)) == settings
    assert settings_from_dict({}) == TrainSettings()


def test_overrides_reach_groups_and_leave_their_input_alone():
    base = {"match": {"steps": 1}}
    merged = with_overrides(base, ["match.learning_rate=0.5", "phases=pretrain,match"])
    assert base == {"match": {"steps": 1}}
    settings = settings_from_dict(merged)
    assert settings.match.steps == 1 and settings.match.learning_rate == 0.5
    assert settings.phases == ("pretrain", "match")


def test_truth_values_are_read_as_such():
    assert not settings_from_dict(with_overrides({}, ["freeze_encoder=false"])).freeze_encoder


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("match.stepz=3", "match.stepz"),
        ("match.steps=many", "'many'"),
        ("match.steps=1.5", "'1.5'"),
        ("match=3", "'match' is a group"),
        ("seed.x=3", "'seed'"),
        ("phases=pretrain,guess", "'guess'"),
        ("phases=match,pretrain,match", "'match' twice"),
        ("features.parts=scene,weather", "'weather'"),
        ("freeze_encoder=perhaps", "'perhaps'"),
        ("nothing", "'nothing' is not of the form"),
    ],
)
def test_mistakes_are_named(text, named):
    with pytest.raises(SettingsError, match=named):
        settings_from_dict(with_overrides({"seed": 1}, [text]))
