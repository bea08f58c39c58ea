"""The road's coordinates: without gaps, facing up, level with what stands on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from street_scenes import make_street

from blender_addon.contract.street import Junction, Side, Street, read_street
from blender_addon.world.road_markings import (
    junction_coordinates,
    paint_coordinates,
    separator_coordinates,
)
from blender_addon.world.road_surfaces import NEAR, RIBBONS, plain_height, surface_coordinates

STREETS = {
    "straight": {},
    "bend": {"curvature": 0.012},
    "bend the other way": {"curvature": -0.012},
    "up a hill": {"rise": 7.0},
    "down a hill": {"rise": -7.0},
    "junction": {"junctions": (Junction(34.0, 7.0),)},
    "two junctions on a hilly bend": {
        "curvature": 0.004,
        "rise": 4.0,
        "junctions": (Junction(30.0, 6.0), Junction(60.0, 10.0)),
    },
}


@pytest.fixture(params=STREETS.values(), ids=STREETS.keys())
def street(request) -> Street:
    return replace(read_street(make_street(curvature=0.0)), **request.param)


def ribbons(street: Street) -> list[tuple[str, np.ndarray]]:
    """(surface, stations x 2 x 3) of every ribbon."""
    found = []
    for name, coordinates in surface_coordinates(street).items():
        parts = coordinates.reshape(len(RIBBONS[name]), len(NEAR), 2, 3)
        found += list(zip(RIBBONS[name], parts, strict=True))
    return found


def test_every_piece_of_surface_faces_up(street):
    for surface, points in ribbons(street):
        ahead = points[1:, 0] - points[:-1, 0]
        right = points[:-1, 1] - points[:-1, 0]
        normal = np.cross(right, ahead)
        wide = np.linalg.norm(right[:, :2], axis=1) > 1e-3
        assert (normal[wide, 2] > 0).all(), surface


def test_from_the_plain_on_the_left_to_that_on_the_right_there_is_no_gap(street):
    parts = surface_coordinates(street)
    stations = len(NEAR)

    def ends(name, which):
        return parts[name].reshape(-1, stations, 2, 3)[which]

    order = [
        ends("ground_left", 1), ends("ground_left", 0), ends("walks", 0), ends("walks", 1),
        ends("parking", 0), ends("road", 0), ends("parking", 1), ends("walks", 2),
        ends("walks", 3), ends("ground_right", 0), ends("ground_right", 1),
    ]  # fmt: skip
    for left, right in zip(order[:-1], order[1:], strict=True):
        np.testing.assert_allclose(left[:, 1], right[:, 0], atol=2e-4)
    level = plain_height(street)
    np.testing.assert_allclose(order[0][:, 0, 2], level, atol=1e-5)
    np.testing.assert_allclose(order[-1][:, 1, 2], level, atol=1e-5)


def test_the_land_lies_nowhere_above_the_road(street):
    asphalt = surface_coordinates(street)["road"].reshape(3, len(NEAR), 2, 3)[0]
    assert asphalt[..., 2].min() >= plain_height(street)


def test_the_surface_is_where_things_are_placed(street):
    for along in (5.0, 25.0, 50.0, 90.0):
        x, y = street.point(along, 0.0)
        asphalt = surface_coordinates(street)["road"].reshape(3, len(NEAR), 2, 3)[0]
        middle = asphalt.mean(axis=1)
        distance = np.linalg.norm(middle[:, :2] - (x, y), axis=1)
        nearest = middle[np.argmin(distance)]
        assert abs(nearest[2] - float(street.lift(along))) < 0.15
        assert distance.min() < 5.0


def test_a_junctions_edges_are_stations_and_its_kerbs_are_down():
    street = replace(read_street(make_street(curvature=0.0)), junctions=(Junction(34.0, 7.0),))
    walks = surface_coordinates(street)["walks"].reshape(4, len(NEAR), 2, 3)
    along = walks[0, :, 0, 1]
    for edge in (30.5, 37.5):
        assert np.abs(along - edge).min() < 1e-4
    within = (along > 30.4) & (along < 37.6)
    assert within.sum() >= 2
    assert np.abs(walks[:, within][..., 2]).max() < 1e-6
    assert walks[:, along < 29.5][..., 2].max() == pytest.approx(0.12, abs=1e-5)


def test_no_line_is_painted_across_a_junction_or_a_zebra_crossing():
    street = replace(
        read_street(make_street(curvature=0.0)),
        junctions=(Junction(34.0, 7.0),),
        zebras=(22.0,),
    )
    dashes = separator_coordinates(street, 0.0)
    shown = dashes[dashes[:, 2] > 0]
    inside = (shown[:, 1] > 30.5) & (shown[:, 1] < 37.5)
    assert len(shown) and not inside.any()
    assert not (abs(shown[:, 1] - 22.0) < 1.5).any()


def test_a_zebra_crossing_spans_the_lanes_and_no_more():
    street = replace(read_street(make_street(curvature=0.0)), zebras=(22.0,))
    paint = paint_coordinates(street).reshape(-1, 4, 3)
    shown = paint[paint[:, 0, 2] > 0]
    left, right = street.edges
    assert len(shown) == int((right - left) // 1.0)
    assert shown[..., 0].min() >= left and shown[..., 0].max() <= right
    assert shown[..., 1].min() == pytest.approx(20.5) and shown[..., 1].max() == pytest.approx(23.5)


def test_parking_bays_are_marked_and_rows_are_not():
    street = read_street(make_street(curvature=0.0))
    assert (paint_coordinates(street)[:, 2] < 0).all()
    sides = {
        name: Side(side.right, 4.9, 2.0, "paving", parking="bays")
        for name, side in street.sides.items()
    }
    paint = paint_coordinates(replace(street, sides=sides)).reshape(-1, 4, 3)
    shown = paint[paint[:, 0, 2] > 0]
    across = np.ptp(shown[..., 0], axis=1)
    np.testing.assert_allclose(across, 4.9, atol=1e-4)
    assert len(shown) == 60


def test_cross_streets_are_buried_when_there_are_none_and_face_up_when_there_are():
    plain = read_street(make_street(curvature=0.0))
    for sheet in junction_coordinates(plain):
        assert (sheet[:, 2] < 0).all()
    roads, walks = junction_coordinates(replace(plain, junctions=(Junction(34.0, 7.0),)))
    road = roads[:24].reshape(3, 8, 3)
    normal = np.cross(road[0, 1] - road[0, 0], road[1, 0] - road[0, 0])
    assert normal[2] > 0 and np.isfinite(walks).all()
    assert np.ptp(road[..., 1]) == pytest.approx(7.0, abs=1e-5)
