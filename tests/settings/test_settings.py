"""Settings from nested data and from ``--set`` texts."""

from dataclasses import FrozenInstanceError, replace

import pytest

from metasim_backend.settings import (
    MatchSettings,
    SettingsError,
    TaskSettings,
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


def test_numbers_and_lists_may_be_text():
    texts = {"match": {"steps": "7", "clip": "inf"}, "features": {"parts": "scene, colours"}}
    settings = settings_from_dict(texts)
    assert settings.match.steps == 7 and settings.match.clip == float("inf")
    assert settings.features.parts == ("scene", "colours")


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("match.batch=1", "Setting 'match.batch' is '1'; give a whole number of at least 2."),
        ("match.steps=-1", "Setting 'match.steps' is '-1'; give a whole number of at least 0."),
        ("match.fraction=0", "Setting 'match.fraction' is '0'; give a number above 0."),
        ("task.momentum=1.5", "Setting 'task.momentum' is '1.5'; give a number from 0 to 1."),
        ("task.momentum=nan", "Setting 'task.momentum' is 'nan'; give a number from 0 to 1."),
        (
            "evaluation.unseen=1",
            "Setting 'evaluation.unseen' is '1'; give a number between 0 and 1.",
        ),
        ("features.harmonics=3", "'features.harmonics' is '3'; give a whole number from 1 to 2."),
        (
            "rendering.width=9999",
            "'rendering.width' is '9999'; give a whole number from 1 to 8192.",
        ),
        ("structure.reward=score", "'structure.reward' is 'score'; choose from density, mmd."),
        ("task.reward=", "'task.reward' is ''; choose from score, influence, noise."),
        ("match.behind_features=1", "'match.behind_features' is '1'; choose from auto, yes, no."),
        ("features.parts=scene,sky", "'features.parts' names 'sky'; choose from scene, objects, "),
        ("freeze_encoder=maybe", "'freeze_encoder' is 'maybe'; give true or false."),
    ],
)
def test_a_wrong_value_is_said_with_what_the_setting_takes(text, said):
    with pytest.raises(SettingsError) as error:
        settings_from_dict(with_overrides({}, [text]))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("match.stepz", "'match.steps'"),
        ("mtach.steps", "'match.steps'"),
        ("match.learningrate", "'match.learning_rate'"),
        ("phase", "'phases'"),
        ("steps", "'pretrain.steps' or 'structure.steps' or 'match.steps'"),
        ("structure.unseen", "'evaluation.unseen'"),
        ("camera_model.exposer", "'camera_model.exposure'"),
        ("seed.x", "'seed'"),
    ],
)
def test_a_name_that_is_none_gives_the_one_that_may_be_meant(name, meant):
    with pytest.raises(SettingsError) as error:
        settings_from_dict(with_overrides({}, [f"{name}=1"]))
    said = f"There is no setting {name!r} (did you mean {meant}?); metasim settings lists all."
    assert str(error.value) == said


def test_a_name_like_none_gets_no_suggestion():
    with pytest.raises(SettingsError, match="no setting 'xyz.qqq'; metasim settings lists all"):
        settings_from_dict({"xyz": {"qqq": 1}})


def test_bounds_hold_wherever_settings_are_made():
    with pytest.raises(ValueError, match="batch"):
        MatchSettings(batch=1)
    with pytest.raises(ValueError, match="reward"):
        replace(TaskSettings(), reward="applause")
    with pytest.raises(FrozenInstanceError):
        TaskSettings().steps = 3
