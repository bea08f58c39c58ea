from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.features.count_histograms import Quantity, histogram


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
