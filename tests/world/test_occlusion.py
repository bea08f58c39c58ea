"""Openness against view factors in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.world.contact import DARKEST, contact_sheet
from blender_addon.world.models import shape_of
from blender_addon.world.occlusion import (
    Surroundings,
    corner_openness,
    face_frames,
    upper_directions,
)
from blender_addon.world.shapes import box, join, polygons


def around(*shapes, recess: float = 0.0) -> Surroundings:
    shape = join(*shapes)
    return Surroundings(shape.vertices, shape.triangles(), recess)


def test_the_foot_of_a_long_wall_sees_what_is_left_of_the_sky():
    height = 4.0
    wall = around(box((-30, -0.5, 0), (30, 0.0, height), "x"))
    away = np.array([1.0, 2.0, 4.0, 8.0])
    # The view factor of an endless wall from level ground is (1 - cos(elevation)) / 2.
    expected = (1 + away / np.hypot(away, height)) / 2
    found = wall.ground(np.column_stack([np.zeros(4), away]))
    np.testing.assert_allclose(found, expected, atol=0.08)  # of 24 directions


def test_under_a_table_it_is_dark_and_beside_it_light():
    table = around(box((-2, -2, 0.6), (2, 2, 0.7), "x"))
    middle, beside = table.ground(np.array([[0.0, 0.0], [8.0, 0.0]]))
    assert middle < 0.12 and beside > 0.9


def test_an_inner_corner_is_half_as_open_as_an_upright_wall_alone():
    back = box((-10, 0.0, 0), (10, 0.5, 10), "x")
    side = box((0.0, -10, 0), (0.5, 0.0, 10), "x")
    place, normal = np.array([[-0.3, 0.0, 5.0]]), np.array([[0.0, -1.0, 0.0]])
    no = np.zeros(1, bool)
    alone = around(back).openness(place, normal, no).above
    cornered = around(back, side).openness(place, normal, no).above
    assert alone == pytest.approx(1.0, abs=0.05)
    # What the side wall hides of a wall's sky, close to the corner, is its half.
    assert cornered == pytest.approx(0.5, abs=0.12)


def test_an_underside_gets_less_of_the_grounds_light_the_nearer_it_is():
    def underside(height: float) -> float:
        slab = box((-1, -1, height), (1, 1, height + 0.2), "x")
        found = around(slab).openness(
            np.array([[0.0, 0.0, height]]), np.array([[0.0, 0.0, -1.0]]), np.zeros(1, bool)
        )
        return float(found.below[0])

    low, high = underside(0.3), underside(3.0)
    assert low < 0.35 < 0.7 < high


def test_faces_are_open_on_the_side_that_can_be_seen_however_they_are_drawn():
    shape = box((-1, -1, 0), (1, 1, 2), "x")
    inside_out = polygons(shape.vertices, [face[::-1] for face in shape.faces], "x")
    for one in (shape, inside_out):
        found = corner_openness(one, around(one))
        top = slice(*[4 * n for n in (5, 6)])  # of box: the last face looks up
        assert found.above[top].min() > 0.9


def test_a_window_in_a_recess_is_as_open_as_its_wall():
    wall = box((-6, 0.0, 0), (6, 0.3, 6), "x")
    reveal = [box((-0.7, -0.2, 2), (-0.6, 0.0, 4), "x"), box((0.6, -0.2, 2), (0.7, 0.0, 4), "x")]
    point, normal = np.array([[0.0, 0.0, 3.0]]), np.array([[0.0, -1.0, 0.0]])
    flat = around(wall, *reveal, recess=0.6).openness(point, normal, np.zeros(1, bool))
    assert flat.above[0] > 0.9


def test_normals_and_middles_of_polygons():
    shape = box((0, 0, 0), (2, 4, 6), "x")
    corners = np.array([i for face in shape.faces for i in face])
    normals, middles = face_frames(shape.vertices, corners, np.full(6, 4))
    for normal, middle in zip(normals, middles, strict=True):
        axis = int(np.abs(normal).argmax())
        assert abs(normal[axis]) == pytest.approx(1)
        np.testing.assert_allclose(
            middle, np.array([1, 2, 3]) * (1 + np.sign(normal) * np.eye(3)[axis])
        )


def test_directions_are_even_over_the_upper_half():
    axes = upper_directions(200)
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1)
    np.testing.assert_allclose(axes.mean(axis=0), (0, 0, 0.5), atol=0.02)


def test_a_cars_contact_is_dark_under_it_and_clear_at_its_rim():
    shape = shape_of(("car", "hatchback"))
    sheet, left = contact_sheet(around(shape))
    middle = np.linalg.norm(sheet.vertices[:, :2], axis=1) < 0.6
    assert left.min() >= DARKEST and left[middle].max() < 0.4
    low, high = shape.vertices.min(axis=0)[:2], shape.vertices.max(axis=0)[:2]
    rim = ((sheet.vertices[:, :2] < low - 0.5) | (sheet.vertices[:, :2] > high + 0.5)).any(axis=1)
    assert left[rim].min() > 0.75
