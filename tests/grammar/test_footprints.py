"""Footprints against points: two rectangles overlap when some point lies in both."""

from __future__ import annotations

import numpy as np
import pytest
from street_scenes import make_street

from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar.footprints import Layout, collisions, model_sizes, overlapping


def points_of(rectangle: np.ndarray, count: int = 120) -> np.ndarray:
    """A fine grid of points that fills a rectangle, its rim included."""
    x, y, angle, half_length, half_width = rectangle
    u, v = np.meshgrid(np.linspace(-1, 1, count), np.linspace(-1, 1, count))
    along, across = (u * half_length).ravel(), (v * half_width).ravel()
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([x + along * cos - across * sin, y + along * sin + across * cos], axis=-1)


def inside(points: np.ndarray, rectangle: np.ndarray, margin: float) -> np.ndarray:
    x, y, angle, half_length, half_width = rectangle
    away = points - (x, y)
    along = away @ (np.cos(angle), np.sin(angle))
    across = away @ (-np.sin(angle), np.cos(angle))
    return (abs(along) < half_length + margin) & (abs(across) < half_width + margin)


def test_overlap_agrees_with_points_that_lie_in_both():
    rng = np.random.default_rng(0)
    decided = 0
    for _ in range(400):
        pair = np.column_stack(
            [rng.uniform(-3, 3, (2, 2)), rng.uniform(-4, 4, 2), rng.uniform(0.4, 2.5, (2, 2))]
        )
        surely = inside(points_of(pair[0]), pair[1], -0.05).any()
        perhaps = inside(points_of(pair[0]), pair[1], 0.05).any()
        if surely == perhaps:  # else they touch within the grid's fineness
            decided += 1
            assert bool(overlapping(pair[0], pair[1:])[0]) == surely
            assert bool(overlapping(pair[1], pair[:1])[0]) == surely
    assert decided > 300


def test_a_gap_keeps_neighbours_apart():
    one = np.array([0.0, 0.0, 0.0, 2.0, 1.0])
    other = np.array([[4.3, 0.0, 0.0, 2.0, 1.0]])
    assert not overlapping(one, other)[0]
    assert overlapping(one, other, gap=0.4)[0]


def lanes_scene(*cars: Node) -> SceneGraph:
    scene = make_street(curvature=0.0, car=0, van=0, person=0, tree=0, building=0, pole=0)
    return SceneGraph((*scene.nodes, *cars))


def car(name: str, lane: str, along: float, across: float = 0.0, yaw: float = 0.0) -> Node:
    return Node(
        name,
        "car",
        lane,
        {"along": along, "across": across, "yaw": yaw, "model": "hatchback", "colour": "red"},
    )


def test_cars_collide_within_their_catalogue_length_also_from_lane_to_lane():
    length, width = model_sizes()["car", "hatchback"]
    first = car("car_0", "lane_0", 20.0)
    assert collisions(lanes_scene(first, car("car_1", "lane_0", 20 + length - 0.05)))
    assert not collisions(lanes_scene(first, car("car_1", "lane_0", 20 + length + 0.05)))
    # The other lane's middle is 3.5 m to the left.
    near, clear = 3.5 - width + 0.05, 3.5 - width - 0.05
    assert collisions(lanes_scene(first, car("car_1", "lane_1", 20.0, across=near)))
    assert not collisions(lanes_scene(first, car("car_1", "lane_1", 20.0, across=clear)))


@pytest.mark.parametrize("gap", [0.0, 0.4, 2.0])
def test_a_layout_finds_what_a_look_at_all_rectangles_finds(gap):
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(20):
        layout = Layout(model_sizes(), gap)
        for node in lanes_scene().nodes:
            layout.add(node)
        cars = [
            car(f"car_{i}", "lane_0", rng.uniform(3, 60), rng.uniform(-4, 4), rng.uniform(-90, 90))
            for i in range(15)
        ]
        for i, one in enumerate(cars):
            rectangles = [layout._rectangle(other) for other in (*cars[:i], one)]
            hit = overlapping(rectangles[-1], np.array(rectangles[:-1]).reshape(-1, 5), gap)
            assert layout.collisions(one) == tuple(f"car_{n}" for n in np.flatnonzero(hit))
            layout.add(one)
            found += hit.sum()
    assert found > 100


def test_pairs_are_named_once_the_later_one_first():
    cars = [car(f"car_{i}", "lane_0", 20.0 + i) for i in range(3)]
    assert collisions(lanes_scene(*cars)) == (
        ("car_1", "car_0"),
        ("car_2", "car_0"),
        ("car_2", "car_1"),
    )
    assert collisions(lanes_scene(*cars), classes=("van",)) == ()


@pytest.mark.parametrize("kind", ["car", "van", "truck", "bus", "person", "cyclist"])
def test_every_class_has_sizes_of_its_models_in_the_catalogue(kind):
    found = {name: size for (owner, name), size in model_sizes().items() if owner == kind}
    assert found and all(length > 0 and width > 0 for length, width in found.values())
