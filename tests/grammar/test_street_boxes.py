"""Boxes of vehicles against a projection by hand, and what hides what."""

from __future__ import annotations

import math

import numpy as np
import pytest
from street_scenes import make_street

from blender_addon.contract.catalogue import read_catalogue
from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar.street_boxes import CELL, street_boxes
from metasim_backend.shipped_files.folders import CATALOGUE

W, H = 1200, 400
CAMERA = {"height": 1.5, "pitch": 0.0, "yaw": 0.0, "fov": 90.0}
FOCAL = W / 2
BUS = next(a for a in read_catalogue(CATALOGUE) if (a.class_name, a.name) == ("bus", "bus"))


def street(*things: Node) -> SceneGraph:
    empty = make_street(curvature=0.0, car=0, van=0, person=0, tree=0, building=0, pole=0)
    nodes = [
        Node(n.id, n.class_name, n.parent, CAMERA) if n.class_name == "camera" else n
        for n in empty.nodes
    ]
    return SceneGraph((*nodes, *things))


def vehicle(kind: str, along: float, across: float = 0.0, model: str = "", yaw: float = 0.0):
    values = {"along": along, "across": across, "yaw": yaw, "model": model or kind}
    return Node(f"{kind}_{along}_{across}", kind, "lane_0", values)


def test_a_bus_ahead_is_where_a_pinhole_camera_shows_it():
    (box,) = street_boxes(street(vehicle("bus", 40.0)), W, H).visible
    near = 40.0 - BUS.length / 2
    # The rear is its width over the length of what is straight of it; the widest points lie
    # farther in. The roof is above the horizon, the ground below it.
    straight = 0.7
    side = max(
        straight * BUS.width / 2 / near,
        BUS.width / 2 / (40.0 - straight * BUS.length / 2),
    )
    middle = (box[0] + box[2]) / 2
    assert middle == pytest.approx(W / 2, abs=CELL)
    assert (box[2] - box[0]) / 2 == pytest.approx(FOCAL * side, abs=CELL)
    assert box[3] == pytest.approx(H / 2 + FOCAL * 1.5 / near, abs=CELL)
    assert box[1] == pytest.approx(H / 2 - FOCAL * (BUS.height - 1.5) / near, abs=CELL)


def test_twice_as_far_is_half_as_large():
    near, far = (
        street_boxes(street(vehicle("car", along, model="saloon")), W, H).visible[0]
        for along in (20.0, 40.0)
    )
    ratio = (near[2:] - near[:2]) / (far[2:] - far[:2])
    assert ratio == pytest.approx([2, 2], rel=0.25)


def test_what_stands_behind_a_bus_is_not_seen_and_what_stands_half_beside_it_in_part():
    alone = street_boxes(street(vehicle("car", 60.0, 3.0, "saloon")), W, H).visible[0]
    behind = street_boxes(street(vehicle("bus", 20.0), vehicle("car", 60.0, 0.0, "saloon")), W, H)
    assert behind.classes == ("bus",)
    across = math.tan(math.atan2(BUS.width / 2, 20.0)) * 60.0
    beside = street_boxes(
        street(vehicle("bus", 20.0), vehicle("car", 60.0, across, "saloon")), W, H
    )
    assert beside.classes == ("bus", "car")
    whole, part = alone[2] - alone[0], beside.visible[1][2] - beside.visible[1][0]
    assert 0.2 * whole < part < 0.95 * whole
    # Its whole box is what it is without the bus.
    (unhidden,) = street_boxes(street(vehicle("car", 60.0, across, "saloon")), W, H).whole
    assert beside.whole[1] == pytest.approx(unhidden)


def test_a_whole_box_is_the_projected_3d_box():
    (box,) = street_boxes(street(vehicle("bus", 40.0)), W, H).whole
    near = 40.0 - BUS.length / 2
    half = FOCAL * BUS.width / 2 / near
    top, bottom = (H / 2 - FOCAL * up / near for up in (BUS.height - 1.5, -1.5))
    assert box == pytest.approx([W / 2 - half, top, W / 2 + half, bottom], abs=0.5)


def test_what_the_camera_does_not_see_has_no_box():
    turned = street(vehicle("car", 15.0, 12.0, "saloon"))
    assert len(street_boxes(turned, W, H).visible) == 1
    away = {**CAMERA, "yaw": 80.0}
    nodes = [Node(n.id, n.class_name, n.parent, away) if n.class_name == "camera" else n
             for n in turned.nodes]  # fmt: skip
    empty = street_boxes(SceneGraph(tuple(nodes)), W, H)
    assert empty.visible.shape == (0, 4) and empty.classes == ()
    assert np.isfinite(empty.visible).all()
