"""Attributes that stay: named one by one or in every class, and refused when unknown."""

from pathlib import Path

import pytest

from metasim_backend.grammar import load_grammar
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.settings import SettingsError
from metasim_backend.training.fixed_attributes import fixed_slots
from metasim_backend.training.run_config import resolve_settings

GRAMMAR = load_grammar(Path(__file__).parents[2] / "scenes" / "driving.yaml")


def test_a_star_stands_for_every_class_and_names_for_themselves():
    encoding = Encoding(GRAMMAR)
    names = {encoding.slots[slot].name for slot in fixed_slots(encoding, "*.yaw, road.rise")}
    assert {"camera.yaw", "car.yaw", "road.rise"} <= names
    assert all(name.endswith(".yaw") or name == "road.rise" for name in names)
    assert fixed_slots(encoding, "") == ()


def test_what_cannot_be_learned_is_refused_with_the_nearest_name():
    with pytest.raises(SettingsError, match=r"'car.alnog'.*did you mean 'car.along'\?"):
        resolve_settings(GRAMMAR, ["surrogate.fixed=car.alnog"])
    with pytest.raises(SettingsError, match="'street.weather'"):  # not mutable
        resolve_settings(GRAMMAR, ["surrogate.fixed=street.weather"])
