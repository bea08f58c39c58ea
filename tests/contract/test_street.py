"""Placement against closed forms that share no code with it."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from street_scenes import make_street

from blender_addon.contract.attribute_reading import WorldError
from blender_addon.contract.scene_graph import Node, SceneGraphError
from blender_addon.contract.street import (
    BUILDING_DEPTH,
    KERB_HEIGHT,
    arc_coordinates,
    arc_points,
    read_street,
)


def walked(along: float, offset: float, curvature: float, steps: int = 20_000) -> complex:
    """The point by integrating the heading in small steps (midpoint rule)."""
    step = along / steps
    headings = 1j * np.exp(1j * curvature * step * (np.arange(steps) + 0.5))
    end = cmath.exp(1j * curvature * along)
    return complex(headings.sum() * step) + offset * end


@pytest.mark.parametrize("curvature", [-0.012, -0.004, 0.0, 1e-9, 0.003, 0.012])
@pytest.mark.parametrize(("along", "offset"), [(0.0, -2.0), (25.0, 0.0), (70.0, 9.5), (-10.0, 3.0)])
def test_points_on_a_bend_agree_with_integration(curvature, along, offset):
    x, y = arc_points(along, offset, curvature)
    expected = walked(along, offset, curvature)
    assert complex(float(x), float(y)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("curvature", [-0.012, 0.0, 1e-9, 0.003, 0.012])
def test_arc_coordinates_are_the_inverse_of_points(curvature):
    for along, offset in [(0.0, -2.0), (25.0, 0.0), (70.0, 9.5), (-10.0, 3.0)]:
        x, y = arc_points(along, offset, curvature)
        found = arc_coordinates(float(x), float(y), curvature)
        assert found == pytest.approx((along, offset), abs=1e-5)


def test_points_of_one_offset_lie_on_a_circle_round_the_bend_centre():
    radius = 1 / 0.012
    x, y = arc_points(np.linspace(0, 60, 7), 5.0, 0.012)
    np.testing.assert_allclose(np.hypot(x + radius, y), radius + 5.0, rtol=1e-12)


def test_one_point_and_many_are_the_same():
    rng = np.random.default_rng(3)
    for curvature in (0.0, 0.004, -0.02):
        street = read_street(make_street(curvature=curvature))
        along, offset = rng.uniform(-5, 90, 200), rng.uniform(-12, 12, 200)
        along[0] = 0.0
        x, y = arc_points(along, offset, curvature)
        one_by_one = [street.point(a, o) for a, o in zip(along, offset, strict=True)]
        np.testing.assert_allclose(one_by_one, np.stack([x, y], 1), rtol=1e-14, atol=1e-14)


def test_positive_curvature_bends_left_and_positive_offset_is_right():
    x, _ = arc_points(50.0, 0.0, 0.01)
    assert x < 0
    x, y = arc_points(0.0, 2.0, 0.01)
    assert (x, y) == (2.0, 0.0)


def test_lane_object_stands_at_its_lane_and_faces_its_traffic():
    scene = make_street(curvature=0.008, car=2)
    changes = {i: {"along": 30.0, "across": 0.4, "yaw": 10.0} for i in ("car_0", "car_1")}
    scene = scene.with_attributes(changes)
    street = read_street(scene)
    for node, offset, turn in (("car_0", 0.4, 100.0), ("car_1", -3.5 + 0.4, 280.0)):
        place = street.place(scene.node(node))
        expected = walked(30.0, offset, 0.008)
        assert complex(place.x, place.y) == pytest.approx(expected, abs=1e-6)
        heading = math.degrees(place.turn - 0.008 * 30.0)
        assert heading % 360 == pytest.approx(turn)
        assert place.z == 0


def test_side_objects_are_measured_outward_from_the_outermost_lane():
    scene = make_street(curvature=0.0)
    street = read_street(scene)
    assert street.edges == (-5.25, 1.75)
    person = street.place(scene.node("person_0"))
    assert person.x == pytest.approx(1.75 + 3.0)
    assert person.z == pytest.approx(KERB_HEIGHT)
    assert street.place(scene.node("van_0")).z == 0
    assert street.place(scene.node("tree_0")).x == pytest.approx(-5.25 - 6.0)


def test_building_turns_its_facade_to_the_road():
    scene = make_street(curvature=0.0)
    place = read_street(scene).place(scene.node("building_0"))
    facade = place.matrix() @ (BUILDING_DEPTH / 2, 0, 0, 1)
    assert facade[0] == pytest.approx(1.75 + 8.0)
    along = scene.node("building_0").attributes["along"]
    assert facade[1] == pytest.approx(along)


def test_height_of_a_side_is_continuous():
    side = read_street(make_street()).side(True)
    heights = [side.height(a) for a in np.arange(0, 6, 0.001)]
    assert np.abs(np.diff(heights)).max() < 0.001
    assert heights[0] == 0 and heights[-1] == KERB_HEIGHT


def test_attributes_that_are_missing_or_wrong_are_named():
    street = read_street(make_street())
    for attributes, word in (
        ({"across": 0.0, "yaw": 0.0}, "'along'"),
        ({"along": "far", "across": 0.0, "yaw": 0.0}, "'far'"),
    ):
        with pytest.raises(WorldError, match=word):
            street.place(Node("car_9", "car", "lane_0", attributes))
    with pytest.raises(WorldError, match="'road'"):
        street.place(Node("car_9", "car", "road", {"along": 1.0, "across": 0.0, "yaw": 0.0}))


def hill():
    return make_street(curvature=0.0, rise=6.0)


def test_a_hill_is_level_at_both_ends_and_its_slope_is_the_derivative_of_its_height():
    street = read_street(hill())
    assert float(street.lift(0.0)) == 0.0 and float(street.lift(300.0)) == 6.0
    for along in (10.0, 30.0, 75.0, 120.0, 200.0):
        rise = (street.lift(along + 1e-4) - street.lift(along - 1e-4)) / 2e-4
        assert math.tan(street.slope(along)) == pytest.approx(float(rise), abs=1e-6)


def test_a_car_on_a_hill_touches_it_with_both_axles_whichever_way_it_goes():
    scene = hill()
    scene = scene.with_attributes({"car_0": {"along": 60.0, "across": 0.0, "yaw": 0.0}})
    for lane in ("lane_0", "lane_1"):
        node = scene.node("car_0")
        street = read_street(scene)
        place = street.place(Node(node.id, "car", lane, node.attributes))
        for reach in (-1.3, 1.3):
            touch = place.matrix() @ (reach, 0.0, 0.0, 1.0)
            # a parabola leaves its tangent by curvature * reach^2 / 2: under 2 mm here
            assert touch[2] == pytest.approx(float(street.lift(touch[1])), abs=0.002)


def test_euler_angles_are_those_of_the_matrix():
    from scipy.spatial.transform import Rotation

    scene = hill().with_attributes({"car_0": {"along": 80.0, "across": 0.5, "yaw": 37.0}})
    place = read_street(scene).place(scene.node("car_0"))
    expected = Rotation.from_euler("xyz", place.euler()).as_matrix()
    np.testing.assert_allclose(place.rotation(), expected, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(place.rotation()), 1.0)


def test_people_and_trees_stand_upright_on_a_hill():
    scene = hill()
    street = read_street(scene)
    for name in ("person_0", "tree_0", "pole_0"):
        assert street.place(scene.node(name)).rotation()[2, 2] == pytest.approx(1.0)


def test_a_building_on_a_hill_does_not_float_at_its_lower_end():
    scene = hill().with_attributes({"building_0": {"along": 80.0, "width": 20.0}})
    street = read_street(scene)
    place = street.place(scene.node("building_0"))
    lowest = min(street.lift(70.0), street.lift(90.0)) + KERB_HEIGHT
    assert place.z <= float(lowest) + 0.02


def test_kerbs_sink_where_a_cross_street_passes_and_only_there():
    scene = make_street(curvature=0.0)
    junction = Node("junction_0", "junction", "road", {"along": 30.0, "width": 8.0})
    street = read_street(type(scene)((*scene.nodes, junction)))
    assert float(street.kerb_share(30.0)) == 0.0
    assert float(street.kerb_share(20.0)) == float(street.kerb_share(40.0)) == 1.0
    shares = street.kerb_share(np.arange(20, 40, 0.01))
    assert np.abs(np.diff(shares)).max() < 0.02


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_position_that_is_not_finite_is_refused_when_the_node_is_made(value):
    with pytest.raises(SceneGraphError, match="'car_9', attribute 'along'.*finite"):
        Node("car_9", "car", "lane_0", {"along": value, "across": 0.0, "yaw": 0.0})


def test_a_position_that_is_a_word_is_refused():
    street = read_street(make_street())
    with pytest.raises(WorldError, match="'along'.*'far' is not a finite number"):
        street.place(Node("car_9", "car", "lane_0", {"along": "far", "across": 0.0, "yaw": 0.0}))
