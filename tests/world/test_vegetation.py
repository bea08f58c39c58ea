"""Trees and bushes: models, proportions, budgets, where the leaves are and which are light."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.world.finishes import FINISHES
from blender_addon.world.vegetation import SURFACES, TREE_MODELS, tree
from blender_addon.world.vegetation.broadleaf import BROADLEAVES
from blender_addon.world.vegetation.bushes import BUSHES
from blender_addon.world.vegetation.foliage import SPRAY_REACH, Lobes, shade, sprays
from blender_addon.world.vegetation.surfaces import AUTUMN, GREEN, LIME, NEEDLES

SHAPES = {model: tree(model) for model in TREE_MODELS}
TONES = (GREEN, LIME, AUTUMN, NEEDLES)
LEAVES = {name for tones in TONES for name in tones}

# Width in parts of the height, least and most.
WIDTHS = {
    "broadleaf": (0.6, 0.95),
    "broadleaf_wide": (1.15, 1.6),
    "broadleaf_tall": (0.3, 0.5),
    "broadleaf_young": (0.35, 0.65),
    "broadleaf_autumn": (0.6, 0.95),
    "birch": (0.4, 0.65),
    "conifer": (0.4, 0.65),
    "conifer_pine": (0.35, 0.65),
    "conifer_column": (0.25, 0.45),
    "bush": (1.1, 1.8),
    "bush_low": (1.8, 2.5),
    "bush_flowering": (1.1, 1.8),
    "bush_wild": (1.3, 2.0),
}


def colour(surface: str) -> np.ndarray:
    return np.array({**FINISHES, **SURFACES}[surface].colour)


def middles(shape, surfaces) -> np.ndarray:
    """N x 3: the middles of the faces of these surfaces."""
    return np.array([shape.vertices[list(face)].mean(axis=0)
                     for face, name in zip(shape.faces, shape.surfaces, strict=True)
                     if name in surfaces])  # fmt: skip


def volume(shape, surface) -> float:
    """Signed volume of a surface's faces by the divergence theorem, cubic metres."""
    total = 0.0
    for face, name in zip(shape.faces, shape.surfaces, strict=True):
        if name == surface:
            a = shape.vertices[face[0]]
            for i in range(1, len(face) - 1):
                b, c = shape.vertices[face[i]], shape.vertices[face[i + 1]]
                total += float(a @ np.cross(b, c)) / 6
    return total


def test_names_of_earlier_scenes_stay_and_there_are_many_more():
    assert {"broadleaf", "conifer", "bush"} <= set(TREE_MODELS)
    assert len(TREE_MODELS) == len(set(TREE_MODELS)) == len(WIDTHS)
    assert set(TREE_MODELS) == set(WIDTHS)


@pytest.mark.parametrize("model", TREE_MODELS)
def test_tree_is_a_metre_tall_sound_and_within_budget(model):
    shape = SHAPES[model]
    assert 1000 < len(shape.faces) <= 3000
    assert len(shape.faces) == len(shape.surfaces) == len(shape.smooth)
    assert np.isfinite(shape.vertices).all()
    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    assert low[2] == pytest.approx(0, abs=1e-3) and high[2] == pytest.approx(1)
    assert low[2] >= -1e-9
    least, most = WIDTHS[model]
    assert least <= shape.size[0] <= most and least <= shape.size[1] <= most
    # It stands where its node is: no crown is all on one side of the foot.
    assert np.all(np.abs(low + high)[:2] < 0.25 * shape.size[:2])
    triangles = shape.triangles()
    assert len(np.unique(triangles)) == len(shape.vertices)
    corners = shape.vertices[triangles]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]),
                           axis=1)  # fmt: skip
    assert areas.min() > 0


@pytest.mark.parametrize("model", TREE_MODELS)
def test_every_surface_has_a_finish(model):
    assert set(SHAPES[model].surfaces) <= set(FINISHES) | set(SURFACES)


@pytest.mark.parametrize("model", TREE_MODELS)
def test_two_builds_are_equal(model):
    again = tree(model)
    np.testing.assert_array_equal(SHAPES[model].vertices, again.vertices)
    assert SHAPES[model].faces == again.faces and SHAPES[model].surfaces == again.surfaces


def test_no_two_models_are_alike():
    pictures = {np.round(shape.vertices, 6).tobytes() for shape in SHAPES.values()}
    assert len(pictures) == len(TREE_MODELS)


def test_finishes_clash_with_no_shared_ones_and_are_plain():
    assert not set(SURFACES) & set(FINISHES)
    assert all(finish.roughness is None for finish in SURFACES.values())


def test_tones_grow_lighter():
    for tones in TONES:
        sums = [colour(name).sum() for name in tones]
        assert sums == sorted(sums)


@pytest.mark.parametrize("model", TREE_MODELS)
def test_bark_faces_outward(model):
    shape = SHAPES[model]
    barks = {name for name in shape.surfaces if name.startswith("bark")}
    assert barks
    for bark in barks:
        assert volume(shape, bark) > 0


@pytest.mark.parametrize("model", [*BROADLEAVES, *BUSHES])
def test_leaves_are_light_on_top_and_outside_and_dark_within(model):
    shape = SHAPES[model]
    leaves = [name for name in shape.surfaces if name in LEAVES]
    bright = np.array([colour(name).sum() for name in leaves])
    places = middles(shape, LEAVES)
    upper = places[:, 2] > np.median(places[:, 2])
    assert bright[upper].mean() > 1.15 * bright[~upper].mean()
    middle = np.array((0, 0, places[:, 2].mean()))
    away = np.linalg.norm((places - middle) / shape.size, axis=1)
    inner = away < np.quantile(away, 0.25)
    assert bright[~inner].mean() > bright[inner].mean()


