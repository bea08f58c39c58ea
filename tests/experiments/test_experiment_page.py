"""An experiment's page: self-contained, well formed, true to the record."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from html_page import Page
from PIL import Image

from metasim_backend.experiments.benches import Budget
from metasim_backend.experiments.experiment import Options
from metasim_backend.experiments.generator_experiment import GeneratorExperiment
from metasim_backend.experiments.goals import below_goal, row_goal
from metasim_backend.experiments.page import spread_steps, write_page
from metasim_backend.experiments.record import record_of

BARE = GeneratorExperiment(
    name="mnist-<b>", title="Digits", about="", grammar="a.yaml", target="b.yaml"
)
DIGITS = replace(
    BARE,
    metric="accuracy, %",
    paper={"grammar": {"accuracy": 14.8}, "Meta-Sim": {"accuracy": 99.5}},
    budget=Budget(10),
    goals=(
        row_goal("learned", "accuracy", "≥", 99.0, "accuracy of the learned", unit="%"),
        below_goal("learned", "oracle", "accuracy", 0.15),
    ),
)
OPTIONS = Options(command=("metasim", "reproduce", "<b>"))
NEAR = {
    "prior": [0.1, 10.0],
    "learned": [89.1, 24.0],
    "target": [90.0, 25.0],
    "w1_prior": 90.0,
    "w1_learned": 1.5,
    "w1_share": 0.0167,
    "spread_error": 0.04,
}


def seed_of(learned):
    rows = {"prior": 14.25, "matched": 99.01, "learned": learned, "oracle": 99.31}
    return {
        "rows": {row: {"accuracy": value} for row, value in rows.items()},
        "attributes": {"digit.yaw": NEAR},
        "mmd2": {"prior": {"unseen": 0.3}, "learned": {"unseen": -0.001}},
        "seconds": {"match": 60.0, "task network on prior": 30.0},
    }


def make_run(folder, scenes=3):
    pictures = folder / "report_data" / "pictures"
    for kind in ("prior", "learned", "target", "progress"):
        (pictures / kind).mkdir(parents=True)
    for i in range(scenes):
        for name in ("prior", "learned", "target", *(f"progress/{k:05d}_" for k in (5, 10, 60))):
            path = f"{name}{i:02d}.png" if "/" in name else f"{name}/{i:02d}.png"
            array = np.full((8, 8, 3), len(name) * 9 + i, np.uint8)
            Image.fromarray(array).save(pictures / path)
    lines = [{"phase": "match", "step": k, "mmd2": 0.3 / (k + 1)} for k in range(60)]
    lines += [{"phase": "task", "step": k, "score": 0.9} for k in range(3)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def experiment(tmp_path):
    runs = [make_run(tmp_path / f"seed_{k}") for k in range(2)]
    (runs[1] / "report.html").write_text("<p>")
    seeds = {0: seed_of(99.4), 1: seed_of(98.9)}
    found = record_of(DIGITS, seeds, OPTIONS)
    return tmp_path, found, {seed: {"": run} for seed, run in enumerate(runs)}


def test_it_is_well_formed_and_loads_nothing_but_what_it_holds(experiment):
    folder, record, runs = experiment
    path = write_page(folder, record, runs)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert path == folder / "report.html"
    assert "script" not in page.tags and "link" not in page.tags
    assert [load for load in page.loads if not load.startswith("data:")] == ["seed_1/report.html"]
    assert "mnist-<b>" not in text and "mnist-<b>" in page.text


def test_it_says_what_the_record_says(experiment):
    page = Page(write_page(*experiment).read_text(encoding="utf-8"))
    assert "0 of 2 goals are met over 2 seeds: accuracy 99.15 % (paper 99.5 %)." in page.text
    for value in (14.8, 99.5, 14.25, 99.01, 98.9, 99.4, 99.31):
        assert value in page.values
    assert "seed 1 not met" in page.text
    assert "1.7 %" in page.text and "4.0 %" in page.text


def test_the_grid_has_a_row_for_prior_steps_learned_and_target(experiment):
    text = write_page(*experiment).read_text(encoding="utf-8")
    grid = re.search(r'<div class="turning".*?</div>', text, re.S)[0]
    titles = re.findall(r"<span[^>]*>([^<]*)</span>", grid)
    assert titles == ["prior", "step 5", "step 10", "step 60", "learned", "target"]
    assert grid.count("<img") == 6 * 3 and "--columns:3" in grid


def test_the_film_lies_beside_the_page_and_in_it(experiment):
    folder = experiment[0]
    text = write_page(*experiment).read_text(encoding="utf-8")
    assert text.count("data:image/gif;base64,") == 1
    with Image.open(folder / "training.gif") as image:
        assert image.n_frames == 5


def test_every_seed_has_its_curve(experiment):
    text = write_page(*experiment).read_text(encoding="utf-8")
    assert text.count("<polyline") == 2 * 3


def test_a_run_that_kept_no_pictures_and_no_measures_is_said_to_have_none(tmp_path):
    (tmp_path / "seed_0" / "report_data").mkdir(parents=True)
    bare = {"rows": {}, "attributes": {}, "mmd2": {}, "seconds": {"match": 1.0}}
    record = record_of(BARE, {0: bare}, OPTIONS)
    path = write_page(tmp_path, record, {0: {"": tmp_path / "seed_0"}})
    page = Page(path.read_text(encoding="utf-8"))
    for words in ("No pictures were kept while learning.", "No curves", "sets no goal"):
        assert words in page.text
    assert "Attributes" not in page.text and "Histograms" not in page.text


def test_steps_are_chosen_evenly_by_their_logarithm():
    steps = list(range(10, 610, 10))
    chosen = spread_steps(steps, 6)
    assert chosen == [10, 20, 50, 120, 260, 600]
    assert spread_steps([50, 100], 6) == [50, 100]
