"""The shapes' sizes, budgets and repeatability."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.world.buildings import building, building_class
from blender_addon.world.people import PERSON_MODELS, person
from blender_addon.world.poles import POLE_MODELS, pole
from blender_addon.world.shapes import COLOUR, box, grid, tube
from blender_addon.world.vegetation import TREE_MODELS, tree
from blender_addon.world.vehicles import BODIES, CAR_MODELS, VAN_MODELS, vehicle


def all_shapes():
    for model in CAR_MODELS + VAN_MODELS:
        yield model, vehicle(model)
    for model in PERSON_MODELS:
        yield model, person(model)
    for model in TREE_MODELS:
        yield model, tree(model)
    for model in POLE_MODELS:
        yield model, pole(model)
    for width, height in ((7, 4), (12, 7), (20, 10), (20, 15)):
        yield f"building {width} x {height}", building(*building_class(width, height))


@pytest.mark.parametrize(
    ("name", "shape"), list(all_shapes()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_shape_is_sound_and_within_budget(name, shape):
    assert len(shape.faces) <= 3000
    assert len(shape.faces) == len(shape.surfaces) == len(shape.smooth)
    assert np.isfinite(shape.vertices).all()
    assert shape.vertices[:, 2].min() == pytest.approx(0, abs=0.03)
    triangles = shape.triangles()
    assert triangles.min() >= 0 and triangles.max() < len(shape.vertices)
    used = np.unique(triangles)
    assert len(used) == len(shape.vertices), f"{name} has loose vertices"


@pytest.mark.parametrize("model", CAR_MODELS)
def test_cars_have_the_proportions_of_european_cars(model):
    length, width, height = vehicle(model).size
    assert 3.9 <= length <= 4.61 and 1.65 <= width <= 1.85 and 1.4 <= height <= 1.7
    body = BODIES[model]
    np.testing.assert_allclose((length, width, height), (body.length, body.width, body.height))


@pytest.mark.parametrize("model", CAR_MODELS + VAN_MODELS)
def test_vehicle_is_centred_symmetric_and_faces_forward(model):
    shape = vehicle(model)
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    np.testing.assert_allclose((low + high)[:2], 0, atol=1e-9)
    mirrored = {tuple(np.round(v * (1, -1, 1), 6) + 0.0) for v in shape.vertices}
    assert mirrored == {tuple(np.round(v, 6) + 0.0) for v in shape.vertices}
    where = {name: np.mean([shape.vertices[list(f), 0].mean() for f, s in
                            zip(shape.faces, shape.surfaces, strict=True) if s == name])
             for name in ("headlight", "taillight")}  # fmt: skip
    assert where["headlight"] > 0.4 * high[0] and where["taillight"] < 0.4 * low[0]
    assert shape.slots[0] == COLOUR


def test_unit_shapes_are_one_metre_tall():
    for shape in [person(m) for m in PERSON_MODELS] + [tree(m) for m in TREE_MODELS]:
        assert shape.vertices[:, 2].max() == pytest.approx(1)


def test_trees_are_the_same_at_every_build():
    for model in TREE_MODELS:
        first, second = tree(model), tree(model)
        np.testing.assert_array_equal(first.vertices, second.vertices)
        assert first.surfaces == second.surfaces


def test_buildings_have_few_classes_and_keep_to_their_unit_box():
    sizes = {building_class(w, h) for w in np.arange(6, 24.1, 0.5) for h in np.arange(3, 18.1, 0.5)}
    assert len(sizes) <= 12
    for storeys, bays in sizes:
        shape = building(storeys, bays)
        assert shape.size[1] <= 1.04 and shape.size[2] == pytest.approx(1, abs=0.03)


def test_primitives_enclose_what_they_should():
    cube = box((0, 0, 0), (1, 2, 3), "x")
    assert _volume(cube) == pytest.approx(6)
    prism = tube([(0, 0, 0), (0, 0, 2)], [1.0, 1.0], "x", sides=64)
    assert abs(_volume(prism)) == pytest.approx(2 * np.pi, rel=2e-3)
    sheet = grid(np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0, 2.0], [0.0]), -1)[:, :, 0], "x")
    assert len(sheet.faces) == 2


def _volume(shape) -> float:
    """Signed volume by the divergence theorem."""
    a, b, c = (shape.vertices[shape.triangles()[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