@pytest.mark.parametrize("model", TREE_MODELS)
def test_hardly_a_leaf_floats(model):
    shape = SHAPES[model]
    corners = [shape.vertices[list(face)] for face in shape.faces]
    places = np.array([face.mean(axis=0) for face in corners])
    reach = np.array([np.linalg.norm(face - place, axis=1).max()
                      for face, place in zip(corners, places, strict=True)])  # fmt: skip
    wood = [n for n, name in enumerate(shape.surfaces) if name.startswith("bark")]
    held = np.isin(np.arange(len(places)), wood)
    while wood:
        n = wood.pop()
        near = np.linalg.norm(places - places[n], axis=1) < reach + reach[n]
        new = np.flatnonzero(near & ~held)
        held[new] = True
        wood.extend(new.tolist())
    assert np.mean(~held) < 0.01


@pytest.mark.parametrize(
    ("model", "clear"),
    [("broadleaf", 0.10), ("broadleaf_wide", 0.18), ("broadleaf_young", 0.30),
     ("broadleaf_autumn", 0.2), ("birch", 0.10), ("conifer_pine", 0.4)],
)  # fmt: skip
def test_street_trees_have_a_bare_stem(model, clear):
    assert middles(SHAPES[model], LEAVES)[:, 2].min() > clear


@pytest.mark.parametrize("model", [*BUSHES, "conifer_column"])
def test_bushes_are_leafy_down_to_the_ground(model):
    height = middles(SHAPES[model], LEAVES)[:, 2]
    assert height.min() < 0.15 and np.mean(height < 0.3) > 0.1


@pytest.mark.parametrize(
    ("model", "least"),
    [("broadleaf", 0.85), ("broadleaf_wide", 0.8), ("broadleaf_autumn", 0.8), ("birch", 0.65)],
)
def test_sky_shows_through_the_edge_of_a_crown_but_hardly_through_its_middle(model, least):
    shape = SHAPES[model]
    corners = shape.vertices[shape.triangles()][:, :, 1:]  # seen along X
    crown = middles(shape, LEAVES)[:, 1:]
    low, high = np.quantile(crown, 0.02, axis=0), np.quantile(crown, 0.98, axis=0)
    side = np.linspace(0, 1, 24)
    grid = low + np.stack(np.meshgrid(side, side), -1).reshape(-1, 2) * (high - low)
    first, second, third = (corners[:, i] for i in range(3))
    hit = np.zeros(len(grid), bool)
    for i, point in enumerate(grid):
        turns = [np.cross(b - a, point - a) for a, b in
                 ((first, second), (second, third), (third, first))]  # fmt: skip
        hit[i] = np.any((np.min(turns, axis=0) >= 0) | (np.max(turns, axis=0) <= 0))
    away = np.abs((grid - (low + high) / 2) / (high - low)).max(axis=1)
    assert hit[away < 0.25].mean() > least
    assert 0.2 < hit[away > 0.4].mean() < 0.85


def test_birch_is_white_with_dark_scars_and_a_flowering_bush_flowers():
    assert colour("bark_birch").min() > 4 * colour("bark").max()
    assert SHAPES["birch"].surfaces.count("bark_scar") >= 6 * 6
    flowers = middles(SHAPES["bush_flowering"], {"petal_pink"})
    assert len(flowers) == BUSHES["bush_flowering"].flowers
    assert np.median(flowers[:, 2]) > 0.4


def test_a_fan_from_its_stalk_covers_a_spray_and_its_reach_bounds_it():
    rng = np.random.default_rng(0)
    count = 400
    size, normals = rng.uniform(0.1, 2.0, count), rng.normal(size=(count, 3))
    shape = sprays(np.zeros((count, 3)), normals, size, ["leaf"] * count, rng)
    points = shape.vertices.reshape(count, 6, 3)
    assert np.all(np.linalg.norm(points, axis=2) <= SPRAY_REACH * size[:, None])
    np.testing.assert_allclose(np.einsum("nij,nj->ni", points, normals), 0, atol=1e-9)
    # Every triangle of the fan turns the same way, so none lies over another.
    corners = points[:, [[0, i, i + 1] for i in range(1, 5)]]
    turns = np.cross(
        corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]
    )
    assert np.all(np.einsum("nij,nj->ni", turns, normals) > 0)


def test_depth_is_measured_in_the_nearest_lobe():
    lobes = Lobes(np.array([(0.0, 0.0, 1.0), (3.0, 0.0, 1.0)]), np.array([1.0, 0.5]), 2.0)
    depth = lobes.depth(np.array([(0, 0, 1), (1, 0, 1), (3, 0, 1.5), (0, 0, 3.0), (5, 0, 1)]))
    np.testing.assert_allclose(depth, (1, 0, 0.5, 0, -3))


def test_shade_stays_inside_its_lobes_and_above_the_ground():
    lobes = Lobes(np.array([(0.0, 0.0, 0.2), (2.0, 0.0, 0.9)]), np.array([0.5, 0.4]))
    shape = shade(lobes, 0.6, "leaf_deep", np.random.default_rng(0))
    assert shape.vertices[:, 2].min() >= 0
    upper = shape.vertices[shape.vertices[:, 0] > 1.2]
    assert len(upper) == len(shape.vertices) // 2
    assert np.linalg.norm(upper - lobes.centres[1], axis=1).max() < 0.4 * 1.05
