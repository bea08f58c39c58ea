"""The stage inside Blender: in step with the scene graph, nothing rebuilt, nothing left over."""

from __future__ import annotations

import json
import math
import re
import time
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from bpy_extras.object_utils import world_to_camera_view  # noqa: E402
from mathutils import Vector  # noqa: E402

from blender_addon.contract.attribute_reading import WorldError  # noqa: E402
from blender_addon.contract.scene_graph import (  # noqa: E402
    Node,
    SceneGraph,
    from_dict,
    to_dict,
)
from blender_addon.contract.semantics import unlabelled_index  # noqa: E402
from blender_addon.contract.street import Street  # noqa: E402
from blender_addon.world.materials import finish_of, object_colour  # noqa: E402
from blender_addon.world.stage import Stage  # noqa: E402
from metasim_backend.grammar import load_grammar, sample_scene  # noqa: E402

SCENES = Path(__file__).parents[2] / "scenes"

DATA = ("objects", "meshes", "materials", "images", "lights", "cameras", "worlds", "collections")


def counts() -> dict[str, int]:
    return {name: len(getattr(bpy.data, name)) for name in DATA}


def test_blender_and_the_staged_objects_agree_on_every_matrix(stage, street_scene):
    stage.show(street_scene)
    stage.blender_scene.view_layers[0].update()
    staged = stage.objects()
    assert [s.node for s in staged] == [
        n.id for n in street_scene.nodes
        if n.class_name in ("car", "van", "person", "tree", "building", "pole")
    ]  # fmt: skip
    for item in staged:
        body = stage.body(item.node)
        np.testing.assert_allclose(np.array(body.matrix_world), item.matrix, atol=2e-5)
        assert body.pass_index == (item.index or unlabelled_index(item.class_name))
        co = np.empty(len(body.data.vertices) * 3, np.float32)
        body.data.vertices.foreach_get("co", co)
        own = co.reshape(-1, 3)[: len(item.vertices)]  # after them, the contact on the ground
        np.testing.assert_array_equal(own, item.vertices)
        np.testing.assert_allclose(np.ptp(own, axis=0) * body.scale, item.dimensions, rtol=1e-5)
    labelled = [s.index for s in staged if s.class_name in ("car", "van", "person")]
    assert labelled == list(range(1, len(labelled) + 1))
    assert all(s.index == 0 for s in staged if s.class_name in ("tree", "building", "pole"))


@pytest.mark.parametrize(("width", "height"), [(160, 96), (1242, 375), (96, 160)])
def test_projection_agrees_with_blenders_own_camera(stage, street_scene, width, height):
    stage.show(street_scene)
    render = stage.blender_scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    stage.blender_scene.view_layers[0].update()
    intrinsics, pose = stage.camera_intrinsics(width, height), stage.camera_pose()
    for point in ((0.0, 20.0, 1.0), (-4.0, 12.0, 0.0), (5.0, 40.0, 3.0)):
        u, v, depth = world_to_camera_view(stage.blender_scene, stage.camera, Vector(point))
        seen = pose @ (*point, 1.0)
        pixel = intrinsics @ seen[:3] / seen[2]
        assert pixel[0] == pytest.approx(u * width, abs=0.01)
        assert pixel[1] == pytest.approx((1 - v) * height, abs=0.01)
        assert seen[2] == pytest.approx(depth, abs=1e-4)


def test_camera_pose_has_the_signs_that_the_attributes_promise(stage, street_scene):
    def pixel(changes, point):
        stage.show(street_scene.with_attributes({"camera": changes}))
        seen = stage.camera_pose() @ (*point, 1.0)
        return (stage.camera_intrinsics(200, 100) @ seen[:3] / seen[2])[:2]

    level = {"pitch": 0.0, "yaw": 0.0, "fov": 90.0, "height": 1.5}
    np.testing.assert_allclose(pixel(level, (0, 10, 1.5)), (100, 50), atol=1e-9)
    np.testing.assert_allclose(pixel(level, (10, 10, 1.5)), (200, 50), atol=1e-9)
    assert pixel({**level, "pitch": 5.0}, (0, 10, 1.5))[1] > 50  # looking up moves things down
    assert pixel({**level, "yaw": 5.0}, (0, 10, 1.5))[0] > 100  # looking left moves things right


