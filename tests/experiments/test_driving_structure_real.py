"""Structure learned from photographs is compared by numbers of vehicles and by features."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.distances.frechet import kernel_distance
from metasim_backend.distances.mmd import MMD
from metasim_backend.experiments.definitions.driving_structure_real import (
    EXPERIMENTS,
    sampling_distance,
    vehicles_in,
)
from metasim_backend.experiments.experiment import ExperimentError, Options
from metasim_backend.experiments.record import record_of
from metasim_backend.experiments.row_distances import TRUTH, RowFeatures, compared
from metasim_backend.experiments.table import result_table

(EXPERIMENT,) = EXPERIMENTS
NAMES = ("Fréchet distance", "kernel distance")


def label(class_name, top, bottom, seen=True):
    box = (10.0, top, 20.0, bottom)
    return SimpleNamespace(class_name=class_name, amodal_box=box, visible_box=box if seen else None)


def test_only_seen_vehicles_that_are_high_enough_in_the_picture_count():
    frame = SimpleNamespace(
        size=(256, 100),
        labels=(
            label("car", 40, 50),
            label("van", 40, 46.9),  # too low
            label("car", 95, 140),  # most of it below the picture
            label("person", 10, 90),
            label("truck", 10, 90, seen=False),
            label("truck", 10, 90),
        ),
    )
    assert vehicles_in(frame, ("car", "van", "truck"), 0.07) == 2


@pytest.fixture(scope="module")
def found():
    """The truth has three vehicles a frame; pictures lie as far off as their rows' numbers."""
    rng = np.random.default_rng(0)
    source = torch.Generator().manual_seed(0)
    counts = {
        "prior": rng.poisson(1.0, 300),
        "attributes": rng.poisson(1.0, 300),
        "both": rng.poisson(2.8, 300),
    }
    made = {
        row: torch.randn(300, 4, generator=source) + shift
        for row, shift in (("prior", 1.0), ("attributes", 0.5), ("both", 0.1))
    }
    photographs = torch.randn(40, 4, generator=source)
    truth = rng.poisson(3.0, 5000)
    return (
        counts,
        truth,
        made,
        photographs,
        compared(counts, truth, {"φ": RowFeatures(NAMES, photographs, made)}, "both", rng),
    )


def test_rows_hold_the_distances_themselves(found):
    counts, truth, made, photographs, result = found
    for row in counts:
        distances = result["rows"][row]["distances"]
        edges = np.arange(max(counts[row].max(), truth.max()) + 2)
        p, q = (np.histogram(own, edges, density=True)[0] for own in (counts[row], truth))
        assert distances[TRUTH] == pytest.approx(np.abs(p - q).sum() / 2)
        expected = float(kernel_distance(made[row], photographs))
        assert distances["kernel distance on φ"] == pytest.approx(expected)
        expected = float(MMD(photographs.double())(made[row].double()))
        assert distances["MMD² on φ"] == pytest.approx(expected)
        assert result["rows"][row]["mean"] == pytest.approx(counts[row].mean())


def test_a_gain_that_is_there_has_an_interval_above_nothing(found):
    *_, result = found
    for name in (TRUTH, "kernel distance on φ", "Fréchet distance on φ", "MMD² on φ"):
        gain = result["gains"][name]["prior"]
        low, high = gain["interval"]
        assert 0 < low < gain["value"] < high


def test_without_a_gain_the_interval_holds_nothing():
    rng = np.random.default_rng(1)
    counts = {row: rng.poisson(2.0, 300) for row in ("prior", "attributes", "both")}
    result = compared(counts, rng.poisson(3.0, 5000), {}, "both", rng)
    low, high = result["gains"][TRUTH]["prior"]["interval"]
    assert low < 0 < high


def test_the_record_says_what_structure_gains_over_seeds(found, tmp_path):
    *_, result = found
    boxes = tmp_path / "boxes.csv"
    lines = [f"{i},375,Car,0,300" for i in range(1, 6) for _ in range(i)]
    boxes.write_text("\n".join(["frame,height,class,ymin,ymax", *lines]))
    seed = result | {"seconds": {"attributes": 10.0, "both": 20.0}, "seen": 3, "unseen": 40}
    record = record_of(EXPERIMENT, {0: seed, 3: seed}, Options(boxes=boxes))
    assert record["seeds"] == [0, 3] and record["truth"]["mean"] == 3
    assert record["rows"]["both"][TRUTH]["mean"] == pytest.approx(
        result["rows"]["both"]["distances"][TRUTH]
    )
    gain = record["differences"]["prior - both"][TRUTH]
    assert gain["mean"] == pytest.approx(result["gains"][TRUTH]["prior"]["value"])
    assert gain["half_width"] == 0  # both seeds say the same
    assert f"{TRUTH} nearer than prior; " in record["verdict"]
    assert f"{TRUTH} nearer than attributes; " in record["verdict"]
    assert record["gains"][TRUTH][1] == result["gains"][TRUTH]
    table = result_table(record)
    assert "seed 3: lower by +" in table and "real frames show" in table
    assert max(map(len, table.splitlines())) <= 100


def test_seeds_that_disagree_are_no_gain(found):
    *_, result = found
    seed = result | {"seconds": {}, "seen": 30, "unseen": 40}
    other = {**seed, "rows": {**seed["rows"], "both": seed["rows"]["prior"]}}
    other["rows"]["prior"] = other["rows"]["attributes"] = seed["rows"]["both"]
    record = record_of(EXPERIMENT, {0: seed, 1: other}, Options())
    assert record["verdict"].count("not clearly nearer or further than") == 2 * 4


def test_few_frames_are_apart_from_all_by_chance_alone():
    """With two numbers that are equally likely: E|K/n - 1/2| of a binomial K."""
    truth = np.repeat([2, 5], 5000)
    n = 10
    exact = sum(math.comb(n, k) / 2**n * abs(k / n - 0.5) for k in range(n + 1))
    assert sampling_distance(truth, n) == pytest.approx(exact, abs=0.01)


def test_photographs_to_compare_with_are_looked_for_before_anything_is_learned(tmp_path):
    options = Options(target=tmp_path, unseen=tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="folder of unseen photographs"):
        EXPERIMENT.measure(0, tmp_path / "run", options, print)
    assert not (tmp_path / "run").exists()


def test_a_result_of_other_settings_is_not_taken_for_one_of_these(tmp_path):
    """As an earlier release left it: its run's folder has another name."""
    pictures, folder = tmp_path / "pictures", tmp_path / "seed_0"
    pictures.mkdir()
    folder.mkdir()
    (folder / "result.json").write_text('{"rows": {}}')
    with pytest.raises(ExperimentError, match="seed_0/run was begun with other settings"):
        EXPERIMENT.measure(0, folder, Options(target=pictures), print)
