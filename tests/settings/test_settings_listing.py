"""The list of all settings: whole, with help, and equal to what other rooms choose from."""

import pytest

from blender_addon.contract import panel
from metasim_backend.rendering.differentiate import METHODS
from metasim_backend.settings import (
    PHASES,
    SettingsError,
    TrainSettings,
    all_settings,
    group_titles,
    settings_from_dict,
    settings_named,
    settings_to_dict,
    with_overrides,
)
from metasim_backend.tasks.backbones import BACKBONES


def flat(data: dict, prefix: str = "") -> dict:
    out = {}
    for name, value in data.items():
        whole = prefix + name
        out |= flat(value, f"{whole}.") if isinstance(value, dict) else {whole: value}
    return out


def test_every_setting_is_listed_in_the_order_of_config_yaml_with_its_default():
    listed = {name: setting.default for name, setting in all_settings().items()}
    written = flat(settings_to_dict(TrainSettings()))
    assert list(listed.items()) == list(written.items())


def test_every_setting_has_a_sentence_of_help_and_says_what_it_takes():
    for setting in all_settings().values():
        assert setting.help[-1] == "." and "  " not in setting.help, setting.name
        assert setting.wanted, setting.name
    assert all(title.endswith(".") for title in group_titles().values())


def test_every_default_can_be_given_as_text():
    texts = [f"{name}={setting.default_text}" for name, setting in all_settings().items()]
    assert settings_from_dict(with_overrides({}, texts)) == TrainSettings()


def test_every_number_but_the_seed_has_bounds_that_are_kept():
    for name, setting in all_settings().items():
        if setting.wanted.startswith(("a whole number", "a number")) and name != "seed":
            least = setting.bounds.get("ge", setting.bounds.get("gt"))
            with pytest.raises(SettingsError, match=name.rpartition(".")[2]):
                settings_from_dict(with_overrides({}, [f"{name}={least - 1}"]))


def test_names_and_beginnings_of_names_are_looked_up():
    assert [s.name for s in settings_named("match.steps")] == ["match.steps"]
    held = ["match.hold_spread", "match.hold_until"]
    assert [s.name for s in settings_named("match.hold")] == held
    assert {s.group for s in settings_named("detector")} == {"detector"}
    with pytest.raises(SettingsError, match="did you mean 'detector'"):
        settings_named("detectro")


def test_choices_are_those_of_the_rooms_that_act_on_them():
    assert PHASES == panel.ALL_PHASES
    assert TrainSettings().phases == panel.DEFAULT_PHASES
    assert set(all_settings()["detector.backbone"].choices) == set(BACKBONES)
    assert set(all_settings()["rendering.differences"].choices) == set(METHODS)
