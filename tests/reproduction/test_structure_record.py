import json
import math

import pytest

from metasim_backend.reporting.count_bars import bars
from metasim_backend.reporting.structure_page import write_structure_page
from metasim_backend.reproduction.experiments import ExperimentError
from metasim_backend.reproduction.structure_experiments import (
    STRUCTURE_EXPERIMENTS,
    structure_experiment_named,
)
from metasim_backend.reproduction.structure_record import ROWS, structure_record, structure_table

EXPERIMENT = structure_experiment_named("multi-mnist")
NAMES = [quantity.name for quantity in EXPERIMENT.quantities]


def seed(distance, minutes):
    far = {"prior": 0.4, "density": distance, "mmd": 0.3, "target": 0.02}
    shares = {"10": 0.25, "2": 0.75}
    return {
        "distances": {row: dict.fromkeys(NAMES, far[row]) for row in ROWS},
        "histograms": {row: dict.fromkeys(NAMES, shares) for row in ROWS},
        "seconds": {row: {"whole": 60.0 * minutes} for row in ("density", "mmd")},
    }


def test_goals_hold_for_the_worst_seed_and_not_the_mean():
    record = structure_record(EXPERIMENT, {0: seed(0.02, 3), 4: seed(0.11, 21)}, ["metasim"])
    own = record["distances"]["density"]["digits"]
    assert own["mean"] == pytest.approx(0.065) and own["values"] == [0.02, 0.11]
    # Student's t for two values: 12.706 s / √2, s = 0.09 / √2
    assert own["half_width"] == pytest.approx(12.706 * 0.09 / 2)
    assert [check["met"] for check in record["checks"]] == [False, False, False]
    assert all(check["where"] == "seed 4" for check in record["checks"])
    good = structure_record(EXPERIMENT, {0: seed(0.02, 3), 4: seed(0.1, 20)}, ["metasim"])
    assert all(check["met"] for check in good["checks"])
    assert good["verdict"].startswith("3 of 3 goals are met over 2 seeds")


def test_shares_are_means_over_seeds_with_numbers_in_order():
    first, second = seed(0.1, 1), seed(0.1, 1)
    second["histograms"]["mmd"] = dict.fromkeys(NAMES, {"3": 1.0})
    record = structure_record(EXPERIMENT, {0: first, 1: second}, [])
    assert record["histograms"]["digits"]["mmd"] == {"2": 0.375, "3": 0.5, "10": 0.125}
    assert list(record["histograms"]["digits"]["mmd"]) == ["2", "3", "10"]


def test_table_and_page_show_every_row_and_the_goals(tmp_path):
    record = structure_record(EXPERIMENT, {0: seed(0.123, 3)}, ["metasim"])
    json.dumps(record, allow_nan=False)
    table = structure_table(record)
    assert all(title in table for title in ROWS.values()) and "0.123" in table
    assert "NOT met" in table and max(map(len, table.splitlines()[:8])) <= 100
    page = write_structure_page(tmp_path, record).read_text("utf-8")
    assert page.count("<svg") == len(NAMES) and "not met" in page and "0.123" in page
    assert "<script" not in page and "No pictures were kept" in page


def test_bars_are_as_tall_as_shares():
    drawn = bars({"prior": {"1": 0.5, "2": 0.25}, "target": {"2": 1.0}}, height=130)
    heights = [float(part.split('"')[0]) for part in drawn.split('rect x=')[1:] for part in
               [part.split('height="')[1]]]  # fmt: skip
    assert [math.isclose(h, 100 * s) for h, s in zip(heights, (0.5, 0, 0.25, 1.0), strict=True)]


def test_no_seed_and_no_such_experiment_are_refused():
    with pytest.raises(ValueError, match="at least one seed"):
        structure_record(EXPERIMENT, {}, [])
    with pytest.raises(ExperimentError, match="multi-mnist"):
        structure_experiment_named("multi-emnist")


def test_the_command_offers_every_experiment():
    from metasim_backend.commands.reproduce import STRUCTURE_NAMES

    assert set(STRUCTURE_NAMES) == set(STRUCTURE_EXPERIMENTS)


def test_an_experiment_without_the_ablation_has_no_row_of_it(tmp_path):
    experiment = structure_experiment_named("driving-structure")
    assert experiment.rewards == ("density",)
    names = [quantity.name for quantity in experiment.quantities]
    rows = ("prior", "density", "target")
    one = {
        "distances": {row: dict.fromkeys(names, 0.1) for row in rows},
        "histograms": {row: dict.fromkeys(names, {"1": 1.0}) for row in rows},
        "seconds": {"density": {"whole": 60.0}},
    }
    record = structure_record(experiment, {0: one}, [])
    assert tuple(record["distances"]) == rows and list(record["seconds"]) == ["density"]
    assert ROWS["mmd"] not in structure_table(record)
    assert "MMD reward" not in write_structure_page(tmp_path, record).read_text("utf-8")
