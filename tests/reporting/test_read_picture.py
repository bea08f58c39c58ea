"""A photograph with boxes and words for what was read in it."""

from __future__ import annotations

import numpy as np

from metasim_backend.reporting.contact_sheet import colour
from metasim_backend.reporting.read_picture import HEADING, LEAST_WIDTH, with_readings


def test_boxes_stand_where_they_were_read_and_the_picture_is_large_enough_to_read_them():
    image = np.full((50, 100, 3), 40, np.uint8)
    boxes = [((0.2, 0.4, 0.5, 0.8), "car 14 m +3°"), ((0.7, 0.5, 0.7, 0.5), "person 30 m -1°")]
    sheet = np.asarray(with_readings(image, ("camera  height 1.6", "road"), boxes)).astype(int)
    times = -(-LEAST_WIDTH // 100)
    assert sheet.shape == (50 * times + HEADING, 100 * times, 3)
    painted = (sheet == colour(0)).all(2)
    rows, columns = np.nonzero(painted)
    left, right = 0.2 * 100 * times, 0.5 * 100 * times
    assert abs(columns.min() - left) <= 1 and abs(columns.max() - right) <= 1
    assert abs(rows.max() - (0.8 * 50 * times + HEADING)) <= 1
    assert (sheet == colour(1)).all(2).any()  # a box without a size has its words
    assert sheet[:HEADING].max() > 200  # the scene's lines
