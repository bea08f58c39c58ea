import math

import pytest

from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.matching.count_histograms import Quantity, histogram, total_variation
from metasim_backend.matching.mmd import MatchingError


def scene(kind, colours):
    nodes = [Node("road", "road", None, {"kind": kind})]
    nodes += [Node(f"car_{i}", "car", "road", {"colour": c}) for i, c in enumerate(colours)]
    return SceneGraph(tuple(nodes), "driving", 0)


SCENES = [scene("wide", "rrg"), scene("wide", "b"), scene("narrow", ""), scene("narrow", "r")]


def test_numbers_of_nodes_and_shares_of_values():
    assert histogram(Quantity("cars", ("car",)), SCENES) == {"0": 0.25, "1": 0.5, "3": 0.25}
    colours = histogram(Quantity("colours", ("car",), "colour"), SCENES)
    assert colours == {"b": 0.2, "g": 0.2, "r": 0.6}


def test_only_scenes_of_the_kind_that_is_given():
    wide = Quantity("cars", ("car",), given=("road", "kind", "wide"))
    assert histogram(wide, SCENES) == {"1": 0.5, "3": 0.5}
    assert histogram(Quantity("cars", ("car",), given=("road", "kind", "dirt")), SCENES) == {}


def test_classes_are_counted_together_and_numbers_are_in_order():
    together = Quantity("all", ("road", "car"))
    many = [scene("wide", "r" * n) for n in (9, 1, 10)]
    assert list(histogram(together, many)) == ["2", "10", "11"]


def test_total_variation_is_the_largest_difference_that_any_set_of_values_has():
    p, q = {"1": 0.5, "2": 0.3, "3": 0.2}, {"2": 0.6, "3": 0.1, "4": 0.3}
    names = sorted({*p, *q})
    events = [[n for i, n in enumerate(names) if k >> i & 1] for k in range(2 ** len(names))]
    largest = max(abs(sum(p.get(n, 0) - q.get(n, 0) for n in event)) for event in events)
    assert math.isclose(total_variation(p, q), largest)
    assert total_variation(p, p) == 0 and total_variation({"1": 1.0}, {"2": 1.0}) == 1


def test_an_empty_histogram_is_refused():
    with pytest.raises(MatchingError, match="no scene"):
        total_variation({}, {"1": 1.0})
