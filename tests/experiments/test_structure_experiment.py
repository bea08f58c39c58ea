"""Experiments on structure: one seed, very short, and what seeds say together."""

import json
import math
from collections import Counter
from dataclasses import replace

import pytest
import torch

from metasim_backend.experiments import structure_experiment
from metasim_backend.experiments.definitions import experiment_named
from metasim_backend.experiments.experiment import ExperimentError, Options
from metasim_backend.experiments.page import write_page
from metasim_backend.experiments.record import record_of
from metasim_backend.experiments.structure_experiment import ROWS
from metasim_backend.experiments.table import result_table
from metasim_backend.reporting.count_bars import bars
from metasim_backend.run_files.run_folder import RunFolder

EXPERIMENT = experiment_named("multi-mnist")
NAMES = [quantity.name for quantity in EXPERIMENT.quantities]

SHORT = [
    "structure.pretrain_steps=4",
    "structure.steps=2",
    "structure.batch=12",
    "structure.feature_scenes=24",
    "structure.feature_epochs=1",
    "evaluation.scenes=4",
    "evaluation.pictures=2",
]


def seed(distance, minutes):
    far = {"prior": 0.4, "density": distance, "mmd": 0.3, "target": 0.02}
    shares = {"10": 0.25, "2": 0.75}
    return {
        "distances": {row: dict.fromkeys(NAMES, far[row]) for row in ROWS},
        "histograms": {row: dict.fromkeys(NAMES, shares) for row in ROWS},
        "seconds": {row: {"whole": 60.0 * minutes} for row in ("density", "mmd")},
    }


def test_goals_hold_for_the_worst_seed_and_not_the_mean():
    record = record_of(EXPERIMENT, {0: seed(0.02, 3), 4: seed(0.11, 21)}, Options())
    own = record["rows"]["density"]["digits"]
    assert own["mean"] == pytest.approx(0.065) and own["values"] == [0.02, 0.11]
    # Student's t for two values: 12.706 s / √2, s = 0.09 / √2
    assert own["half_width"] == pytest.approx(12.706 * 0.09 / 2)
    assert [check["met"] for check in record["checks"]] == [False, False, False]
    assert all(check["where"] == "seed 4" for check in record["checks"])
    good = record_of(EXPERIMENT, {0: seed(0.02, 3), 4: seed(0.1, 20)}, Options())
    assert all(check["met"] for check in good["checks"])
    assert good["verdict"].startswith(
        "All 3 goals are met over 2 seeds: number of digits 0.400 → 0.060"
    )


def test_shares_are_means_over_seeds_with_numbers_in_order():
    first, second = seed(0.1, 1), seed(0.1, 1)
    second["histograms"]["mmd"] = dict.fromkeys(NAMES, {"3": 1.0})
    record = record_of(EXPERIMENT, {0: first, 1: second}, Options())
    assert record["histograms"]["digits"]["mmd"] == {"2": 0.375, "3": 0.5, "10": 0.125}
    assert list(record["histograms"]["digits"]["mmd"]) == ["2", "3", "10"]


def test_table_and_page_show_every_row_and_the_goals(tmp_path):
    record = record_of(EXPERIMENT, {0: seed(0.123, 3)}, Options())
    json.dumps(record, allow_nan=False)
    table = result_table(record)
    assert all(title in table for title in ROWS.values()) and "0.123" in table
    assert "NOT met" in table and max(map(len, table.splitlines()[:8])) <= 100
    page = write_page(tmp_path, record, {}).read_text("utf-8")
    assert page.count("<svg") == len(NAMES) and "not met" in page and "0.123" in page
    assert "<script" not in page and "No pictures were kept" in page


def test_bars_are_as_tall_as_shares():
    drawn = bars({"prior": {"1": 0.5, "2": 0.25}, "target": {"2": 1.0}}, height=130)
    heights = [float(part.split('"')[0]) for part in drawn.split('rect x=')[1:] for part in
               [part.split('height="')[1]]]  # fmt: skip
    assert [math.isclose(h, 100 * s) for h, s in zip(heights, (0.5, 0, 0.25, 1.0), strict=True)]


