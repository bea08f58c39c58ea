"""Render settings and frames as they pass the wire."""

from __future__ import annotations

import json

import numpy as np
import pytest

from blender_addon.contract.frames import (
    Frame,
    RenderSettings,
    RenderSettingsError,
    frame_from_message,
    frame_to_message,
)


def frame(**more) -> Frame:
    h, w = 3, 4
    return Frame(
        np.zeros((h, w, 3), np.uint8),
        np.zeros((h, w), np.uint16),
        np.full((h, w), np.inf, np.float32),
        (),
        np.eye(3),
        np.eye(4),
        **more,
    )


@pytest.mark.parametrize("settings", [
    RenderSettings(),
    RenderSettings(414, 125, 4, 9, "eevee", "auto", True, 0, True, ("flow", "normal")),
    RenderSettings(linear=True, lighting="traced"),
])  # fmt: skip
def test_settings_come_back_from_json(settings):
    assert RenderSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_settings_that_came_later_are_left_out_without_effect():
    old = {"width", "height", "samples", "seed", "engine", "device", "float_image"}
    assert set(RenderSettings(lighting="traced").to_dict()) == old
    assert RenderSettings(bounces=3, lighting="traced").to_dict().keys() - old == {"bounces"}


def test_settings_from_before_there_was_a_choice_of_light_are_path_traced():
    written = RenderSettings(64, 48, 2).to_dict()
    assert written.pop("lighting") == "direct"
    assert RenderSettings.from_dict(written).lighting == "traced"


@pytest.mark.parametrize(("values", "named"), [
    ({"bounces": -1}, "-1"),
    ({"bounces": 2.5}, "2.5"),
    ({"denoise": "much"}, "'much'"),
    ({"linear": 1}, "1"),
    ({"lighting": "candle"}, "'candle'"),
    ({"passes": ["smell"]}, "'smell'"),
    ({"passes": [["flow"]]}, "flow"),
    ({"passes": "flow"}, "'flow'"),
    ({"passes": 3}, "3"),
    ({"colour": 1}, "'colour'"),
])  # fmt: skip
def test_wrong_settings_are_named(values, named):
    with pytest.raises(RenderSettingsError, match="Render|Unknown") as error:
        RenderSettings.from_dict(values)
    assert named in str(error.value)


def test_a_frame_with_and_without_maps_passes_the_wire():
    plain = frame_from_message(*frame_to_message(frame()))
    assert plain.semantic is None and plain.normal is None and plain.flow is None
    rich = frame(
        semantic=np.arange(12, dtype=np.uint8).reshape(3, 4),
        normal=np.ones((3, 4, 3), np.float32),
        flow=np.full((3, 4, 2), np.nan, np.float32),
        rendered_by="cycles on cpu",
    )
    body, arrays = frame_to_message(rich)
    again = frame_from_message(json.loads(json.dumps(body)), arrays)
    for name in ("semantic", "normal", "flow"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rich, name))
    assert again.rendered_by == "cycles on cpu"


@pytest.mark.parametrize("broken", [
    {"depth": None},
    {"smell": np.zeros((3, 4))},
    {"semantic": np.zeros((3, 5), np.uint8)},
    {"flow": np.zeros((3, 4, 3), np.float32)},
    {"normal": np.zeros((3, 4, 3), np.uint8)},
])  # fmt: skip
def test_arrays_that_are_no_frame_are_refused(broken):
    body, arrays = frame_to_message(frame())
    changed = {n: a for n, a in {**arrays, **broken}.items() if a is not None}
    with pytest.raises(ValueError, match=next(iter(broken))):
        frame_from_message(body, changed)
