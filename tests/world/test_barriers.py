"""Barriers: models, natural sizes, budgets a section, closed parts, rows that do not repeat."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.contract.street import BARRIER_SECTION
from blender_addon.world.barriers import BARRIER_MODELS, SECTION_LENGTH, SURFACES, barrier
from blender_addon.world.finishes import FINISHES
from blender_addon.world.vegetation import SURFACES as PLANTS

# Height, metres; depth along X, least and most; faces a section.
SIZES = {
    "hedge": (1.3, 0.7, 1.0, 220),
    "hedge_tall": (2.2, 0.9, 1.3, 220),
    "fence_wood": (1.1, 0.1, 0.2, 80),
    "fence_metal": (1.2, 0.03, 0.1, 80),
    "wall_brick": (1.1, 0.3, 0.5, 80),
    "wall_stone": (1.8, 0.4, 0.6, 80),
    "guard_rail": (0.75, 0.1, 0.25, 80),
    "verge": (0.25, 1.2, 1.55, 133),
}
BUILT = [name for name in SIZES if not name.startswith(("hedge", "verge"))]


def parts(shape) -> list[set[int]]:
    """Sets of face numbers that hang together by shared vertices."""
    owner = {v: v for v in range(len(shape.vertices))}

    def root(v):
        while owner[v] != v:
            owner[v] = owner[owner[v]]
            v = owner[v]
        return v

    for face in shape.faces:
        for v in face[1:]:
            owner[root(v)] = root(face[0])
    found: dict[int, set[int]] = {}
    for number, face in enumerate(shape.faces):
        found.setdefault(root(face[0]), set()).add(number)
    return list(found.values())


def volume(shape, numbers) -> float:
    """Signed volume of some faces by the divergence theorem, cubic metres."""
    total = 0.0
    for number in numbers:
        face = shape.faces[number]
        a = shape.vertices[face[0]]
        for i in range(1, len(face) - 1):
            b, c = shape.vertices[face[i]], shape.vertices[face[i + 1]]
            total += float(a @ np.cross(b, c)) / 6
    return total


def edges(shape, numbers) -> list[tuple[int, int]]:
    """Every face's sides as directed pairs of vertices."""
    return [(face[i - 1], face[i]) for n in numbers for face in [shape.faces[n]]
            for i in range(len(face))]  # fmt: skip


def test_models_are_those_that_the_street_knows():
    assert set(BARRIER_MODELS) == set(SIZES) and len(BARRIER_MODELS) == len(SIZES)
    assert SECTION_LENGTH == BARRIER_SECTION


@pytest.mark.parametrize("sections", [1, 2, 7])
@pytest.mark.parametrize("model", BARRIER_MODELS)
def test_barrier_has_its_natural_size_and_keeps_to_its_budget(model, sections):
    shape = barrier(model, sections)
    height, least, most, faces = SIZES[model]
    assert len(shape.faces) <= faces * sections
    assert len(shape.faces) == len(shape.surfaces) == len(shape.smooth)
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    assert low[2] == pytest.approx(0, abs=1e-9)
    assert high[2] == pytest.approx(height, abs=0.12)
    assert least <= high[0] - low[0] <= most
    # Leaves stand out at the ends a little, as they do at the front.
    assert max(-low[1], high[1]) == pytest.approx(sections * SECTION_LENGTH / 2, abs=0.12)
    assert len(np.unique(shape.triangles())) == len(shape.vertices)


@pytest.mark.parametrize("model", BARRIER_MODELS)
def test_every_surface_has_a_finish(model):
    shape = barrier(model, 2)
    assert set(shape.surfaces) <= set(FINISHES) | set(SURFACES) | set(PLANTS)


def test_finishes_clash_with_no_others():
    assert not set(SURFACES) & (set(FINISHES) | set(PLANTS))
    used = {name for model in BARRIER_MODELS for name in barrier(model, 3).surfaces}
    assert set(SURFACES) <= used
    assert SURFACES["brick_wall"].pattern == SURFACES["sandstone"].pattern == "brick"


@pytest.mark.parametrize("model", BARRIER_MODELS)
def test_two_builds_are_equal(model):
    first, second = barrier(model, 3), barrier(model, 3)
    np.testing.assert_array_equal(first.vertices, second.vertices)
    assert first.faces == second.faces and first.surfaces == second.surfaces


