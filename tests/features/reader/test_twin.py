"""A street is made of what was read: what is read exactly stands where it stood."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from blender_addon.contract.scene_graph import SceneGraph
from blender_addon.contract.street import read_street
from blender_addon.contract.street_classes import LABELLED
from blender_addon.world.camera import read_camera
from metasim_backend.features.reader.description import ReadObject, ReadPicture
from metasim_backend.features.reader.twin import twin
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoding import Encoding

SCENES = Path(__file__).parents[3] / "scenes"
SINGLE = ("camera", "road", "sky")


@pytest.fixture(scope="module")
def encoding() -> Encoding:
    return Encoding(load_grammar(SCENES / "driving.yaml", assets=()))


def exactly_read(scene: SceneGraph, encoding: Encoding) -> tuple[ReadPicture, list]:
    """What a perfect reader would read, and the nodes it is of, the nearest first."""
    street = read_street(scene)
    pose = read_camera(scene.of_class("camera")[0]).pose()
    read = []
    for node in scene.nodes:
        if node.class_name not in LABELLED:
            continue
        placed = pose @ street.place(node).matrix()
        (x, _, z), front = placed[:3, 3], placed[:3, 0]
        if z > 3:
            alpha = math.degrees(math.atan2(-front[2], front[0]) - math.atan2(x, z))
            read.append(
                (z, node, ReadObject(node.class_name, 1.0, (0, 0, 1, 1), float(z), float(x), alpha))
            )
    read.sort(key=lambda one: one[0])
    attributes = {
        node.class_name: {
            slot.attribute.name: float(node.attributes[slot.attribute.name])
            for slot in encoding.slots
            if slot.class_name == node.class_name
            and slot.attribute.mutable
            and slot.kind != "categorical"
        }
        for node in scene.of_class(*SINGLE)
    }
    return ReadPicture(attributes, tuple(one for *_, one in read)), [node for _, node, _ in read]


def level(scene: SceneGraph) -> SceneGraph:
    """The scene with a level camera: a pitched one shortens what is ahead."""
    nodes = tuple(
        replace(node, attributes={**node.attributes, "pitch": 0.0})
        if node.class_name == "camera"
        else node
        for node in scene.nodes
    )
    return replace(scene, nodes=nodes)


def test_a_perfect_reading_gives_the_street_back(encoding: Encoding):
    seen = 0
    drawn = [sample_scene(encoding.grammar, seed) for seed in range(100, 130)]
    for seed in range(12):
        scene = level(sample_scene(encoding.grammar, seed))
        picture, nodes = exactly_read(scene, encoding)
        made = twin(picture, [*drawn, scene], encoding)
        placed = [node for node in made.nodes if node.class_name in LABELLED]
        assert [node.class_name for node in placed] == [node.class_name for node in nodes]
        before, after = read_street(scene), read_street(made)
        assert after.lanes.keys() == before.lanes.keys()
        for was, now in zip(nodes, placed, strict=True):
            old, new = before.place(was), after.place(now)
            assert math.hypot(new.x - old.x, new.y - old.y) < 0.01, (was.id, now)
            apart = (math.degrees(new.turn - old.turn) + 180) % 360 - 180
            assert abs(apart) < 3, (was, now)  # a slope tips it
            seen += 1
    assert seen > 40


def test_what_was_not_read_surely_is_left_out_and_values_stay_in_their_ranges(encoding: Encoding):
    drawn = [sample_scene(encoding.grammar, seed) for seed in range(20)]
    car = ReadObject("car", 0.9, (0, 0, 1, 1), 500.0, 90.0, 10.0)
    picture = ReadPicture({"camera": {"pitch": -3.0}}, (car, replace(car, probability=0.3)))
    made = twin(picture, drawn, encoding)
    (found,) = made.of_class("car")
    low, high = encoding.slot("car", "along").attribute.bounds
    assert low <= found.attributes["along"] <= high
    assert made.of_class("camera")[0].attributes["pitch"] == -3.0
    assert "model" in found.attributes