def test_rewards_are_compared_seed_by_seed():
    record = record_of(EXPERIMENT, {0: seed(0.02, 3), 4: seed(0.11, 21)}, Options())
    paired = record["differences"]["density - mmd"]["digits"]
    assert paired["values"] == pytest.approx([-0.28, -0.19])
    assert paired["mean"] == pytest.approx(-0.235)


def test_no_such_experiment_is_refused_with_the_nearest_name():
    with pytest.raises(ExperimentError, match="'multi-mnist'"):
        experiment_named("multi-emnist")


def test_an_experiment_without_the_ablation_has_no_row_of_it(tmp_path):
    experiment = experiment_named("driving-structure")
    assert experiment.rewards == ("density",)
    names = [quantity.name for quantity in experiment.quantities]
    rows = ("prior", "density", "target")
    one = {
        "distances": {row: dict.fromkeys(names, 0.1) for row in rows},
        "histograms": {row: dict.fromkeys(names, {"1": 1.0}) for row in rows},
        "seconds": {"density": {"whole": 60.0}},
    }
    record = record_of(experiment, {0: one}, Options())
    assert tuple(record["rows"]) == rows and list(record["seconds"]["parts"]) == ["density"]
    assert ROWS["mmd"] not in result_table(record)
    assert "MMD reward" not in write_page(tmp_path, record, {}).read_text("utf-8")


def test_a_seed_is_counted_kept_and_not_learned_again(tmp_path, monkeypatch):
    monkeypatch.setattr(structure_experiment, "COUNTED", 60)
    monkeypatch.setattr(structure_experiment, "TRUTH", 120)
    experiment = replace(experiment_named("aerial2d-structure"), pictures=40)
    folder = tmp_path / "seed_3"
    said = []
    found = experiment.measure(3, folder, Options(tuple(SHORT)), said.append)
    names = {quantity.name for quantity in experiment.quantities}
    assert set(found["distances"]) == set(ROWS)
    for row, shares in found["histograms"].items():
        assert set(shares) == names
        assert found["distances"][row].keys() == names
    # Counted anew: what scenes of the hidden grammar show, and half the shares' differences.
    hidden = experiment.grammars()[1]
    drawn = structure_experiment.scenes_of(hidden, 3, "truth", 120)
    kinds = Counter(scene.of_class("road")[0].attributes["kind"] for scene in drawn)
    for row, shares in found["histograms"].items():
        far = sum(abs(shares["kinds of road"].get(k, 0) - n / 120) for k, n in kinds.items()) / 2
        assert found["distances"][row]["kinds of road"] == pytest.approx(far)
    assert set(found["histograms"]["target"]["cars on wide roads"]) <= {"3", "4", "5"}
    assert found["distances"]["target"]["cars on wide roads"] < 0.25  # 30 and 60 draws
    assert found["distances"]["prior"]["cars on wide roads"] > 0.3
    record = record_of(experiment, {3: found}, Options())
    assert record["rows"]["mmd"]["kinds of road"]["values"] == [
        found["distances"]["mmd"]["kinds of road"]
    ]
    assert any(text.startswith("seed 3: density") for text in said)

    # Both rewards see by the same network.
    networks = [
        RunFolder.open(folder / reward).load_checkpoint("count_network")["state"]
        for reward in ("density", "mmd")
    ]
    assert all(torch.equal(value, networks[1][name]) for name, value in networks[0].items())

    monkeypatch.setattr(structure_experiment, "trained", lambda *_: pytest.fail("learned again"))
    assert experiment.measure(3, folder, Options(tuple(SHORT)), print) == found
    with pytest.raises(ExperimentError, match="other settings"):
        experiment.measure(3, folder, Options((*SHORT, "structure.steps=3")), print)
    (folder / "result.json").unlink()
    with pytest.raises(ExperimentError, match="other settings"):
        experiment.measure(3, folder, Options((*SHORT, "structure.steps=3")), print)