def test_sun_direction_is_where_blenders_lamp_comes_from(stage, street_scene):
    for azimuth, elevation in ((0.0, 30.0), (90.0, 10.0), (215.0, 70.0)):
        changes = {"sky": {"sun_azimuth": azimuth, "sun_elevation": elevation}}
        stage.show(street_scene.with_attributes(changes))
        stage.blender_scene.view_layers[0].update()
        lamp = next(o for o in stage.blender_scene.objects if o.type == "LIGHT")
        lamp_z = np.array(lamp.matrix_world)[:3, 2]
        np.testing.assert_allclose(stage.sun_direction(), lamp_z, atol=1e-6)
    stage.show(street_scene.with_attributes({"sky": {"sun_azimuth": 90.0}}))
    assert stage.sun_direction()[0] < 0  # anticlockwise from ahead: on the left


def test_a_moved_car_is_the_same_object_and_nothing_else_changes(stage, street_scene):
    stage.show(street_scene)
    before = {s.node: stage.body(s.node).as_pointer() for s in stage.objects()}
    staged = {s.node: s for s in stage.objects()}
    counted = counts()
    stage.show(street_scene.with_attributes({"car_0": {"along": 33.0, "yaw": 45.0}}))
    assert {s.node: stage.body(s.node).as_pointer() for s in stage.objects()} == before
    assert counts() == counted
    for item in stage.objects():
        assert (item is staged[item.node]) == (item.node != "car_0")
    assert stage.body("car_0").rotation_euler.z == pytest.approx(
        math.radians(90 + 45) + 0.006 * 33.0, abs=1e-6
    )


def test_a_scene_that_was_read_anew_places_only_what_moved(stage, street_scene, monkeypatch):
    placed = []
    place = Street.place
    monkeypatch.setattr(
        Street, "place", lambda street, node: placed.append(node.id) or place(street, node)
    )
    stage.show(street_scene)
    placed.clear()
    moved = street_scene.with_attributes({"car_0": {"along": 31.0}})
    stage.show(from_dict(json.loads(json.dumps(to_dict(moved)))))
    assert placed == ["car_0"]


def test_a_changed_colour_keeps_the_object_and_no_object_ever_takes_another_mesh(
    stage, street_scene
):
    stage.show(street_scene.with_attributes({"car_0": {"model": "saloon", "colour": "red"}}))
    body = stage.body("car_0")
    pointer, mesh = body.as_pointer(), body.data
    slots = [slot.material for slot in body.material_slots]
    assert tuple(body.color) == pytest.approx(object_colour("paint", "red"))
    stage.show(street_scene.with_attributes({"car_0": {"model": "saloon", "colour": "blue"}}))
    assert stage.body("car_0").as_pointer() == pointer
    assert tuple(body.color) == pytest.approx(object_colour("paint", "blue"))
    assert [slot.material for slot in body.material_slots] == slots
    stage.show(street_scene.with_attributes({"car_0": {"model": "suv", "colour": "blue"}}))
    other = stage.body("car_0")
    assert other.as_pointer() != pointer and other.data != mesh and body.data == mesh
    assert tuple(other.color) == pytest.approx(object_colour("paint", "blue"))


def test_two_cars_of_one_model_share_mesh_but_not_paint(stage, random_street):
    scene = random_street(car=2).with_attributes({
        "car_0": {"model": "suv", "colour": "white"}, "car_1": {"model": "suv", "colour": "black"}
    })  # fmt: skip
    stage.show(scene)
    first, second = stage.body("car_0"), stage.body("car_1")
    assert first.data == second.data
    assert first.color[0] > 5 * second.color[0]


def test_absent_nodes_are_parked_and_their_objects_used_again(stage, random_street):
    stage.show(random_street(car=4))
    bodies = {stage.body(f"car_{i}").as_pointer() for i in range(4)}
    gone = [stage.body(f"car_{i}") for i in (1, 2, 3)]
    stage.show(random_street(car=1))
    for body in gone:
        assert not body.hide_render and not body.hide_viewport  # hiding makes Cycles build anew
        assert body.location.z < -100 and max(body.scale) < 1e-6
    stage.show(random_street(car=4))
    assert {stage.body(f"car_{i}").as_pointer() for i in range(4)} == bodies
    assert all(stage.body(f"car_{i}").location.z > -10 for i in range(4))


