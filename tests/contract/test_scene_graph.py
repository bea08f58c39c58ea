"""The scene graph as data and as JSON."""

import json

import pytest

from blender_addon.contract.scene_graph import (
    Node,
    SceneGraph,
    SceneGraphError,
    from_dict,
    load,
    save,
    to_dict,
)


def street() -> SceneGraph:
    return SceneGraph(
        (
            Node("street", "street", None),
            Node("lane_1", "lane", "street", {"position": 0, "direction": "ahead"}),
            Node("car_1", "car", "lane_1", {"along": 12.5, "yaw": 3.0}),
        ),
        seed=7,
    )


def test_json_round_trip_keeps_everything(tmp_path):
    save(street(), tmp_path / "scene.json")
    assert load(tmp_path / "scene.json") == street()
    assert list(tmp_path.iterdir()) == [tmp_path / "scene.json"]  # no temporary file stays


def test_json_has_the_documented_keys():
    data = json.loads(json.dumps(to_dict(street())))
    assert data["version"] == 1
    assert data["nodes"][2] == {
        "id": "car_1",
        "class": "car",
        "parent": "lane_1",
        "attributes": {"along": 12.5, "yaw": 3.0},
    }


def test_with_attributes_changes_a_copy_only():
    before = street()
    after = before.with_attributes({"car_1": {"yaw": 90.0}})
    assert after.node("car_1").attributes["yaw"] == 90.0
    assert before.node("car_1").attributes["yaw"] == 3.0
    assert after.nodes[:2] == before.nodes[:2]


def test_attributes_cannot_be_changed_in_place():
    with pytest.raises(TypeError):
        street().node("car_1").attributes["yaw"] = 1.0


def test_children_and_root_follow_the_tree():
    scene = street()
    assert scene.root.id == "street"
    assert [node.id for node in scene.children("lane_1")] == ["car_1"]


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda d: d.update(version=9), "version 9"),
        (lambda d: d["nodes"][1].update(parent="nowhere"), "'nowhere'"),
        (lambda d: d["nodes"][2].update(id="lane_1"), "'lane_1'"),
        (lambda d: d["nodes"][2]["attributes"].update(yaw=float("nan")), "'yaw'"),
        (lambda d: d["nodes"][2]["attributes"].update(yaw=[1]), "'yaw'"),
        (lambda d: d["nodes"][2].pop("class"), "'class'"),
        (lambda d: d["nodes"][1].update(parent=None), "one root"),
        (lambda d: d.update(nodes=3), "'nodes'"),
    ],
)
def test_bad_input_is_refused_and_named(damage, named):
    data = json.loads(json.dumps(to_dict(street())))
    damage(data)
    with pytest.raises(SceneGraphError, match=named):
        from_dict(data)


def test_file_that_is_not_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(SceneGraphError, match="x.json, line 1, column 2: not JSON"):
        load(tmp_path / "x.json")
    with pytest.raises(SceneGraphError, match="missing.json"):
        load(tmp_path / "missing.json")
