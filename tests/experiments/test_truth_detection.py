"""driving-truth-cars: rows have equal draws, the prior's is trained once, nothing is done twice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from drawn_streets import TINY, DrawnStreets

from metasim_backend.experiments import truth_detection
from metasim_backend.experiments.definitions import experiment_named
from metasim_backend.experiments.driving_truth import DrivingTruth
from metasim_backend.experiments.experiment import Options
from metasim_backend.experiments.paired_gain import paired_gain
from metasim_backend.experiments.truth_detection import GRAMMAR, LEARNED, SCORE, TRUTH, WAY, way
from metasim_backend.grammar import load_grammar
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.training import street_detector
from metasim_backend.training.scene_generator import SceneGenerator

PARTS = 2  # of three truths, which is enough


@pytest.fixture
def experiment():
    cars = experiment_named("driving-truth-cars")
    truths = dict(list(cars.matching.truths.items())[:PARTS])
    return replace(
        cars,
        matching=replace(cars.matching, truths=truths),
        detector=DetectorSettings.for_cpu(**TINY),
        streets=4,
        tested=3,
        size=(96, 64),
        steps=3,
    )


@pytest.fixture
def renderer(monkeypatch):
    """Blender and matching are left out, which have tests of their own."""
    drawn = DrawnStreets()
    monkeypatch.setattr(truth_detection, "open_renderer", lambda domain: drawn)
    monkeypatch.setattr(truth_detection, "paired_gain", partial(paired_gain, draws=10))
    monkeypatch.setattr(street_detector, "KEPT_STEPS", 1)
    generator = SceneGenerator(load_grammar(SCENES / "driving.yaml"))
    monkeypatch.setattr(DrivingTruth, "learn", lambda *_: (None, generator))
    return drawn


class Interrupted(Exception):
    pass


def test_an_interrupted_seed_ends_as_a_whole_one_and_a_finished_one_does_nothing(
    experiment, tmp_path, renderer
):
    told: list[str] = []
    whole = experiment.measure(0, tmp_path / "whole", Options(), told.append)
    assert set(whole["scores"]) == {
        f"{t}/{r}" for t in ("evening", "lorry") for r in experiment.rows
    }
    # Tested pictures and two rows of each truth, and the prior's streets once.
    assert renderer.rendered == PARTS * (3 + 2 * 4) + 4
    steps = [text for text in told if "/grammar, step" in text]
    assert steps == [f"evening/grammar, step {n}" for n in (1, 2, 3)] + ["lorry/grammar, step 3"]

    def stop_after(words: str):
        def tell(text: str) -> None:
            if words in text:
                raise Interrupted

        return tell

    for words in ("evening/grammar, step 2", "evening, truth", "lorry/learned, step 1"):
        with pytest.raises(Interrupted):
            experiment.measure(0, tmp_path / "parts", Options(), stop_after(words))
    parts = experiment.measure(0, tmp_path / "parts", Options(), told.append)
    assert {n: parts[n] for n in ("scores", "gains")} == {n: whole[n] for n in ("scores", "gains")}

    rendered = renderer.rendered
    assert experiment.measure(0, tmp_path / "whole", Options(), told.append) == whole
    assert renderer.rendered == rendered


def test_rows_begin_with_equal_weights_and_see_their_own_streets(experiment, tmp_path, renderer):
    experiment.measure(0, tmp_path, Options(), print)
    weights, streets = [], []
    for row in (LEARNED, TRUTH):
        state = torch.load(tmp_path / "evening" / f"detector_{row}.pt", weights_only=True)
        streets.append(torch.load(tmp_path / "evening" / f"streets_{row}" / "000.pt"))
        weights.append(state["draws"])
    assert torch.equal(*weights)  # as many draws, from the same seed
    seeds = torch.load(tmp_path / "streets_grammar" / "000.pt")
    # A picture is drawn by its scene's seed here: structures are the same in all rows.
    assert all(torch.equal(some[0][0], seeds[0][0]) for some in streets)
    tested = torch.load(tmp_path / "evening" / "tested" / "000.pt")
    assert not any(torch.equal(one[0], other[0]) for one in tested for other in seeds)


def test_the_share_of_the_way_is_of_the_mean_score(experiment):
    points = {GRAMMAR: (0.4, 0.6), LEARNED: (0.5, 0.68), TRUTH: (0.6, 0.6)}
    scores = {
        f"{truth}/{row}": {"ap50": value}
        for row, some in points.items()
        for truth, value in zip(("evening", "lorry"), some, strict=True)
    }
    rows = experiment.measurement({"scores": scores, "seconds": {}}).rows
    assert rows[LEARNED][SCORE] == pytest.approx(59)
    assert rows[LEARNED]["lorry: AP@0.5"] == pytest.approx(68)
    assert rows[LEARNED][WAY] == pytest.approx(90)  # 50 to 60, and 59


def test_there_is_no_way_to_a_truth_that_is_no_better():
    assert way(50.0, 52.0, 50.0) is None and way(50.0, 45.0, 60.0) == pytest.approx(-50)
