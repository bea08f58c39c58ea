"""What a new definition must write: here a table of attributes under two hidden grammars."""

import json
from dataclasses import dataclass

import pytest

from metasim_backend.experiments.experiment import Experiment, Measurement, Options
from metasim_backend.experiments.goals import row_goal
from metasim_backend.experiments.page import write_page
from metasim_backend.experiments.runner import run_experiment
from metasim_backend.experiments.seed_result import SeedResult
from metasim_backend.experiments.table import result_table

ATTRIBUTES = ("camera.pitch", "camera.height", "car.yaw", "sun.elevation", "sun.azimuth")
MOVED = {"off": 1.0, "differences": 0.8, "surrogate": 0.25}


@dataclass(frozen=True, kw_only=True)
class Truths(Experiment):
    """W1 to the truth as a share of the prior's."""

    truths: tuple[str, ...] = ("noon", "evening")

    def depends_on(self, options):
        return {"truths": self.truths, "overrides": options.overrides}

    def measure(self, seed, folder, options, tell):
        kept = SeedResult(folder / "result.json")
        for row in (row for row in self.rows if row not in kept.content):
            tell(f"seed {seed}: {row}")
            shares = {name: MOVED[row] + 0.01 * seed for name in ATTRIBUTES}
            kept.put(row, dict.fromkeys(self.truths, shares))
        return kept.content

    def measurement(self, content):
        return Measurement(
            rows={
                row: {
                    f"{truth}: {name}": share
                    for truth in self.truths
                    for name, share in content[row][truth].items()
                }
                for row in self.rows
            }
        )


EXPERIMENT = Truths(
    name="truths",
    title="Truths",
    about="Are hidden truths learned?",
    metric="W1 ratio",
    rows={"off": "nothing moved", "differences": "finite differences", "surrogate": "surrogate"},
    differences=(("surrogate", "differences"),),
    goals=(row_goal("surrogate", "evening: car.yaw", "≤", 0.26, "W1 ratio of the yaw"),),
)


@pytest.fixture
def run(tmp_path):
    """Runs seeds, and says what was told while they ran."""

    def run(seeds, options=None):
        told = []
        record = run_experiment(
            *(EXPERIMENT, seeds, tmp_path / "run", tmp_path / "result.json"),
            *(options or Options(), told.append),
        )
        return record, told

    return run


def test_attributes_are_measures_with_intervals_differences_and_goals(run, tmp_path):
    record, _ = run(range(3))
    assert len(record["rows"]["off"]) == 10
    summary = record["rows"]["surrogate"]["noon: car.yaw"]
    assert summary["values"] == pytest.approx([0.25, 0.26, 0.27])
    assert summary["half_width"] == pytest.approx(4.303 * 0.01 / 3**0.5)
    paired = record["differences"]["surrogate - differences"]["noon: car.yaw"]
    assert paired["mean"] == pytest.approx(-0.55) and paired["half_width"] == pytest.approx(0)
    (check,) = record["checks"]
    assert not check["met"] and check["where"] == "seed 2"
    table = result_table(record)
    assert "evening: sun.azimuth" in table and max(map(len, table.splitlines())) <= 100
    page = write_page(tmp_path / "run", record, {}).read_text("utf-8")
    assert "evening: sun.azimuth" in page and "finite differences" in page


def test_a_seed_is_gone_on_with_kept_and_measured_anew_for_other_options(run, tmp_path):
    first, told = run([0])
    assert told == ["seed 0: off", "seed 0: differences", "seed 0: surrogate"]
    path = tmp_path / "run/seed_0/result.json"
    half = {row: value for row, value in json.loads(path.read_text()).items() if row == "off"}
    path.write_text(json.dumps(half))
    again, told = run([0])
    assert told == ["seed 0: differences", "seed 0: surrogate"]
    assert again["rows"] == first["rows"]
    path.unlink()
    path.parent.rmdir()
    both, told = run([1])
    assert both["seeds"] == [0, 1] and len(told) == 3
    assert run([0])[1] == [f"seed 0: already in {tmp_path / 'result.json'}"]
    other, told = run([0], Options(("match.steps=3",)))
    assert other["seeds"] == [0] and len(told) == 3


def test_each_seed_says_which_version_measured_it(run, tmp_path, monkeypatch):
    output = tmp_path / "result.json"
    run([0])
    older = json.loads(output.read_text())
    del older["measured_by"]  # as files were before
    older["versions"], older["machine"] = {"metasim-blender": "0.0.9"}, "another machine"
    output.write_text(json.dumps(older))
    record, _ = run([0, 1])
    assert record["measured_by"]["0"] == {
        "versions": {"metasim-blender": "0.0.9"},
        "machine": "another machine",
    }
    assert record["measured_by"]["1"]["machine"] == record["machine"] != "another machine"
