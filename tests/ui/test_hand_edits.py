"""What hands do to the objects is in the scene graph and in the labels, or is refused in words."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from blender_addon.contract import scene_graph
from blender_addon.contract.child_counts import child_counts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def known(street):
    """The street, with what the driving grammar says of it."""
    from metasim_backend.grammar import load_grammar

    grammar = load_grammar(ROOT / "scenes/driving.yaml", assets=()).to_dict()
    own = street.context.scene.metasim
    own.classes = json.dumps({k: v["attributes"] for k, v in grammar["classes"].items()})
    own.children = json.dumps(child_counts(grammar))
    return street


def graph(bpy) -> scene_graph.SceneGraph:
    return scene_graph.from_dict(json.loads(bpy.context.scene.metasim.graph))


def body(bpy, node_id: str):
    (found,) = [one for one in bpy.context.scene.objects if one.get("metasim_node") == node_id]
    return found


def take_in(bpy, eye=None) -> str:
    """Take in what was done; what the panel says then."""
    from blender_addon.ui.hand_edits import take_in
    from blender_addon.ui.session import session

    session().said.clear()
    take_in(bpy.context.scene, eye)
    return session().said.get("scene", "")


def ahead(bpy, node_id: str) -> np.ndarray:
    """(2,) unit vector along the road where a node stands."""
    scene = graph(bpy)
    along = scene.node(node_id).attributes["along"]
    turn = math.pi / 2 + scene.node("road").attributes["curvature"] * along
    return np.array([math.cos(turn), math.sin(turn)])


def stands_as_its_label_says(bpy, node_id: str) -> None:
    from blender_addon.ui.session import session

    stage = session().street.current(bpy.context.scene)
    (item,) = [one for one in stage.objects() if one.node == node_id]
    np.testing.assert_allclose(np.array(body(bpy, node_id).matrix_basis), item.matrix, atol=1e-3)


def test_looking_for_what_hands_did_leaves_blender_at_rest(known):
    """An update of the scene would be looked at again, and draw the view, for ever."""
    updates = []
    handlers = known.app.handlers.depsgraph_update_post
    heard = updates.append
    known.context.view_layer.update()
    handlers.append(lambda scene, graph: heard(scene.name))
    assert take_in(known) == ""
    known.context.view_layer.update()
    handlers.pop()
    assert not updates


def test_objects_are_named_after_nodes_and_lie_in_collections_by_class(street):
    for node_id, kind in (("car_0", "car"), ("person_0", "person"), ("building_0", "building")):
        one = body(street, node_id)
        assert one.name == node_id and [c.name for c in one.users_collection] == [kind]
    shown = {one for one in street.context.scene.objects if one.location.z < -100}
    assert not shown, "a spare is in the outliner"


def test_a_moved_object_moves_its_node_and_its_label(known):
    before = graph(known).node("car_0").attributes
    car = body(known, "car_0")
    car.location.xy = np.array(car.location.xy) + 2.0 * ahead(known, "car_0")
    assert take_in(known) == ""
    after = graph(known).node("car_0").attributes
    assert after["along"] == pytest.approx(before["along"] + 2.0, abs=0.02)  # the road bends
    assert after["across"] == pytest.approx(before["across"], abs=0.05)
    assert after["yaw"] != before["yaw"]  # it kept its direction, and the road's is another there
    field = known.context.scene.metasim.nodes["car_0"].attributes["along"]
    assert field.number == pytest.approx(after["along"])
    stands_as_its_label_says(known, "car_0")


def test_a_turned_object_turns_its_node(known):
    before = graph(known).node("van_0").attributes
    van = body(known, "van_0")
    van.rotation_euler.z += math.radians(15)
    assert take_in(known) == ""
    after = graph(known).node("van_0").attributes
    assert (after["yaw"] - before["yaw"]) % 360 == pytest.approx(15, abs=0.01)
    assert (after["along"], after["across"]) == (before["along"], before["across"])
    stands_as_its_label_says(known, "van_0")


def test_only_what_was_moved_changes(known):
    before = graph(known)
    person = body(known, "person_0")
    person.location.y += 1.0
    take_in(known)
    after = graph(known)
    assert [a.id for a, b in zip(before.nodes, after.nodes, strict=True) if a != b] == ["person_0"]


@pytest.mark.parametrize(
    ("node_id", "change", "words"),
    [
        ("car_0", lambda b: setattr(b.location, "z", 3.0), "cannot be raised"),
        ("car_0", lambda b: setattr(b.rotation_euler, "y", 0.6), "turn it with R Z"),
        ("tree_0", lambda b: setattr(b.rotation_euler, "z", 2.0), "has no yaw"),
        ("car_0", lambda b: setattr(b, "scale", (2, 2, 2)), "no size of its own"),
        ("car_0", lambda b: setattr(b.location, "y", 300.0), "its along may be 4 to 70 m"),
    ],
)
def test_what_a_node_cannot_express_is_put_back_and_said(known, node_id, change, words):
    before, place = graph(known), np.array(body(known, node_id).matrix_basis)
    change(body(known, node_id))
    said = take_in(known)
    assert words in said and node_id in said and said.endswith(".")
    assert graph(known) == before
    np.testing.assert_allclose(np.array(body(known, node_id).matrix_basis), place, atol=1e-6)


def test_a_parented_object_is_freed_and_its_label_stays_right(known):
    car, empty = body(known, "car_0"), known.data.objects.new("pivot", None)
    known.context.scene.collection.objects.link(empty)
    empty.location = (5.0, 5.0, 1.0)
    car.parent = empty
    take_in(known)
    assert car.parent is None
    stands_as_its_label_says(known, "car_0")


def test_what_is_drawn_over_the_view_s_plane_stands_under_the_line_of_sight(known):
    """Moved with G in the camera's view, an object goes up; it stands where the mouse points."""
    car, eye = body(known, "car_0"), np.array([0.0, 0.0, 1.65])
    target = np.array(car.location) + [*(1.5 * ahead(known, "car_0")), 0.0]
    car.location = eye + 0.9 * (target - eye)  # nearer to the eye, over the ground
    assert take_in(known, eye) == ""
    np.testing.assert_allclose(np.array(car.location), target, atol=0.02)
    stands_as_its_label_says(known, "car_0")


