"""Curves as pixels: where they pass, and that drawing them takes no loop over pixels."""

from __future__ import annotations

import numpy as np

from blender_addon.ui.charts import BACKGROUND, CURVE, GRID, SIDE, chart

BLUE = CURVE["mmd2"]


def drawn(points: list[tuple[float, float]]) -> np.ndarray:
    """SIDE x SIDE bool: the curve's pixels."""
    return np.all(np.isclose(chart(points, BLUE), BLUE), axis=2)


def one_by_one(points: list[tuple[float, float]]) -> np.ndarray:
    """The same, each pixel by itself."""
    margin, side = 10, SIDE - 1 - 20
    (x, y) = np.array(points, float).T
    x = margin + (x - x.min()) / np.ptp(x) * side
    y = SIDE - 1 - (margin + (y - y.min()) / np.ptp(y) * side)
    found = np.zeros((SIDE, SIDE), bool)
    for x0, y0, x1, y1 in zip(x, y, x[1:], y[1:], strict=False):
        for share in np.linspace(0, 1, int(max(abs(x1 - x0), abs(y1 - y0), 1)) + 1):
            row, column = round(y0 + share * (y1 - y0)), round(x0 + share * (x1 - x0))
            found[row - 1 : row + 2, column - 1 : column + 2] = True
    return found


def test_a_curve_passes_where_a_line_drawn_pixel_by_pixel_does():
    rng = np.random.default_rng(0)
    for count in (2, 7, 60, 200):
        points = [(float(i), float(v)) for i, v in enumerate(rng.normal(size=count))]
        there, wanted = drawn(points), one_by_one(points)
        # Where a place lies half way between two pixels, either is right.
        assert (there != wanted).sum() <= 0.002 * wanted.sum()


def test_the_least_value_is_at_the_bottom_and_the_first_step_at_the_left():
    falling = drawn([(5, 3.0), (10, 1.0)])
    assert falling[10, 10] and falling[SIDE - 11, SIDE - 11]
    assert not falling[10, SIDE - 11] and not falling[SIDE - 11, 10]


def test_one_point_is_a_line_across_the_middle_and_none_is_a_grid():
    rows = np.unique(np.nonzero(drawn([(3, 0.5)]))[0])
    assert abs(rows.mean() - (SIDE - 1) / 2) <= 1 and len(rows) == 3
    empty = chart([], BLUE).reshape(-1, 3)
    assert {tuple(row) for row in np.unique(empty.round(4), axis=0).tolist()} == {
        tuple(np.float32(colour).round(4).tolist()) for colour in (BACKGROUND, GRID)
    }


def test_more_points_than_pixels_still_begin_and_end_at_the_edges():
    found = drawn([(i, float(i % 7)) for i in range(5000)])
    columns = np.nonzero(found)[1]
    assert columns.min() == 9 and columns.max() == SIDE - 10