@pytest.mark.parametrize("sections", [1, 4])
@pytest.mark.parametrize("model", BUILT)
def test_every_part_of_what_is_built_is_closed_and_faces_outward(model, sections):
    shape = barrier(model, sections)
    for numbers in parts(shape):
        assert volume(shape, numbers) > 0
        sides = edges(shape, numbers)
        assert len(set(sides)) == len(sides)
        assert {(b, a) for a, b in sides} == set(sides)


@pytest.mark.parametrize("model", ["hedge", "hedge_tall"])
def test_a_hedge_has_a_closed_dark_body_inside_its_leaves(model):
    shape = barrier(model, 3)
    body = [n for n, name in enumerate(shape.surfaces) if name == "hedge_body"]
    sides = edges(shape, body)
    assert {(b, a) for a, b in sides} == set(sides) and len(set(sides)) == len(sides)
    box = np.prod(shape.size)
    assert 0.45 * box < volume(shape, body) < box
    inner = shape.vertices[sorted({v for n in body for v in shape.faces[n]})]
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    assert np.all(low[:2] < inner.min(axis=0)[:2]) and np.all(inner.max(axis=0) < high)


@pytest.mark.parametrize("model", ["hedge", "hedge_tall"])
def test_leaves_cover_front_top_back_and_ends(model):
    shape = barrier(model, 2)
    leaves = np.array([shape.vertices[list(face)].mean(axis=0) for face, name in
                       zip(shape.faces, shape.surfaces, strict=True)
                       if name != "hedge_body"])  # fmt: skip
    wide, height = SIZES[model][1] / 2, SIZES[model][0]
    there = [leaves[:, 0] > 0.75 * wide, leaves[:, 0] < -0.75 * wide,
             leaves[:, 2] > 0.92 * height, leaves[:, 1] > 1.9, leaves[:, 1] < -1.9]  # fmt: skip
    counts = [int(mask.sum()) for mask in there]
    assert min(counts) >= 15
    assert counts[0] > 1.3 * counts[1], "the front is what the street sees"


@pytest.mark.parametrize("model", ["hedge", "hedge_tall", "verge"])
def test_sections_of_what_grows_differ(model):
    shape = barrier(model, 2)
    cards = np.array([shape.vertices[list(face)].mean(axis=0) for face, name in
                      zip(shape.faces, shape.surfaces, strict=True)
                      if name != "hedge_body"])  # fmt: skip
    low, high = cards[: len(cards) // 2], cards[len(cards) // 2 :]
    assert np.abs(np.sort(low[:, 0]) - np.sort(high[:, 0])).max() > 0.01
    assert low[:, 1].mean() < 0 < high[:, 1].mean()


@pytest.mark.parametrize("model", ["fence_metal", "wall_brick", "wall_stone"])
def test_fence_and_walls_look_the_same_from_both_ends(model):
    shape = barrier(model, 3)
    points = np.round(shape.vertices, 6) + 0.0
    turned = np.round(shape.vertices * (1, -1, 1), 6) + 0.0
    if model == "fence_metal":  # its three-sided bars are symmetric only in the large
        points, turned = points[:, 1:], turned[:, 1:]
        assert points.min(axis=0)[0] == turned.min(axis=0)[0]
        np.testing.assert_allclose(points[:, 0].mean(), 0, atol=1e-6)
    else:
        assert {tuple(p) for p in points} == {tuple(p) for p in turned}


@pytest.mark.parametrize("model", ["fence_wood", "guard_rail"])
def test_the_road_sees_the_front_of_a_fence_and_the_posts_are_behind(model):
    shape = barrier(model, 2)
    posts = {"fence_wood": "fence_board", "guard_rail": "galvanised_dull"}[model]
    found = [
        numbers for numbers in parts(shape) if all(shape.surfaces[n] == posts for n in numbers)
    ]
    feet = [shape.vertices[sorted({v for n in numbers for v in shape.faces[n]})]
            for numbers in found]  # fmt: skip
    feet = [points for points in feet if points[:, 2].min() == 0]
    assert len(feet) == 3  # both ends and between the two sections
    front = shape.vertices[:, 0].max()
    assert all(points[:, 0].max() < front - 0.03 for points in feet)


def test_a_verge_is_low_and_thin_enough_to_see_the_lawn():
    shape = barrier("verge", 3)
    assert len(shape.faces) <= 400
    corners = shape.vertices[shape.triangles()][..., :2]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    covered = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2
    assert 0.1 < covered / (6 * 1.5) < 0.6
    blades = {"grass_blade", "grass_blade_dark", "grass_blade_dry", "leaf_light"}
    assert blades <= set(shape.surfaces)
