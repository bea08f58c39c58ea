"""Street furniture, signs and other poles: sizes, colours and sound meshes."""

from __future__ import annotations

import numpy as np
import pytest
from solids import assert_same, assert_sound

from blender_addon.world.cyclists import SURFACES as CYCLISTS
from blender_addon.world.finishes import FINISHES
from blender_addon.world.furniture import FURNITURE_MODELS, furniture
from blender_addon.world.furniture import SURFACES as FURNITURE
from blender_addon.world.poles import POLE_MODELS, SIGN_MODELS, pole
from blender_addon.world.poles import SURFACES as POLES
from blender_addon.world.shapes import COLOUR

# Width along the road (y), depth (x) and height, metres.
SIZES = {
    "bollard": (0.15, 0.15, 0.92),
    "bin": (0.60, 0.80, 1.05),
    "litter_bin": (0.40, 0.43, 1.05),
    "bench": (1.80, 0.55, 0.93),
    "post_box": (0.60, 0.45, 1.38),
    "bus_shelter": (4.0, 1.6, 2.45),
    "electricity_box": (1.16, 0.38, 1.16),
    "advertising_column": (1.4, 1.4, 3.12),
    "bicycle_parked": (0.63, 1.78, 1.07),
    "planter": (1.3, 0.96, 1.0),
}


@pytest.mark.parametrize("model", FURNITURE_MODELS)
def test_furniture_is_sound_and_of_natural_size(model):
    shape = furniture(model)
    assert_sound(shape, FURNITURE | POLES | CYCLISTS, 1200)
    assert COLOUR not in shape.surfaces
    width, depth, height = SIZES[model]
    np.testing.assert_allclose(shape.size, (depth, width, height), rtol=0.08)
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    np.testing.assert_allclose((low + high)[:2], 0, atol=1e-9)
    assert_same(shape, furniture(model))


def test_posters_are_several_all_round_the_column():
    shape = furniture("advertising_column")
    rows: dict[float, list[tuple[float, str]]] = {}
    for face, name in zip(shape.faces, shape.surfaces, strict=True):
        corners = shape.vertices[list(face)]
        middle = corners.mean(axis=0)
        if len(face) == 4 and np.ptp(corners[:, 2]) > 0.5:
            angle = float(np.arctan2(middle[1], middle[0]))
            rows.setdefault(round(float(middle[2]), 2), []).append((angle, name))
    assert len(rows) == 3
    for row in rows.values():
        names = [name for _, name in sorted(row)]
        assert sum(a != b for a, b in zip(names, names[1:], strict=False)) >= 3


@pytest.mark.parametrize("model", POLE_MODELS)
def test_pole_is_sound_and_one_metre_tall(model):
    shape = pole(model)
    assert_sound(shape, POLES, 300)
    assert shape.vertices[:, 2].max() == pytest.approx(1)
    assert COLOUR not in shape.surfaces
    assert np.abs(shape.vertices[shape.vertices[:, 2] < 0.01, 0]).max() < 0.03, "foot at the origin"
    assert_same(shape, pole(model))


@pytest.mark.parametrize("model", SIGN_MODELS)
def test_signs_show_their_colours_to_the_front(model):
    """From +X colours are seen and from behind grey or black alone."""
    shape = pole(model)
    bright = {"sign_red", "sign_white", "sign_yellow", "sign_blue", "light_red"}
    seen = set()
    for face, name in zip(shape.faces, shape.surfaces, strict=True):
        corners = shape.vertices[list(face)]
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[1])
        if normal[0] > 0 and name in bright:
            seen.add(name)
    assert seen
    assert shape.vertices[:, 0].max() > -shape.vertices[:, 0].min()


def test_models_of_signs_are_poles_and_lamps_reach_over_the_road():
    assert {"lamp", "sign", "traffic_light", "power_pole"} <= set(POLE_MODELS)
    assert set(SIGN_MODELS) < set(POLE_MODELS)
    for model in ("lamp", "lamp_double", "lamp_hanging"):
        assert pole(model).vertices[:, 0].max() > 0.2
    assert pole("lamp_double").vertices[:, 0].min() == pytest.approx(
        -pole("lamp_double").vertices[:, 0].max()
    )


def test_signs_that_are_symmetric_are():
    symmetric = ("sign", "sign_priority", "sign_yield", "sign_no_entry", "lamp", "bollard", "bench")
    for model in symmetric:
        shape = pole(model) if model in POLE_MODELS else furniture(model)
        points = {tuple(np.round(v, 6) + 0.0) for v in shape.vertices}
        assert points == {tuple(np.round(v * (1, -1, 1), 6) + 0.0) for v in shape.vertices}, model


def test_own_surfaces_do_not_clash():
    tables = [set(FINISHES), set(FURNITURE), set(POLES), set(CYCLISTS)]
    assert sum(map(len, tables)) == len(set().union(*tables))
