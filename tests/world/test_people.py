"""People: statures, clothes, poses and sound meshes."""

from __future__ import annotations

import numpy as np
import pytest
from solids import assert_same, assert_sound

from blender_addon.world.body import Figure, body, middle_joint, wrists_at
from blender_addon.world.finishes import FINISHES
from blender_addon.world.people import PERSON_MODELS, SURFACES, person
from blender_addon.world.shapes import COLOUR

SHORTER = {"child": (0.6, 0.75), "sitting": (0.70, 0.85), "old_man_stick": (0.9, 0.99)}


@pytest.mark.parametrize("model", PERSON_MODELS)
def test_person_is_sound_and_cheap(model):
    shape = person(model)
    assert_sound(shape, SURFACES, 1500)
    assert shape.slots[0] == COLOUR
    assert any(shape.smooth) and not all(shape.smooth)
    assert_same(shape, person(model))


@pytest.mark.parametrize("model", PERSON_MODELS)
def test_height_is_a_stature(model):
    low, high = SHORTER.get(model, (0.96, 1.03))
    length, width, height = person(model).size
    assert low <= height <= high
    assert 0.18 <= width <= 0.36
    assert 0.15 <= length <= (1.1 if model == "pushing_pram" else 0.6)


@pytest.mark.parametrize("model", PERSON_MODELS)
def test_person_is_centred_and_looks_forward(model):
    shape = person(model)
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    np.testing.assert_allclose((low + high)[:2], 0, atol=1e-9)
    middle = {
        kind: np.mean([shape.vertices[list(face), 0].mean()
                       for face, name in zip(shape.faces, shape.surfaces, strict=True)
                       if name.startswith(kind) and shape.vertices[list(face), 2].min() > top])
        for kind in ("skin", "hair")
        for top in [0.87 * shape.size[2]]
    }  # fmt: skip
    assert middle["skin"] > middle["hair"], "the face is ahead of the hair"


def test_models_are_unlike_in_build_and_clothes():
    assert len(PERSON_MODELS) >= 8 and {"standing", "walking"} <= set(PERSON_MODELS)
    looks = {frozenset(person(model).surfaces) for model in PERSON_MODELS}
    assert len(looks) >= 8
    outlines = {tuple(np.round(person(model).size, 2)) for model in PERSON_MODELS}
    assert len(outlines) == len(PERSON_MODELS)


def test_walkers_stride():
    def feet(model: str) -> float:
        shape = person(model)
        return float(np.ptp(shape.vertices[shape.vertices[:, 2] < 0.05, 0]))

    assert feet("walking") > 0.4 > 0.22 > feet("standing")


def test_own_surfaces_do_not_clash_with_shared_ones():
    assert not set(SURFACES) & set(FINISHES)


def test_joints_keep_the_bones_lengths():
    rng = np.random.default_rng(4)
    for _ in range(50):
        start, end = rng.normal(size=3), rng.normal(size=3)
        joint, reached = middle_joint(start, end, 0.43, 0.42, (1.0, 0.2, 0.1))
        assert np.linalg.norm(joint - start) == pytest.approx(0.43)
        assert np.linalg.norm(reached - joint) == pytest.approx(0.42)
        if np.linalg.norm(end - start) < 0.84:
            np.testing.assert_allclose(reached, end)


def test_hands_close_round_what_they_should_hold():
    figure = Figure(lean=20.0)
    grips = ((0.55, -0.25, 1.2), (0.55, 0.25, 1.2))
    wrists = wrists_at(figure, grips)
    for wrist, grip in zip(wrists, grips, strict=True):
        assert np.linalg.norm(np.subtract(wrist, grip)) == pytest.approx(0.08, abs=1e-6)
    held = body(Figure(lean=20.0, wrists=wrists))
    hands = held.vertices[sorted({corner for face, name in
                                  zip(held.faces, held.surfaces, strict=True)
                                  for corner in face if name == "skin"})]  # fmt: skip
    for grip in grips:
        assert np.linalg.norm(hands - grip, axis=1).min() < 0.06
