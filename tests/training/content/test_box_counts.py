"""Counts of boxes by hand."""

from __future__ import annotations

import numpy as np
import pytest

from metasim_backend.training.content.box_counts import BoxCounts, PictureBoxes


def picture(*boxes) -> PictureBoxes:
    return PictureBoxes(np.array(boxes, np.float64).reshape(-1, 4), 200, 100)


GRID = BoxCounts(0.1, (0.2, 0.4), (0.5,))


def test_boxes_are_counted_by_height_and_by_distance_from_the_middle():
    shown = picture(
        (95, 0, 105, 15),  # in the middle, lowest row
        (0, 0, 20, 15),  # far from it
        (140, 0, 180, 50),  # 0.6 half widths to the right, highest row
        (90, 0, 110, 5),  # too low
    )
    cells, numbers = GRID([shown])[0, :6], GRID([shown])[0, 6:]
    assert cells.tolist() == [1, 1, 0, 0, 0, 1]
    assert numbers.tolist() == [0, 0, 1, 0, 0]  # three of them
    assert GRID([picture()])[0].tolist() == [0] * 6 + [1, 0, 0, 0, 0]
    assert len(GRID.names) == GRID([shown]).shape[1]
    assert (
        GRID.names[3] == "boxes 20 to 40 % of the height tall, from 50 % of half the width "
        "off the middle"
    )


def test_left_and_right_are_alike():
    left, right = picture((0, 0, 20, 15)), picture((180, 0, 200, 15))
    assert (GRID([left]) == GRID([right])).all()


def test_a_grid_between_quartiles_has_as_many_boxes_in_each_row_and_column():
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(50):
        x, y = rng.uniform(0, 150, 8), rng.uniform(0, 50, 8)
        pictures.append(picture(*np.stack([x, y, x + 50 * rng.random(8), y + 12 + y], 1)))
    grid = BoxCounts.between_quartiles(pictures, 0.1)
    total = grid(pictures)[:, :16].sum(0).reshape(4, 4)
    assert total.sum(0) == pytest.approx([100] * 4, abs=1)
    assert total.sum(1) == pytest.approx([100] * 4, abs=1)
    assert BoxCounts.from_dict(grid.to_dict()) == grid


def test_pictures_without_a_box_have_no_grid():
    with pytest.raises(ValueError, match="no box"):
        BoxCounts.between_quartiles([picture((0, 0, 10, 5))], 0.1)
