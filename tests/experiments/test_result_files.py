"""Files in ``docs/results/`` say what their own seeds say: each figure can be made again."""

import json
from pathlib import Path

import pytest

from metasim_backend.experiments.definitions import EXPERIMENTS
from metasim_backend.experiments.experiment import Options
from metasim_backend.experiments.record import record_of

RESULTS = Path(__file__).parents[2] / "docs/results"
KEPT = {path: data for path in sorted(RESULTS.glob("*.json")) if "each_seed" in (
    data := json.loads(path.read_text("utf-8")))}  # fmt: skip
# Of the run that measured, or of the table of boxes that only it was given.
OF_THE_RUN = ("command", "versions", "machine", "truth", "notes")


NOT_MEASURED: set[tuple[str, bool]] = {
    ("kitti-cars-looks", False),
    ("kitti-cars-labelled-content", False),
}
"""What takes hours and has not been run whole yet. Whoever has run it takes it out."""


def test_every_experiment_has_a_file_and_every_long_one():
    measured = {(data["experiment"], data["long"]) for data in KEPT.values()}
    longer = {(e.name, True) for e in EXPERIMENTS.values() if getattr(e, "long_budget", None)}
    assert measured == ({(name, False) for name in EXPERIMENTS} | longer) - NOT_MEASURED


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_record_is_made_again_out_of_its_seeds(path):
    data = KEPT[path]
    experiment = EXPERIMENTS[data["experiment"]]
    if data["long"]:
        experiment = experiment.longer()
    seeds = {int(seed): content for seed, content in data["each_seed"].items()}
    again = json.loads(json.dumps(record_of(experiment, seeds, Options())))
    for name in again.keys() - set(OF_THE_RUN):
        assert again[name] == data[name], name
    assert data["measured_by"].keys() == data["each_seed"].keys()
    assert all("metasim-blender" in one["versions"] for one in data["measured_by"].values())