def test_camera_and_sun_can_be_turned_by_hand(known):
    scene = known.context.scene
    scene.camera.location.z = 2.0
    scene.camera.rotation_euler.z = math.radians(7)
    sun = next(one for one in scene.objects if one.type == "LIGHT")
    sun.rotation_euler = (math.radians(60 - 90), 0.0, math.radians(20))
    assert take_in(known) == ""
    camera, sky = (graph(known).node(name).attributes for name in ("camera", "sky"))
    assert (camera["height"], camera["yaw"]) == (pytest.approx(2.0), pytest.approx(7.0))
    assert sky["sun_azimuth"] == pytest.approx(20, abs=0.01)
    assert sky["sun_elevation"] == pytest.approx(60, abs=0.01)
    scene.camera.location.x = 4.0
    assert "over the road's start" in take_in(known)
    assert scene.camera.location.x == 0.0


def test_nothing_is_taken_in_where_nothing_was_done(known, tmp_path: Path):
    """Neither after an undo and another street, nor when the stage is found again."""
    from street_scenes import make_street

    from blender_addon.ui.hand_edits import take_in as taken
    from blender_addon.ui.session import session

    scene = known.context.scene
    session().street.forget()
    assert not taken(scene)
    other = make_street(np.random.default_rng(5), rise=4.0, car=2, pole=0)  # pole_0 is gone
    scene_graph.save(other, tmp_path / "other.json")
    known.ops.metasim.load_scene(filepath=str(tmp_path / "other.json"))
    for _ in range(2):
        assert not taken(scene) and graph(known).nodes == other.nodes
        session().street.forget()


def duplicated(bpy, node_id: str):
    """As Shift D makes it."""
    one = body(bpy, node_id)
    copy = one.copy()
    one.users_collection[0].objects.link(copy)
    return copy


def test_a_copy_is_a_node_of_its_own_with_its_own_label(known):
    before = graph(known)
    copy = duplicated(known, "car_0")
    copy.location.xy = np.array(copy.location.xy) + 6.0 * ahead(known, "car_0")
    assert take_in(known) == ""
    after = graph(known)
    (new,) = [node for node in after.nodes if node.id not in before]
    assert new.id == "car_1" and copy["metasim_node"] == copy.name == "car_1"
    assert new.parent == before.node("car_0").parent
    assert new.attributes["model"] == before.node("car_0").attributes["model"]
    stands_as_its_label_says(known, "car_1")
    stands_as_its_label_says(known, "car_0")
    assert len({body(known, n).pass_index for n in ("car_0", "car_1", "van_0", "person_0")}) == 4


