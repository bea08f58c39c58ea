"""The commands as a user runs them: killed workers and interruptions change no result.

Needs bpy; every process is a real one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from command_inputs import GRAMMAR, contents

from metasim_backend.cli import main

psutil = pytest.importorskip("psutil", reason="finds the processes of a run")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="bpy is not installed"
)

SETTINGS = {
    "rendering.width": 96,
    "rendering.height": 64,
    "features.network": "prior",
    "features.scenes": 12,
    "features.epochs": 1,
    "pretrain.steps": 5,
    "pretrain.scenes": 8,
    "match.estimator": "gradient",
    "match.steps": 3,
    "match.batch": 4,
    "match.report_every": 0,
    "task.epochs": 1,
    "task.scenes": 4,
    "task.network_steps": 1,
    "detector.compare_steps": 0,
    "evaluation.scenes": 4,
    "evaluation.pictures": 2,
}
MARK = "METASIM_END_TO_END_TEST"
PATIENCE = 400


class Metasim:
    """Starts the command in processes that carry a mark, so that all they leave can be found."""

    def __init__(self, scratch: Path) -> None:
        self.mark = uuid.uuid4().hex
        # A killed backend cannot remove its workers' logs: keep them in the test's own folder.
        self.environment = {**os.environ, MARK: self.mark, "TMPDIR": str(scratch)}

    def start(self, *arguments: object) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "metasim_backend", *map(str, arguments)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs the tests in the background has them ignore interrupts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: object) -> str:
        return finished(self.start(*arguments))

    def processes(self) -> list:
        """All that are alive now, workers and their parents."""
        found = []
        for process in psutil.process_iter():
            try:
                marked = process.environ().get(MARK) == self.mark
                if marked and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def workers(self) -> list:
        return [p for p in self.processes() if "blender_addon.worker" in command_line(p)]


def command_line(process) -> str:
    """Its words; none if it has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def ended(process) -> bool:
    """Whether it runs no more; it may vanish between two questions."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def finished(process: subprocess.Popen) -> str:
    """Standard output of a process that must end well."""
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    return out


def wait_for(condition: Callable[[], object], process: subprocess.Popen | None = None) -> None:
    """Until the condition holds, while the process lives."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.fixture
def metasim(tmp_path_factory):
    made = Metasim(tmp_path_factory.mktemp("scratch"))
    yield made
    for process in made.processes():
        process.kill()


def parameters(run: Path) -> dict[str, torch.Tensor]:
    state = torch.load(run / "checkpoints/last.pt", map_location="cpu", weights_only=True)
    return state["transformer"]


def matching_steps(run: Path) -> int:
    path = run / "metrics.jsonl"
    return path.read_text().count('"match"') if path.exists() else 0


def complete_samples(dataset: Path) -> int:
    return len(list((dataset / ".metasim/samples").glob("*.json")))


def test_killed_workers_and_interruptions_change_no_result(
    metasim, tmp_path, target, labelled, capsys
):
    settings = [word for k, v in SETTINGS.items() for word in ("--set", f"{k}={v}")]
    train = ["train", GRAMMAR, "--target", target, "--validation", labelled, *settings]

    # A run, and the same with more workers, one of which is lost in the middle of matching.
    whole, hurt = tmp_path / "whole", tmp_path / "hurt"
    said = metasim.run(*train, "--run", whole, "--workers", 1)
    assert "MMD²" in said and str(whole / "report.html") in said
    assert "Matching begins: 0 of 3" in said and "Matching done: 3 of 3" in said
    assert (whole / "report.html").stat().st_size > 10_000

    training = metasim.start(*train, "--run", hurt, "--workers", 2)
    wait_for(lambda: matching_steps(hurt) >= 1, training)
    victim = metasim.workers()[0]
    assert matching_steps(hurt) < SETTINGS["match.steps"]
    victim.send_signal(signal.SIGKILL)
    wait_for(lambda: ended(victim))
    assert matching_steps(hurt) < SETTINGS["match.steps"]
    finished(training)
    expected, found = parameters(whole), parameters(hurt)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name
    assert metasim.processes() == []

    # A data set, and the same that is killed in the middle and finished.
    generate = ["generate", whole, "-n", 20, "--json", "-o"]
    uninterrupted, cut = tmp_path / "uninterrupted", tmp_path / "cut"
    assert json.loads(metasim.run(*generate, uninterrupted, "--workers", 1))["rendered"] == 20
    generating = metasim.start(*generate, cut)
    wait_for(lambda: complete_samples(cut) >= 2, generating)
    generating.kill()
    generating.communicate(timeout=PATIENCE)
    there = complete_samples(cut)
    assert there < 20
    # The workers of a backend that was killed leave by themselves.
    wait_for(lambda: metasim.processes() == [])
    assert json.loads(metasim.run(*generate, cut))["rendered"] == 20 - there
    assert contents(cut) == contents(uninterrupted)
    annotations = json.loads((cut / "annotations.json").read_text())
    assert len(annotations["images"]) == 20 and len(annotations["annotations"]) > 0

    # Once more has nothing to do, and nothing is left behind.
    assert main([*map(str, generate), str(cut)]) == 0
    assert json.loads(capsys.readouterr().out)["rendered"] == 0
    assert metasim.processes() == []


def test_an_interrupted_command_stops_its_workers(metasim, tmp_path, target):
    run = tmp_path / "run"
    training = metasim.start("train", GRAMMAR, "--target", target, "--run", run, "--workers", 1)
    wait_for(lambda: metasim.workers(), training)
    training.send_signal(signal.SIGINT)
    _, errors = training.communicate(timeout=PATIENCE)
    assert training.returncode == 130
    assert "interrupted" in errors and "Traceback" not in errors
    assert metasim.processes() == []
