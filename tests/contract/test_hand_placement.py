"""Where a thing stands says its attributes, as the attributes say where it stands."""

from __future__ import annotations

import numpy as np
import pytest
from street_scenes import make_street

from blender_addon.contract.hand_placement import attributes_at, height_at, on_ground
from blender_addon.contract.street import read_street
from blender_addon.contract.street_classes import STREET_CLASSES


@pytest.mark.parametrize(("curvature", "rise"), [(0.0, 0.0), (0.008, 0.0), (-0.01, 6.0)])
def test_attributes_at_is_the_inverse_of_placing(curvature: float, rise: float):
    scene = make_street(
        np.random.default_rng(3), curvature=curvature, rise=rise, car=6, van=3, person=4, building=3
    )
    street = read_street(scene)
    placed = [node for node in scene.nodes if node.class_name in STREET_CLASSES]
    for node in placed:
        placement = street.place(node)
        front = placement.rotation()[:, 0]
        found = attributes_at(street, node, str(node.parent), placement.x, placement.y, front)
        for name, value in found.items():
            assert value == pytest.approx(node.attributes[name], abs=1e-3), (node.id, name)
        assert ("yaw" in found) == STREET_CLASSES[node.class_name].turned
        if node.class_name != "building":  # whose lower end stands in the ground
            height = height_at(street, node, str(node.parent), placement.x, placement.y)
            assert height == pytest.approx(placement.z, abs=1e-6)


def test_a_line_of_sight_meets_the_ground_where_it_points():
    scene = make_street(rise=5.0)
    street, node = read_street(scene), scene.node("car_0")
    eye, placement = np.array([0.0, 0.0, 1.6]), street.place(node)
    ground = np.array([placement.x, placement.y, placement.z])
    for share in (0.4, 0.9):
        found = on_ground(street, node, str(node.parent), eye + share * (ground - eye), eye)
        np.testing.assert_allclose(found, ground[:2], atol=0.01)
    upwards = eye + np.array([0.0, 10.0, 3.0])
    assert on_ground(street, node, str(node.parent), upwards, eye) is None
