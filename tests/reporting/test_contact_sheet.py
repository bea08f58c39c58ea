"""The contact sheet shows each frame's picture, objects and depth in their places."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.contract.frames import Frame, ObjectLabel
from metasim_backend.reporting.contact_sheet import (
    GAP,
    colour,
    contact_sheet,
    depth_colours,
    instance_colours,
)


def frame(grey: int) -> Frame:
    index = np.zeros((40, 80), np.uint16)
    index[10:20, 30:50] = 1
    depth = np.full((40, 80), 20.0, np.float32)
    depth[:5] = np.inf
    box = (30.0, 10.0, 50.0, 20.0)
    label = ObjectLabel("car_0", "car", 1, 200, box, box, 1.0, 0.0, 0)
    image = np.full((40, 80, 3), grey, np.uint8)
    return Frame(image, index, depth, (label,), np.eye(3), np.eye(4))


def test_tiles_stand_in_rows_with_picture_above_objects_and_depth():
    sheet = np.asarray(contact_sheet([frame(g) for g in (10, 60, 110, 160)], columns=3))
    tile = 40 + 20
    assert sheet.shape == (2 * (tile + GAP) + GAP, 3 * (80 + GAP) + GAP, 3)
    for i, grey in enumerate((10, 60, 110, 160)):
        x, y = GAP + i % 3 * (80 + GAP), GAP + i // 3 * (tile + GAP)
        assert (sheet[y, x] == grey).all()
        assert tuple(sheet[y + 10, x + 30]) == colour(1)  # a corner of the box
        assert tuple(sheet[y + 40 + 7, x + 20]) == colour(1)  # the object at half size
    empty = sheet[GAP + tile + GAP :, GAP + 80 + GAP :]
    assert (empty == 255).all()


def test_objects_have_the_colours_of_their_boxes_and_all_else_is_dim():
    colours = instance_colours(frame(0))
    assert tuple(colours[15, 40]) == colour(1)
    assert colours[0, 0].max() < 60
    assert len({colour(i) for i in range(1, 40)}) == 39


def test_depth_is_brighter_near_and_black_in_the_sky():
    depth = np.array([[4.0, 10.0, 40.0, 79.0, np.inf]])
    red = depth_colours(depth)[0, :, 0].astype(int)
    assert (np.diff(red[:4]) < 0).all()
    assert depth_colours(depth)[0, 4].tolist() == [0, 0, 0]
    assert depth_colours(np.array([[np.nan]])).shape == (1, 1, 3)


def test_float_pictures_are_shown_too():
    one = frame(0)
    lit = Frame(
        np.full((40, 80, 3), 0.5, np.float32),
        one.index,
        one.depth,
        one.labels,
        np.eye(3),
        np.eye(4),
    )
    assert np.asarray(contact_sheet([lit], 1))[GAP, GAP].tolist() == pytest.approx([128] * 3, abs=1)


def test_the_nearest_and_the_furthest_have_colours_without_a_wrong_number():
    """With numpy 2 rounding left the furthest a hair outside, where powers are no numbers."""
    depth = np.geomspace(0.01, 1e5, 2000, dtype=np.float32)[None]
    with np.errstate(all="raise"):
        colours = depth_colours(depth)
    assert (np.diff(colours[0, :, 0].astype(int)) <= 0).all()
    assert colours[0, 0, 0] == 255 and colours[0, -1, :2].tolist() == [0, 0]