def test_two_hundred_scenes_leave_blender_as_full_as_forty(stage, random_street):
    rng = np.random.default_rng(4)

    def show_some(number: int) -> None:
        for _ in range(number):
            amounts = {k: int(rng.integers(0, 6)) for k in
                       ("car", "van", "person", "tree", "building", "pole")}  # fmt: skip
            stage.show(random_street(rng, curvature=float(rng.uniform(-0.012, 0.012)), **amounts))

    stage.show(random_street(rng, car=6, van=6, person=6, tree=6, building=6, pole=6))
    show_some(250)  # buildings come in three patterns
    warm = counts()
    show_some(200)
    now = counts()
    # Of each model as many objects as ever stood in one street; the last few records come late.
    assert now.pop("objects") <= 1.15 * warm.pop("objects")
    assert now == warm
    names = [item.name for kind in DATA for item in getattr(bpy.data, kind)]
    of_ours = sum(name.startswith("metasim") for name in names)
    assert of_ours < 260


def test_road_vertices_follow_the_curvature_in_place(stage, street_scene):
    stage.show(street_scene.with_attributes({"road": {"curvature": 0.0}}))
    road = next(o for o in stage.blender_scene.objects if o.name.startswith("metasim road"))
    mesh, straight = road.data, _coordinates(road)
    stage.show(street_scene.with_attributes({"road": {"curvature": 0.01}}))
    bent = _coordinates(road)
    assert road.data is mesh and bent.shape == straight.shape
    # The strip ends that bound the lanes: -5.25 and 1.75 m from the centre line.
    distance = np.hypot(bent[:, 0] + 100.0, bent[:, 1]) - 100.0
    for edge in (-5.25, 1.75):
        on_edge = np.isclose(straight[:, 0], edge, atol=1e-4)
        assert on_edge.sum() > 50
        np.testing.assert_allclose(distance[on_edge], edge, atol=2e-4)


def _coordinates(body) -> np.ndarray:
    co = np.empty(len(body.data.vertices) * 3, np.float32)
    body.data.vertices.foreach_get("co", co)
    return co.reshape(-1, 3).astype(np.float64)


def test_number_of_lanes_shows_and_buries_dashed_lines(stage, street_scene):
    def dashes() -> int:
        """Painted faces above the ground near the camera."""
        road = next(o for o in stage.blender_scene.objects if o.name.startswith("metasim road"))
        paint = np.array(finish_of("surface", "marking").colour)
        colours = np.empty(4 * len(road.data.loops), np.float32)
        road.data.attributes["metasim colour"].data.foreach_get("color", colours)
        first = [face.loop_start for face in road.data.polygons]
        points = _coordinates(road)
        heights = np.array([points[list(f.vertices), 2].min() for f in road.data.polygons])
        painted = np.abs(colours.reshape(-1, 4)[first, :3] - paint).max(axis=1) < 5e-3  # bytes
        return int((painted & (heights > -0.04)).sum())

    stage.show(street_scene)
    one = dashes()
    extra = Node("lane_2", "lane", "road", {"position": 1, "direction": "ahead"})
    stage.show(SceneGraph((*street_scene.nodes, extra)))
    assert dashes() > one
    stage.show(street_scene)
    assert dashes() == one


def test_reach_of_attributes(stage, street_scene):
    stage.show(street_scene)
    for node, attribute in (("car_0", "along"), ("person_0", "height"), ("building_0", "width")):
        assert stage.affected_by(node, attribute) == "local"
    for node, attribute in (("sky", "sun_azimuth"), ("camera", "fov"), ("road", "curvature"),
                            ("side_left", "parking_width"), ("lane_0", "position")):  # fmt: skip
        assert stage.affected_by(node, attribute) == "global"
    with pytest.raises(WorldError, match="wings"):
        stage.affected_by("car_0", "wings")


