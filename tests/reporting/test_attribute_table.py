"""The table of attributes: order, what got nearer to the target, and bad input."""

import numpy as np
import pytest
from scipy import stats

from metasim_backend.reporting.attributes import ReportError, attribute_table, read_attributes

RANDOM = np.random.default_rng(0)
PITCH = {
    "kind": "continuous",
    "unit": "deg",
    "range": [-12, 12],
    "prior": RANDOM.normal(0, 1, 200).tolist(),
    "learned": RANDOM.normal(4, 1.5, 200).tolist(),
    "target": RANDOM.normal(5, 1.6, 200).tolist(),
}
YAW = {
    "kind": "circular",
    "unit": "deg",
    "period": 360,
    "prior": [359.0, 1.0],
    "learned": [3.0, 5.0],
    "target": None,
}


def test_the_attribute_that_moved_farthest_comes_first():
    rows = attribute_table({"car.yaw": YAW, "camera.pitch": PITCH})
    assert [row.name for row in rows] == ["camera.pitch", "car.yaw"]
    assert rows[0].moved_share == pytest.approx(
        stats.wasserstein_distance(PITCH["prior"], PITCH["learned"]) / 24
    )
    assert rows[1].moved == pytest.approx(4)
    assert rows[1].moved_share == pytest.approx(4 / 180)


def test_a_row_says_whether_mean_spread_and_the_whole_came_nearer_to_the_target():
    (row,) = attribute_table({"camera.pitch": PITCH})
    assert (row.closer, row.mean_closer, row.spread_closer) == (True, True, True)
    (back,) = attribute_table(
        {"camera.pitch": {**PITCH, "prior": PITCH["learned"], "learned": PITCH["prior"]}}
    )
    assert (back.closer, back.mean_closer, back.spread_closer) == (False, False, False)


def test_without_a_target_nothing_is_said_about_it():
    (row,) = attribute_table({"car.yaw": YAW})
    assert row.target is row.closer is row.mean_closer is row.learned_to_target is None
    assert row.prior.mean == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "round"}, "kind is 'round'"),
        ({"period": 0}, "period is 0"),
        ({"prior": 3}, "prior is not a list"),
        ({"learned": [1.0, "x"]}, "learned holds 'x'"),
        ({"learned": [None]}, "learned holds None"),
        ({"learned": [float("nan")]}, "learned holds nan"),
    ],
)
def test_a_wrong_entry_is_named_in_one_sentence(change, words):
    with pytest.raises(ReportError, match=r"'car\.yaw'") as caught:
        read_attributes({"car.yaw": {**YAW, **change}})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
