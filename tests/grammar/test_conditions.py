"""Overlap is judged on rectangles about (along, across), turned by yaw."""

import pytest

from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar import CountBetween, NoOverlap, failed_conditions


def car(along, across=0.0, yaw=0.0, name="car"):
    values = {"along": along, "across": across, "yaw": yaw, "size": 8.0}
    return Node(f"{name}_{along}_{across}", name, "lane", values)


@pytest.mark.parametrize(
    ("other", "clear"),
    [
        (car(4.9), False),
        (car(5.1), True),
        (car(0.0, 1.9), False),
        (car(0.0, 2.1), True),
        (car(4.9, 2.1), True),
        (car(3.6, 0.0, yaw=90.0), True),  # 2.5 m of one and 1 m of the other, turned
        (car(3.4, 0.0, yaw=270.0), False),
        (car(1.0, 0.0, name="tree"), True),
    ],
)
def test_rectangles_keep_clear(other, clear):
    condition = NoOverlap(("car",), 5.0, 2.0)
    assert condition.clear(car(0.0), [other]) is clear


def test_lengths_come_from_an_attribute_and_alone_count_without_a_width():
    condition = NoOverlap(("car",), "size")
    assert not condition.clear(car(0.0), [car(7.9, across=30.0)])
    assert condition.clear(car(0.0), [car(8.1)])


def test_only_siblings_are_compared_and_counts_are_of_the_whole_scene():
    root = Node("road", "road", None)
    lanes = [Node("lane", "lane", "road"), Node("lane_b", "lane", "road")]
    twins = [Node("a", "car", "lane", car(5.0).attributes)]
    twins += [Node("b", "car", "lane_b", car(5.0).attributes)]
    scene = SceneGraph((root, *lanes, *twins))
    apart = NoOverlap(("car",), 5.0, 2.0)
    two, three = CountBetween(("car",), 2, 2), CountBetween(("car",), 3, 9)
    assert failed_conditions((apart, two, three), scene) == (three,)
    third = Node("c", "car", "lane", car(6.0).attributes)
    assert failed_conditions((apart,), SceneGraph((*scene.nodes, third))) == (apart,)
