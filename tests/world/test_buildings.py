"""Buildings: models and classes, sizes, budgets, and surfaces that close the shape outward."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.contract.street import BUILDING_DEPTH
from blender_addon.world.buildings import (
    BUILDING_COLOURS,
    BUILDING_MODELS,
    HOUSE_MODELS,
    SURFACES,
    TOWN_MODELS,
    building,
    building_class,
)
from blender_addon.world.finishes import FINISHES, WALLS
from blender_addon.world.shapes import COLOUR

WIDTHS, HEIGHTS = np.arange(4, 30, 0.5), np.arange(2.5, 25, 0.25)


def classes(model: str) -> list[tuple[int, int]]:
    return sorted({building_class(model, w, h) for w in WIDTHS for h in HEIGHTS})


CLASSES = [(model, *size) for model in BUILDING_MODELS for size in classes(model)]


def triangle_corners(shape) -> np.ndarray:
    """T x 3 x 3."""
    return shape.vertices[shape.triangles()]


def test_models_are_ten_houses_and_eight_of_a_town():
    assert len(HOUSE_MODELS) == 10 and len(TOWN_MODELS) == 8
    assert BUILDING_MODELS == HOUSE_MODELS + TOWN_MODELS
    assert len(set(BUILDING_MODELS)) == 18
    assert all(name == name.lower() and " " not in name for name in BUILDING_MODELS)
    assert set(BUILDING_COLOURS) == set(WALLS)


@pytest.mark.parametrize("model", BUILDING_MODELS)
def test_a_model_has_few_classes_that_grow_with_its_size(model):
    assert len(classes(model)) <= 15
    storeys = [building_class(model, 10, h)[0] for h in HEIGHTS]
    bays = [building_class(model, w, 8)[1] for w in WIDTHS]
    assert storeys == sorted(storeys) and bays == sorted(bays)
    assert set(bays) == {3, 5, 7}


def test_storeys_suit_the_model():
    assert building_class("bungalow", 12, 15)[0] == 1
    assert building_class("flat_block", 12, 3)[0] == 2
    assert building_class("gable_street", 12, 9)[0] == 2


@pytest.mark.parametrize(("model", "storeys", "bays"), CLASSES)
def test_shape_fits_its_unit_box_and_budget(model, storeys, bays):
    shape = building(model, storeys, bays)
    assert 100 < len(shape.faces) <= 3000
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    assert low[2] == pytest.approx(0) and high[2] == pytest.approx(1)
    assert max(-low[1], high[1]) == pytest.approx(0.5) and shape.size[1] >= 0.97
    # Walls where the placement expects them; eaves, steps and balconies stand out a little.
    assert -BUILDING_DEPTH / 2 - 1 <= low[0] <= -BUILDING_DEPTH / 2
    assert BUILDING_DEPTH / 2 <= high[0] <= BUILDING_DEPTH / 2 + 1.6
    used = np.unique(shape.triangles())
    assert len(used) == len(shape.vertices)
    corners = triangle_corners(shape)
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]),
                           axis=1)  # fmt: skip
    assert areas.min() > 0


@pytest.mark.parametrize(("model", "storeys", "bays"), CLASSES)
def test_every_surface_exists_and_the_wall_takes_the_colour(model, storeys, bays):
    shape = building(model, storeys, bays)
    assert shape.slots[0] == COLOUR
    assert set(shape.surfaces) - {COLOUR} <= set(SURFACES) | set(FINISHES)


@pytest.mark.parametrize("model", BUILDING_MODELS)
def test_two_builds_are_equal_and_panes_differ_within_one(model):
    size = classes(model)[-1]
    first, second = building(model, *size), building(model, *size)
    np.testing.assert_array_equal(first.vertices, second.vertices)
    assert first.faces == second.faces and first.surfaces == second.surfaces
    panes = {"window", "window_sky", "window_dim"}
    assert len(panes & set(first.surfaces)) >= 2


@pytest.mark.parametrize("model", BUILDING_MODELS)
def test_whoever_looks_at_a_building_sees_the_outer_side_of_its_faces(model):
    """A ray from outside must never meet the back of a face first: no hole, nothing inside out."""
    sizes = classes(model)
    for size in (sizes[0], sizes[-1]):
        shape = building(model, *size).scaled((1, 12, 8))
        rng = np.random.default_rng(5)
        angle = rng.uniform(0, 2 * np.pi, 240)
        start = np.stack([40 * np.cos(angle), 40 * np.sin(angle), rng.uniform(1.5, 25, 240)], -1)
        target = rng.uniform((-4.5, -6, 0.2), (4.5, 6, 7.5), (240, 3))
        facing = first_hits_facing(triangle_corners(shape), start, target - start)
        assert len(facing) > 170
        assert (facing > 0).all()


def first_hits_facing(triangles, start, direction) -> np.ndarray:
    """For each ray that hits something: above 0 where the first face looks towards its start."""
    a, ab, ac = (triangles[:, 0], triangles[:, 1] - triangles[:, 0],
                 triangles[:, 2] - triangles[:, 0])  # fmt: skip
    normal = np.cross(ab, ac)
    facing = []
    for origin, ray in zip(start, direction, strict=True):
        across = -(normal @ ray)
        with np.errstate(divide="ignore", invalid="ignore"):
            to = origin - a
            moment = np.cross(to, ray)
            u, v = (ac * moment).sum(1) / across, -(ab * moment).sum(1) / across
            t = (to * normal).sum(1) / across
        inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
        if inside.any():
            facing.append(across[inside][np.argmin(t[inside])])
    return np.array(facing)
