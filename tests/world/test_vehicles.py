"""Vehicles: every model that the classes promise, its size, its budget, its parts."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.world.finishes import FINISHES, PAINTS
from blender_addon.world.shapes import COLOUR
from blender_addon.world.vehicles import (
    BODIES,
    CAR_COLOURS,
    CAR_MODELS,
    SURFACES,
    VAN_MODELS,
    VEHICLE_MODELS,
    vehicle,
)

ALL_MODELS = [model for models in VEHICLE_MODELS.values() for model in models]
# Metres without mirrors: least and greatest length, width and height.
SIZES = {
    "small": ((2.7, 3.7), (1.5, 1.7), (1.4, 1.6)),
    "hatchback": ((3.9, 4.4), (1.7, 1.8), (1.4, 1.55)),
    "saloon": ((4.4, 4.9), (1.7, 1.9), (1.35, 1.5)),
    "estate": ((4.4, 4.9), (1.7, 1.9), (1.4, 1.55)),
    "suv": ((4.2, 4.8), (1.8, 1.95), (1.6, 1.8)),
    "sports": ((3.9, 4.5), (1.7, 1.95), (1.2, 1.4)),
    "pickup": ((4.9, 5.4), (1.75, 1.95), (1.7, 1.9)),
    "van": ((4.8, 5.4), (1.85, 2.0), (1.9, 2.1)),
    "delivery_van": ((5.5, 7.0), (1.9, 2.1), (2.4, 2.9)),
    "delivery_truck": ((6.0, 9.0), (2.2, 2.6), (2.9, 3.6)),
    "lorry": ((12.0, 16.6), (2.5, 2.6), (3.6, 4.0)),
    "bus": ((11.5, 12.5), (2.5, 2.6), (2.8, 3.3)),
    "caravan": ((5.0, 7.5), (2.1, 2.5), (2.4, 2.8)),
}
MIRRORS = 0.42  # what mirrors may add to the width
DRAWN = pytest.mark.parametrize("model", ALL_MODELS)


def faces_of(shape, *surfaces):
    return [f for f, s in zip(shape.faces, shape.surfaces, strict=True) if s in surfaces]


def middles(shape, *surfaces):
    return np.array([shape.vertices[list(f)].mean(axis=0) for f in faces_of(shape, *surfaces)])


def area_vectors(shape):
    """Twice the area of each triangle as a vector along its normal, and its middle."""
    a, b, c = (shape.vertices[shape.triangles()[:, i]] for i in range(3))
    return np.cross(b - a, c - a), (a + b + c) / 3


def test_every_class_has_its_models():
    assert VEHICLE_MODELS == {
        "car": ("small", "hatchback", "saloon", "estate", "suv", "sports", "pickup"),
        "van": ("van", "delivery_van"),
        "truck": ("delivery_truck", "lorry"),
        "bus": ("bus",),
        "caravan": ("caravan",),
    }
    assert set(BODIES) == set(CAR_MODELS + VAN_MODELS)
    assert set(CAR_COLOURS) == set(PAINTS)
    assert not set(SURFACES) & set(FINISHES)


def test_unknown_model_is_refused():
    with pytest.raises(KeyError):
        vehicle("tram")


@DRAWN
def test_mesh_is_sound_and_within_budget(model):
    shape = vehicle(model)
    assert len(shape.faces) <= 3000
    assert len(shape.faces) == len(shape.surfaces) == len(shape.smooth)
    assert np.isfinite(shape.vertices).all()
    assert set(shape.surfaces) <= {COLOUR, *FINISHES, *SURFACES}
    assert set(np.unique(shape.triangles())) == set(range(len(shape.vertices)))
    assert shape.slots[0] == COLOUR


@DRAWN
def test_size_is_that_of_real_ones(model):
    length, width, height = vehicle(model).size
    (l0, l1), (w0, w1), (h0, h1) = SIZES[model]
    assert l0 <= length <= l1 + 0.05
    assert w0 <= width <= w1 + MIRRORS
    assert h0 <= height <= h1 + 0.12  # aerial


@pytest.mark.parametrize("model", list(BODIES))
def test_body_keeps_to_its_outline(model):
    shape, body = vehicle(model), BODIES[model]
    painted = shape.vertices[np.unique(np.concatenate(faces_of(shape, COLOUR)))]
    assert np.ptp(painted[:, 0]) == pytest.approx(body.length, abs=0.02)
    # Between the mirrors' height and the ground nothing is wider than the body.
    low = shape.vertices[shape.vertices[:, 2] < body.shoulder_at(np.array(0.0)) - 0.05]
    assert np.ptp(low[:, 1]) == pytest.approx(body.width, abs=0.04)
    assert painted[:, 2].max() == pytest.approx(body.height, abs=0.05)


@DRAWN
def test_origin_is_under_the_middle(model):
    low, high = vehicle(model).vertices.min(axis=0), vehicle(model).vertices.max(axis=0)
    np.testing.assert_allclose((low + high)[:2], 0, atol=1e-9)
    assert low[2] == pytest.approx(0, abs=1e-9)


@DRAWN
def test_front_lamps_are_in_front_and_rear_lamps_behind(model):
    shape = vehicle(model)
    reach = shape.size[0] / 2
    tails = middles(shape, "taillight", "taillight_dark")
    assert tails[:, 0].max() < 0
    tails = tails[np.abs(tails[:, 1]) > 0.3]  # without the upper brake lamp
    assert tails[:, 0].mean() < -0.8 * reach
    assert abs(tails[:, 1].mean()) < 1e-6
    if model == "caravan":
        return
    heads = middles(shape, "headlight", "lens")
    assert heads[:, 0].min() > 0.7 * reach and abs(heads[:, 1].mean()) < 1e-6


@DRAWN
def test_number_plates_are_white_and_small(model):
    shape = vehicle(model)
    plates = middles(shape, "plate")
    ends = {-1} if model == "caravan" else {-1, 1}
    assert set(np.sign(plates[:, 0]).astype(int)) == ends
    for end in ends:
        corners = shape.vertices[np.unique(np.concatenate(faces_of(shape, "plate")))]
        corners = corners[np.sign(corners[:, 0]) == end]
        np.testing.assert_allclose(np.ptp(corners, axis=0)[1:], (0.52, 0.11), atol=1e-6)
        assert 0.3 < corners[:, 2].mean() < 1.2


@pytest.mark.parametrize("model", [m for m in ALL_MODELS if m not in ("bus", "caravan")])
def test_left_and_right_are_alike_but_for_plates_wipers_and_exhaust(model):
    shape = vehicle(model)
    one_sided = {"plate_band", "plate_mark", "plastic", "metal"}
    for surface in set(shape.surfaces) - one_sided:
        found = middles(shape, surface)
        apart = np.linalg.norm(found[:, None] - found * (1, -1, 1), axis=-1)
        assert apart.min(axis=1).max() < 1e-6, surface


def test_bus_has_its_doors_on_the_right():
    shape = vehicle("bus")
    low = [m for m in middles(shape, "glass") if abs(m[1]) > 1.2 and m[2] < 1.45]
    doors = [m for m in low if m[0] < 5]
    assert doors and all(m[1] < 0 for m in doors)


@DRAWN
def test_skin_faces_outward(model):
    """Walls face away from the middle plane, roofs upward, fronts forward and rears backward."""
    shape = vehicle(model)
    normals, middle = area_vectors(shape)
    inner = np.abs(middle[:, 1]) < 0.02
    for axis, sign in ((1, 1), (1, -1)):
        steep = np.abs(normals[:, axis]) > 0.9 * np.linalg.norm(normals, axis=1)
        far = sign * middle[:, axis] > 0.8 * np.abs(shape.vertices[:, axis]).max() - MIRRORS / 2
        outer = steep & far & ~inner
        outward = (sign * normals[outer, axis]).clip(0).sum()
        assert outward > 3 * np.abs((sign * normals[outer, axis]).clip(max=0)).sum()
    top = middle[:, 2] > 0.9 * shape.vertices[:, 2].max()
    assert normals[top, 2].sum() > 0
    for end in (1, -1):
        face = end * middle[:, 0] > 0.97 * shape.size[0] / 2
        assert end * normals[face, 0].sum() > 0
    # Flux of (x, y, z) through the skin: positive when it encloses a volume from outside.
    assert np.einsum("ij,ij->", middle - (0, 0, shape.size[2] / 2), normals) > 0


@pytest.mark.parametrize("model", list(BODIES))
def test_painted_sheets_have_no_inward_face(model):
    shape, body = vehicle(model), BODIES[model]
    normals, middle = area_vectors(shape)
    names = np.repeat(shape.surfaces, [len(f) - 2 for f in shape.faces])
    size = np.linalg.norm(normals, axis=1)
    sheet = (names == COLOUR) & (size > 1e-4) & (np.abs(middle[:, 1]) < body.width / 2)
    away = np.stack([middle[:, 0] * 0.15, middle[:, 1], middle[:, 2] - 0.5 * body.height], -1)
    facing = np.einsum("ij,ij->i", away, normals) / np.maximum(size, 1e-12)
    assert size[sheet & (facing < -0.35)].sum() < 0.02 * size[sheet].sum()


@pytest.mark.parametrize("model", list(BODIES))
def test_panels_are_smooth_and_wheels_touch_the_ground(model):
    shape = vehicle(model)
    painted = [sm for sm, su in zip(shape.smooth, shape.surfaces, strict=True) if su == COLOUR]
    assert np.mean(painted) > 0.9
    tyres = shape.vertices[np.unique(np.concatenate(faces_of(shape, "tyre")))]
    on_ground = tyres[tyres[:, 2] < 1e-6]
    for end in (1, -1):
        for side in (1, -1):
            assert ((end * on_ground[:, 0] > 0.5) & (side * on_ground[:, 1] > 0.5)).any()


@pytest.mark.parametrize("model", [m for m in BODIES if m not in VAN_MODELS])
def test_cars_have_windows_all_round(model):
    glass = middles(vehicle(model), "glass")
    reach = BODIES[model].width / 2
    assert (glass[:, 0] > 0.1).any() and (glass[:, 0] < -0.6).any()
    assert (glass[:, 1] > 0.6 * reach).any() and (glass[:, 1] < -0.6 * reach).any()


@DRAWN
def test_two_builds_are_equal(model):
    first, second = vehicle(model), vehicle(model)
    np.testing.assert_array_equal(first.vertices, second.vertices)
    assert first.faces == second.faces
    assert first.surfaces == second.surfaces and first.smooth == second.smooth
