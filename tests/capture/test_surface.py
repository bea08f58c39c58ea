"""Edges of known meshes, and that a mesh is worked out once and forgotten with its arrays."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from conftest import CORNERS, TRIANGLES

from blender_addon.capture.surface import SurfaceTable, edges_of, surface_of

CUBE = np.asarray(TRIANGLES, np.int32)


def test_a_cubes_eighteen_edges_have_two_triangles_each_that_run_along_in_opposite_orders():
    ends, first, second = edges_of(CUBE)
    assert ends.shape == (2, 18) and (second < len(CUBE)).all() and (first != second).all()
    for (a, b), one, other in zip(ends.T, first, second, strict=True):
        assert (a, b) in sides(CUBE[one]) and (b, a) in sides(CUBE[other])


def test_an_open_meshes_border_has_one_triangle():
    ends, _, second = edges_of(np.array([[0, 1, 2], [0, 2, 3]]))
    assert ends.shape == (2, 5) and (second == 2).sum() == 4


@pytest.mark.parametrize("other", [[0, 1, 3], [1, 0, 3]])
def test_each_side_of_each_triangle_stands_in_the_table_once(other: list[int]):
    """Whether triangles agree about their turn, and however many meet at an edge."""
    triangles = np.array([[0, 1, 2], other, [1, 0, 4], [0, 1, 5]])
    ends, first, second = edges_of(triangles)
    found = [(a, b, t) for (a, b), t in zip(ends.T, first, strict=True)]
    found += [(b, a, t) for (a, b), t in zip(ends.T, second, strict=True) if t < len(triangles)]
    expected = [(*side, t) for t, corners in enumerate(triangles) for side in sides(corners)]
    assert sorted(found) == sorted(expected)


def test_normals_and_offsets_tell_which_side_of_a_triangle_a_point_is_on():
    surface = surface_of(np.asarray(CORNERS, np.float32), CUBE)
    inside = np.mean(CORNERS, axis=0)
    sides_of_it = np.sign(surface.offsets - surface.normals @ inside)
    assert abs(sides_of_it.sum()) == len(CUBE)  # all the same


def test_a_surface_is_found_once_and_goes_with_its_arrays():
    table = SurfaceTable()
    vertices, triangles = np.asarray(CORNERS, np.float32), CUBE.copy()
    assert table.surface(vertices, triangles) is table.surface(vertices, triangles)
    assert table.surface(vertices + 1, triangles) is not table.surface(vertices, triangles)
    del triangles
    gc.collect()
    assert not table._known


def test_no_triangles_have_no_edges():
    surface = surface_of(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    assert surface.ends.shape == (2, 0) and surface.first.shape == surface.second.shape == (0,)


def sides(triangle: np.ndarray) -> list[tuple[int, int]]:
    a, b, c = (int(corner) for corner in triangle)
    return [(a, b), (b, c), (c, a)]
