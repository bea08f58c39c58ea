"""Cyclists: sizes, sound meshes, hands on the bar and feet on the pedals."""

from __future__ import annotations

import numpy as np
import pytest
from solids import assert_same, assert_sound

from blender_addon.world.bicycle import CITY, CRANK, RACE, TREKKING, bicycle
from blender_addon.world.cyclists import CYCLIST_MODELS, SURFACES, cyclist
from blender_addon.world.people import SURFACES as PEOPLE
from blender_addon.world.shapes import COLOUR


@pytest.mark.parametrize("model", CYCLIST_MODELS)
def test_cyclist_is_sound_and_cheap(model):
    shape = cyclist(model)
    assert_sound(shape, SURFACES | PEOPLE, 2500)
    assert shape.slots[0] == COLOUR
    assert_same(shape, cyclist(model))


@pytest.mark.parametrize("model", CYCLIST_MODELS)
def test_cyclist_has_a_natural_size_and_stands_centred(model):
    shape = cyclist(model)
    length, width, height = shape.size
    assert 1.65 <= length <= 1.9 and 0.4 <= width <= 0.75 and 1.55 <= height <= 1.95
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    np.testing.assert_allclose((low + high)[:2], 0, atol=1e-9)


def test_racers_bend_lowest_and_city_cyclists_sit_upright():
    heights = {model: cyclist(model).size[2] for model in CYCLIST_MODELS}
    assert heights["city"] > heights["trekking"] > heights["race"]


@pytest.mark.parametrize("model", CYCLIST_MODELS)
def test_rider_faces_forward(model):
    shape = cyclist(model)
    top = shape.size[2] - 0.35
    ahead = {
        kind: np.mean([shape.vertices[list(face), 0].mean()
                       for face, name in zip(shape.faces, shape.surfaces, strict=True)
                       if name.startswith(kind) and shape.vertices[list(face), 2].min() > top])
        for kind in ("skin", "hair")
    }  # fmt: skip
    assert ahead["skin"] > ahead["hair"]


@pytest.mark.parametrize("model", CYCLIST_MODELS)
def test_hands_touch_the_handlebar(model):
    kind = {"city": CITY, "trekking": TREKKING, "race": RACE}[model]
    shape = cyclist(model)
    skin = {corner for face, name in zip(shape.faces, shape.surfaces, strict=True)
            for corner in face if name == "skin"}  # fmt: skip
    hands = shape.vertices[sorted(skin)]
    # on_base moves along x; the wheels' rear end tells by how much.
    moved = shape.vertices[:, 0].min() - bicycle(kind, 0.0).vertices[:, 0].min()
    ahead, out, high = kind.grips
    for side in (-1, 1):
        grip = np.array((ahead + moved, side * out, high + 0.02))
        assert np.linalg.norm(hands - grip, axis=1).min() < 0.06


@pytest.mark.parametrize("kind", [CITY, TREKKING, RACE], ids=("city", "trekking", "race"))
def test_bicycle_stands_on_two_wheels(kind):
    shape = bicycle(kind, 30.0)
    assert_sound(shape, SURFACES, 1200)
    assert COLOUR not in shape.surfaces
    ground = shape.vertices[shape.vertices[:, 2] < 0.01]
    assert ground[:, 0].min() < -0.4 and ground[:, 0].max() > 0.5
    assert np.abs(ground[:, 1]).max() < 0.05
    assert np.linalg.norm(kind.pedal(77.0) - kind.cranks) == pytest.approx(CRANK)
    assert kind.pedal(90.0)[2] < kind.cranks[2] < kind.saddle
