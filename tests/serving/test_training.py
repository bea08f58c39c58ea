"""Trainings for the panel, end to end, on a 2-D world that needs nothing but torch."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from panel_client import Panel, Server, start_server
from PIL import Image

from blender_addon.contract import panel
from metasim_backend.run_files.events import Event
from metasim_backend.serving.training_job import TrainingJob, train_arguments

AERIAL = Path(__file__).resolve().parents[2] / "scenes/aerial2d.yaml"
SETTINGS = {
    "features.scenes": 8,
    "features.epochs": 1,
    "features.rounds": 1,
    "pretrain.steps": 3,
    "pretrain.scenes": 4,
    "match.steps": 4,
    "match.batch": 4,
    "match.search": 0,
    "match.report_every": 2,
    "evaluation.scenes": 4,
    "evaluation.pictures": 2,
}


def wanted(run: Path, pictures: Path, **settings: object) -> dict:
    """The fields of a request for a short training."""
    values = {**SETTINGS, **{name.replace("__", "."): value for name, value in settings.items()}}
    return {
        "run": str(run),
        "grammar": str(AERIAL),
        "target": str(pictures),
        "phases": ["pretrain", "match"],
        "overrides": [f"{name}={value}" for name, value in values.items()],
    }


def long(run: Path, pictures: Path) -> dict:
    """One that will not end by itself."""
    return wanted(run, pictures, match__steps=100_000)


@pytest.fixture
def quiet(dialled: Panel) -> Iterator[Panel]:
    """A panel that leaves no training behind."""
    yield dialled
    state = dialled.ask("status")["train"]
    if state is not None and state["state"] not in panel.ENDED:
        dialled.forget()
        dialled.ask("train_stop")
        dialled.until_state("train", *panel.ENDED)


def train_process(server: Server) -> psutil.Process:
    """The training that the server has started."""
    (found,) = psutil.Process(server.process.pid).children()
    return found


def matching(found: panel.Reply) -> bool:
    return bool(found.body["points"]["mmd2"])


def test_a_training_is_told_from_beginning_to_end(quiet: Panel, tmp_path: Path, pictures: Path):
    run = tmp_path / "run"
    assert quiet.ask("train_start", **wanted(run, pictures)) == {"run": str(run)}
    ended = quiet.until_state("train", *panel.ENDED)
    assert ended.body["state"] == "finished", ended.body["sentence"]
    assert "MMD" in ended.body["sentence"]
    bars = quiet.until("train", lambda e: "attributes" in e.body).body["attributes"]
    told = [e for e in quiet.events if e.topic == "train"]

    states = [e.body["state"] for e in told]
    assert states[0] == "starting" and "running" in states
    phases = [e.body["phase"] for e in told if e.body["phase"]]
    assert list(dict.fromkeys(phases)) == ["features", "pretrain", "match", "report"]
    points = [point for e in told for point in e.body["points"]["mmd2"]]
    written = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert points == [[e["step"], e["mmd2"]] for e in written if e["phase"] == "match"]
    assert len(points) == SETTINGS["match.steps"]
    pictured = [e for e in told if "picture" in e.arrays]
    assert pictured[-1].body["picture_step"] == 4
    assert pictured[-1].arrays["picture"].shape == (64, 64, 3)

    assert bars and all(bar["kind"] in ("continuous", "circular") for bar in bars)
    for bar in bars:
        low, high = bar["range"]
        assert low <= bar["prior"][0] <= high and low <= bar["learned"][0] <= high
    found = quiet.ask("run", run=str(run))
    assert found["finished"] and found["curves"]["mmd2"] == points
    assert found["done"] == {"pretrain": 3, "match": 4}


def test_a_pause_frees_the_processor_and_a_stopped_run_is_resumed(
    server: Server, quiet: Panel, tmp_path: Path, pictures: Path
):
    run = tmp_path / "run"
    quiet.ask("train_start", **long(run, pictures))
    quiet.until("train", matching)
    assert quiet.ask("train_pause") == {"state": "paused"}
    process = train_process(server)
    time.sleep(0.3)
    before, steps = process.cpu_times(), (run / "metrics.jsonl").read_text()
    time.sleep(1.5)
    after = process.cpu_times()
    assert (after.user + after.system) - (before.user + before.system) < 0.05
    assert (run / "metrics.jsonl").read_text() == steps
    assert "cannot be paused" in quiet.refused("train_pause")
    quiet.forget()
    assert quiet.ask("train_resume") == {"state": "running"}
    quiet.until("train", matching)
    assert "not paused" in quiet.refused("train_resume")

    assert quiet.ask("train_stop") == {"state": "stopping"}
    started = time.monotonic()
    assert quiet.until_state("train", *panel.ENDED).body["state"] == "stopped"
    assert time.monotonic() - started < panel.STOP_WITHIN
    assert not process.is_running()

    done = quiet.ask("run", run=str(run))["done"]["match"]
    assert "resume it" in quiet.refused("train_start", **long(run, pictures))
    quiet.forget()
    quiet.ask("train_start", run=str(run), resume=True)
    first = quiet.until("train", matching).body["points"]["mmd2"][0][0]
    assert abs(first - done) <= 1  # goes on where it was; the last step may be taken again


def test_of_a_resumed_run_only_the_steps_are_told_that_it_takes(tmp_path: Path):
    """Stopped between a step's measurement and its checkpoint, a run takes the step again; what was
    measured before it was resumed is not told again."""
    metrics = tmp_path / "run" / "metrics.jsonl"
    metrics.parent.mkdir()
    metrics.write_text("".join(f'{{"phase": "match", "step": {i}, "mmd2": 1}}\n' for i in range(5)))

    def told(*steps: int) -> list:
        for step in steps:
            values = {"mmd2": step / 8, "gradient_norm": 1.0}
            job.take(Event("match", "Matching", step, 9, "goes on", "match", step, values))
        points = job.news()[0].get("points")
        assert points is None or isinstance(points, dict)
        return points["mmd2"] if points else []

    job = TrainingJob(metrics.parent, ["--help"], tmp_path / "log", lambda message: None)
    try:
        assert told() == []
        assert told(3) == [[3, 0.375]]
        assert told() == []
        assert told(4, 5) == [[4, 0.5], [5, 0.625]]
        assert job.body()["metrics"] == {"mmd2": 0.625, "gradient_norm": 1.0}
    finally:
        job.child.kill()


def test_phases_are_handed_on_in_the_order_in_which_they_are_named(tmp_path: Path, pictures: Path):
    named = ["match", "structure", "pretrain"]
    fields = wanted(tmp_path / "run", pictures) | {"phases": named}
    request = panel.read_request(panel.request("train_start", 1, **fields))
    _, arguments = train_arguments(request.body)
    assert arguments[arguments.index("--phases") + 1].split(",") == named


@pytest.mark.slow
def test_a_paused_training_can_be_stopped(quiet: Panel, tmp_path: Path, pictures: Path):
    quiet.ask("train_start", **long(tmp_path / "run", pictures))
    quiet.until("train", matching)
    quiet.ask("train_pause")
    quiet.ask("train_stop")
    assert quiet.until_state("train", *panel.ENDED).body["state"] == "stopped"


def test_a_killed_training_fails_with_a_sentence(
    server: Server, quiet: Panel, tmp_path: Path, pictures: Path
):
    quiet.ask("train_start", **long(tmp_path / "run", pictures))
    quiet.until_state("train", "running")
    os.kill(train_process(server).pid, signal.SIGKILL)
    ended = quiet.until_state("train", *panel.ENDED)
    assert ended.body["state"] == "failed" and "SIGKILL" in ended.body["sentence"]


@pytest.mark.slow
def test_training_goes_on_without_a_panel_and_one_that_comes_back_is_told(
    server: Server, quiet: Panel, tmp_path: Path, pictures: Path
):
    run = tmp_path / "run"
    first = Panel.dial(server.address)
    first.ask("train_start", **long(run, pictures))
    first.until("train", lambda e: "attributes" in e.body)
    first.connection.close()
    lines = (run / "metrics.jsonl").read_text().count("\n")
    time.sleep(1.0)
    second = Panel.dial(server.address)
    told = second.next()
    while told.topic != "train":
        told = second.next()
    assert told.body["state"] == "running" and told.body["phase"] == "match"
    assert told.body["attributes"] and told.arrays["picture"].dtype == np.uint8
    assert (run / "metrics.jsonl").read_text().count("\n") > lines
    assert "stop it first" in second.refused("train_start", **long(tmp_path / "b", pictures))


@pytest.mark.slow
def test_the_server_answers_and_is_heard_of_while_a_training_runs(
    quiet: Panel, tmp_path: Path, pictures: Path
):
    quiet.ask("train_start", **long(tmp_path / "run", pictures))
    quiet.until("train", matching)
    silence, last, heard = 0.0, time.monotonic(), 0
    while heard < 8:
        found = quiet.next(within=panel.SILENCE)
        silence, last = max(silence, time.monotonic() - last), time.monotonic()
        heard += found.topic == "alive"
    assert silence < panel.SILENCE / 2
    asked = time.monotonic()
    quiet.ask("sample", grammar=str(AERIAL), seed=0)
    assert time.monotonic() - asked < panel.SILENCE


def test_mistakes_are_told_before_anything_starts(quiet: Panel, tmp_path: Path, pictures: Path):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("")
    for changes, sentence in (
        ({"run": str(tmp_path / "file" / "run")}, "cannot be written to (Not a directory)"),
        ({"run": str(tmp_path / "full")}, "holds other files"),
        ({"run": "run"}, "not a whole path"),
        ({"target": str(tmp_path / "none")}, "There is no target folder"),
        ({"target": str(tmp_path / "empty")}, "holds no picture"),
        ({"target": None}, "choose a folder"),
        ({"grammar": str(tmp_path / "none.yaml")}, "There is no grammar file"),
        ({"grammar": None}, "choose a grammar file"),
        ({"validation": str(tmp_path / "none")}, "There is no labelled folder"),
        ({"phases": ["sleep"]}, "'phases' names 'sleep'; choose from pretrain, structure"),
        ({"phases": []}, "No phase is switched on"),
        ({"overrides": ["match.stips=3"]}, "match.stips"),
        ({"blender": "/nowhere/blender"}, "There is no Blender at"),
    ):
        fields = {**wanted(tmp_path / "run", pictures), **changes}
        assert sentence in quiet.refused("train_start", **fields), changes
    assert "holds no run" in quiet.refused("train_start", run=str(tmp_path / "full"), resume=True)
    assert not (tmp_path / "run").exists()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]


def test_what_only_the_training_finds_out_is_told_by_an_event(quiet: Panel, tmp_path: Path):
    few = tmp_path / "few"
    few.mkdir()
    Image.new("RGB", (64, 64)).save(few / "a.png")
    quiet.ask("train_start", **wanted(tmp_path / "run", few))
    ended = quiet.until_state("train", *panel.ENDED)
    assert ended.body["state"] == "failed"
    assert ended.body["sentence"] == f"{few} has 1 images; give at least 8."


@pytest.mark.slow
@pytest.mark.parametrize("paused", [False, True])
def test_nothing_stays_behind_when_the_server_is_killed(
    tmp_path: Path, pictures: Path, paused: bool
):
    started = start_server(tmp_path)
    dialled = Panel.dial(started.address)
    dialled.ask("train_start", **long(tmp_path / "run", pictures))
    dialled.until("train", matching)
    if paused:
        dialled.ask("train_pause")
    process = train_process(started)
    started.process.kill()
    started.process.wait()
    _, alive = psutil.wait_procs([process], timeout=25)
    if alive:
        process.kill()
    assert not alive


@pytest.mark.slow
def test_a_shutdown_stops_the_training_and_leaves_no_logs(tmp_path: Path, pictures: Path):
    started = start_server(tmp_path)
    dialled = Panel.dial(started.address)
    dialled.ask("train_start", **long(tmp_path / "run", pictures))
    dialled.until("train", matching)
    process = train_process(started)
    dialled.ask("shutdown")
    assert started.process.wait(panel.STOP_WITHIN) == 0
    assert not process.is_running()
    assert not list(tmp_path.glob("metasim-serve-*"))