@pytest.mark.parametrize(
    ("node", "changes", "word"),
    [
        ("car_0", {"model": "tank"}, "tank"),
        ("car_0", {"colour": "plaid"}, "plaid"),
        ("pole_0", {"height": -1.0}, "above 0"),
        ("camera", {"fov": 400.0}, "400"),
        ("side_left", {"edge": "right"}, "already"),
    ],
)
def test_what_cannot_be_shown_is_named_and_the_last_scene_stays(
    stage, street_scene, node, changes, word
):
    stage.show(street_scene)
    before = stage.objects()
    with pytest.raises(WorldError, match=word) as caught:
        stage.show(street_scene.with_attributes({node: changes}))
    assert str(caught.value).count(". ") == 0 and str(caught.value).endswith(".")
    assert stage.objects() == before


def test_unknown_class_is_named(stage, street_scene):
    dragon = Node("dragon_0", "dragon", "lane_0", {"along": 9.0, "across": 0.0})
    with pytest.raises(WorldError, match="dragon"):
        stage.show(SceneGraph((*street_scene.nodes, dragon)))


def test_fresh_stages_agree_and_clear_leaves_nothing(random_street):
    before = counts()
    scenes = [random_street(np.random.default_rng(i), car=3, tree=2) for i in range(2)]
    matrices = []
    for order in (scenes, scenes[::-1]):
        scene = bpy.data.scenes.new("fresh")
        stage = Stage(scene)
        for graph in order:
            stage.show(graph)
        stage.show(scenes[0])
        matrices.append(np.stack([s.matrix for s in stage.objects()]))
        stage.clear()
        bpy.data.scenes.remove(scene)
    np.testing.assert_array_equal(*matrices)
    assert counts() == before


def test_a_changed_model_changes_what_is_seen_in_the_semantic_map(stage, street_scene):
    side = street_scene.of_class("building")[0].parent
    place = {"along": 20.0, "across": 2.0}
    sign = Node("sign_0", "sign", side, place | {"height": 3.0, "model": "traffic_light"})
    barrier = Node("barrier_0", "barrier", side, place | {"length": 6.0, "model": "hedge"})
    scene = SceneGraph((*street_scene.nodes, sign, barrier))
    stage.show(scene)
    seen = [stage.body(node).pass_index for node in ("sign_0", "barrier_0")]
    assert seen == [unlabelled_index("traffic light"), unlabelled_index("vegetation")]
    stage.show(
        scene.with_attributes(
            {"sign_0": {"model": "sign_yield"}, "barrier_0": {"model": "fence_wood"}}
        )
    )
    seen = [stage.body(node).pass_index for node in ("sign_0", "barrier_0")]
    assert seen == [unlabelled_index("traffic sign"), unlabelled_index("fence")]


def test_moving_a_car_takes_milliseconds(stage, random_street):
    scene = random_street(car=12, van=2, person=6, tree=10, building=8, pole=4)
    moved = [scene.with_attributes({"car_3": {"along": 20.0 + 0.1 * i}}) for i in range(40)]
    stage.show(scene)
    times = []
    for graph in moved:
        start = time.perf_counter()
        stage.show(graph)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 0.002


def test_what_a_stage_showed_before_leaves_no_trace_in_a_scene():
    """Streets of the driving grammar one after another, against stages that show one each."""
    grammar = load_grammar(SCENES / "driving.yaml", assets=())
    scenes = [sample_scene(grammar, seed) for seed in range(8)]
    used = bpy.data.scenes.new("used")
    stage = Stage(used)
    for graph in scenes:
        stage.show(graph)
        scene = bpy.data.scenes.new("fresh")
        fresh = Stage(scene)
        fresh.show(graph)
        for item in fresh.objects():
            assert shown(stage.body(item.node)) == shown(fresh.body(item.node)), item.node
        fresh.clear()
        bpy.data.scenes.remove(scene)
    stage.clear()
    bpy.data.scenes.remove(used)


def shown(body) -> tuple:
    """All that tells how an object looks; names without Blender's numbers behind them."""
    worn = [slot.material for slot in body.material_slots]
    names = [body.data.name, *(material and material.name for material in worn)]
    place = (*body.location, *body.rotation_euler, *body.scale)
    plain = [name and re.sub(r"\.\d+$", "", name) for name in names]
    return body.pass_index, body.hide_render, plain, place