def test_a_copy_beyond_the_grammar_is_removed_and_said(known):
    before, count = graph(known), len(known.context.scene.objects)
    duplicated(known, "van_0").location.y += 1.0
    said = take_in(known)
    assert "The copy of van_0 was removed" in said and "at most 1 of class van" in said
    assert graph(known) == before and len(known.context.scene.objects) == count


def test_a_deleted_object_s_node_is_gone_and_one_that_is_needed_comes_back(known):
    known.data.objects.remove(body(known, "car_0"))
    assert take_in(known) == "" and "car_0" not in graph(known)
    assert "car_0" not in known.context.scene.metasim.nodes
    road = next(one for one in known.context.scene.objects if one.name == "metasim road")
    known.data.objects.remove(road)
    known.data.objects.remove(known.context.scene.camera)
    said = take_in(known)
    assert "The camera was put back" in said and "The road was put back" in said
    assert known.context.scene.camera and known.context.scene.camera["metasim_node"] == "camera"


def test_one_undo_brings_back_object_and_node(known):
    known.ops.ed.undo_push(message="before")
    before, place = graph(known), np.array(body(known, "car_0").matrix_basis)
    body(known, "car_0").location.y += 2.0
    known.ops.ed.undo_push(message="moved by hand")
    take_in(known)
    assert graph(known) != before
    known.ops.ed.undo()
    take_in(known)
    assert graph(known) == before
    np.testing.assert_allclose(np.array(body(known, "car_0").matrix_basis), place, atol=1e-6)
    known.data.objects.remove(body(known, "car_0"))
    known.ops.ed.undo_push(message="deleted by hand")
    take_in(known)
    known.ops.ed.undo()
    take_in(known)
    assert graph(known) == before
    stands_as_its_label_says(known, "car_0")


def test_a_user_s_own_object_of_a_class_is_labelled(known, tmp_path: Path):
    from PIL import Image

    scene = known.context.scene
    known.ops.mesh.primitive_cube_add(size=1.0, location=(0.0, 9.0, 0.6))
    cube = known.context.active_object
    cube.name, cube.scale = "crate", (1.0, 2.0, 1.2)
    cube.pass_index = 1  # a label's number, by chance
    own = scene.metasim
    own.width, own.height, own.preset = 160, 96, "draft"
    known.ops.metasim.render_labels(folder=str(tmp_path), stem="none")
    assert cube.pass_index == 0
    known.ops.metasim.give_class(class_name="car")
    known.ops.metasim.render_labels(folder=str(tmp_path), stem="one")
    described = json.loads((tmp_path / "one.json").read_text())
    (label,) = [one for one in described["labels"] if one["node"] == "crate"]
    index = np.asarray(Image.open(tmp_path / "one_objects.png"))
    classes = np.asarray(Image.open(tmp_path / "one_classes.png"))
    assert (index == label["index"]).sum() == label["visible_pixels"] > 20
    assert (classes[index == label["index"]] == 26).all()
    box = label["box3d"]
    np.testing.assert_allclose((box["length"], box["width"], box["height"]), (1, 2, 1.2), atol=1e-5)
    # Its silhouette is a cube's: the visible box lies in the whole one, and fills it.
    np.testing.assert_allclose(label["visible_box"], label["amodal_box"], atol=1.5)


def test_a_modifier_s_geometry_is_in_the_label(known, tmp_path: Path):
    own = known.context.scene.metasim
    own.width, own.height, own.preset = 160, 96, "draft"
    widths = []
    for stem in ("plain", "array"):
        known.ops.metasim.render_labels(folder=str(tmp_path), stem=stem)
        described = json.loads((tmp_path / f"{stem}.json").read_text())
        (label,) = [one for one in described["labels"] if one["node"] == "person_0"]
        widths.append(label["box3d"]["width"])
        more = body(known, "person_0").modifiers.new("two", "ARRAY")
        more.use_relative_offset, more.use_constant_offset = False, True
        more.constant_offset_displace = (0.0, 1.0, 0.0)
    height = graph(known).node("person_0").attributes["height"]  # by which all of it is scaled
    assert widths[1] == pytest.approx(widths[0] + height, abs=1e-4)
