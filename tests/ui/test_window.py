"""The panels in a real window: Blender 3.4 under Xvfb, its buttons pressed, its stalls measured."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from blender_window import ROOT, in_blender
from fake_backend import TOKEN, FakeBackend
from relay import Relay

from blender_addon.contract import panel, scene_graph

LONGEST_STALL = 50.0  # ms, while a training runs and its frames arrive, in a window of 512 x 384
SETTINGS = {
    "features.scenes": 8,
    "features.epochs": 1,
    "features.rounds": 1,
    "pretrain.steps": 3,
    "pretrain.scenes": 4,
    "match.estimator": "gradient",
    "match.steps": 5000,  # it must not end on a fast machine before it is paused and stopped
    "match.batch": 2,
    "match.search": 0,
    "match.report_every": 2,
    "evaluation.scenes": 4,
    "evaluation.pictures": 2,
}
TASK_SETTINGS = SETTINGS | {
    "task.epochs": 1,
    "task.scenes": 2,
    "task.network_steps": 1,
}
STEPS = ["scene", "undo", "node", "render", "train", "score", "switch", "dataset", "death",
         "failures"]  # fmt: skip
WRONG_GRAMMAR = """domain: driving
start: street
classes:
  street:
    attributes:
      width: {kind: continuous, range: [3, 1], prior: {uniform: [1, 3]}}
rules: []
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real backend that was started by hand, with the tests' token."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "token").write_text(TOKEN)
    process = subprocess.Popen(
        [sys.executable, "-m", "metasim_backend", "serve", "--port", "0",
         "--token-file", "token", "--ready-file", "ready.json"],
        cwd=folder, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (folder / "ready.json").exists():
        assert process.poll() is None and time.monotonic() < deadline, "it did not start"
        time.sleep(0.05)
    yield json.loads((folder / "ready.json").read_text())["port"]
    process.terminate()
    process.wait(40)


@pytest.fixture(scope="module")
def results(
    display: str, scripts: Path, served: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict]:
    """What happened in the window."""
    folder = Path(os.environ.get("METASIM_SCREENSHOTS", tmp_path_factory.mktemp("window")))
    folder.mkdir(parents=True, exist_ok=True)
    work = tmp_path_factory.mktemp("work")
    python = [sys.executable, "-m", "metasim_backend"]
    subprocess.run(
        [*python, "sample", str(ROOT / "scenes/driving.yaml"), "-n", "10", "-o", str(work / "s")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    scenes = sorted(map(str, (work / "s").glob("*.json")))
    subprocess.run(
        [*python, "render", *scenes, "-o", str(work / "target"), "--size", "160x96"],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    subprocess.run(
        [*python, "generate", str(ROOT / "scenes/driving.yaml"), "-n", "2", "--format", "kitti",
         "--size", "160x96", "-o", str(work / "labelled")],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    (work / "wrong.yaml").write_text(WRONG_GRAMMAR)
    (work / "a file").write_text("no folder")
    other_version = FakeBackend(None, protocol=panel.PROTOCOL + 1)
    relay = Relay(served, work / "pull")
    plan = {
        "folder": str(folder),
        "python": sys.executable,
        "press": True,
        "do": STEPS,
        "labelled": str(work / "labelled"),
        "task_run": str(work / "task_run"),
        "task_overrides": " ".join(f"{name}={value}" for name, value in TASK_SETTINGS.items()),
        "wrong_grammar": str(work / "wrong.yaml"),
        "unwritable": str(work / "a file" / "folder"),  # nobody can write there, not even root
        "dial": {
            "a wrong token": {"port": served, "token": "wrong"},
            "another version": {"port": other_version.port, "token": TOKEN},
            "nobody at the port": {"port": free_port(), "token": TOKEN},
            "a pulled plug": {"port": relay.port, "token": TOKEN, "pull": str(work / "pull")},
        },
        "right": {"port": served, "token": TOKEN},
        "target": str(work / "target" / "images"),
        "run": str(work / "run"),
        "new_run": str(work / "run"),
        "overrides": " ".join(f"{name}={value}" for name, value in SETTINGS.items()),
        "train_seconds": 300,
        "dataset": str(work / "dataset"),
    }
    found = in_blender(plan, work, display, scripts, "--enable-event-simulate")
    other_version.close()
    relay.close()
    yield found | {"folder": folder, "dataset": work / "dataset"}


def free_port() -> int:
    """One that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def happened(results: dict) -> list[str]:
    return [step["what"] for step in results["steps"]]


HAPPENINGS = {
    "scene": ["sampled at the first click"],
    "undo": ["undo brought the scene back"],
    "node": ["objects follow their attributes, before and after an undo"],
    "render": ["rendered"],
    "train": ["frames arrive", "stopped"],
    "score": ["the score is a curve"],
    "switch": ["learned", "prior again"],
    "dataset": ["data set"],
    "death": ["death said in the panel", "started again"],
    "failures": ["Blender goes on"],
}
PICTURES = ("scene", "node", "render", "train", "learned", "dataset", "dead")


def test_blender_lives_to_the_end_of_the_plan(results: dict):
    assert results.get("done"), results.get("traceback")
    assert HAPPENINGS.keys() == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_every_panel_is_opened_and_every_button_does_its_work(results: dict, step: str):
    assert step not in results["failed"], results["failed"][step]
    assert set(HAPPENINGS[step]) <= set(happened(results))


def test_the_pictures_show_something(results: dict):
    needs(results, *STEPS)
    assert len(list(results["dataset"].rglob("*.png"))) >= 3
    for name in PICTURES:
        assert (results["folder"] / f"{name}.png").stat().st_size > 10_000


def needs(results: dict, *steps: str) -> None:
    """One failure is one failure: what a failed step should have measured is not asked for."""
    for step in steps:
        if step in results["failed"]:
            pytest.skip(f"the step {step} failed, which has a test of its own")


def test_the_add_on_never_holds_the_main_thread_long_while_a_training_runs(results: dict):
    needs(results, "train")
    assert len(results["own_work"]) > 20, "nothing was drawn"
    assert max(results["own_processor_time"]) <= LONGEST_STALL
    assert statistics.quantiles(results["own_work"], n=100)[-1] <= LONGEST_STALL


def test_taking_in_a_training_never_stalls_the_main_loop(results: dict):
    """With the sidebar closed, so that nothing is drawn."""
    needs(results, "train")
    stalls = results["stalls"]["training, sidebar closed"]
    assert len(stalls) > 100, "the timer was not heard"
    assert statistics.quantiles(stalls, n=1000)[-1] <= LONGEST_STALL


def stalls_of(results: dict) -> list[float]:
    """Milliseconds between two turns of the main loop, while frames arrive and are drawn."""
    needs(results, "train")
    bare = max(results["stalls"]["bare redraw"])
    if bare > LONGEST_STALL:
        pytest.skip(f"drawing the sidebar alone takes {bare:.0f} ms here: no graphics card")
    stalls = results["stalls"]["training"]
    assert len(stalls) > 100, "the timer was not heard"
    return stalls


def test_the_main_loop_hardly_ever_stalls_while_a_training_runs(results: dict):
    assert statistics.quantiles(stalls_of(results), n=100)[-1] <= LONGEST_STALL


@pytest.mark.slow  # on a machine that does nothing else
def test_the_main_loop_never_stalls_while_a_training_runs(results: dict):
    assert max(stalls_of(results)) <= LONGEST_STALL


def test_a_killed_backend_is_told_within_five_seconds(results: dict):
    needs(results, "death")
    (death,) = [step for step in results["steps"] if step["what"] == "death"]
    assert death["seconds"] <= 5.0 * death["slowness"]
    assert "killed" in death["said"] and "scene is kept" in death["said"]


def test_escape_ends_a_long_render(display: str, scripts: Path, tmp_path: Path):
    from street_scenes import make_street

    scene_graph.save(make_street(), tmp_path / "street.json")
    plan = {
        "folder": str(tmp_path),
        "python": sys.executable,
        "press": False,
        "do": ["escape"],
        "scene": str(tmp_path / "street.json"),
    }
    found = in_blender(plan, tmp_path, display, scripts)
    assert found.get("done") and not found["failed"], found
    (escape,) = [step for step in found["steps"] if step["what"] == "escape"]
    assert escape["seconds"] <= 5.0 * escape["slowness"]
    assert "cancelled" in escape["said"]


def test_renders_beside_panels_never_leave_blender_refusing_to_be_written_to(
    display: str, scripts: Path, tmp_path: Path
):
    """Without the render job's care it mostly happens here within 20 renders (3 to 13 seen)."""
    plan = {
        "folder": str(tmp_path),
        "python": sys.executable,
        "press": False,
        "do": ["many_renders"],
        "renders": 20,
    }
    found = in_blender(plan, tmp_path, display, scripts)
    assert found.get("done") and not found["failed"], found
    assert "many renders" in happened(found)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("a grammar with an error", "wrong.yaml, line 6"),
        ("an unwritable folder for a data set", "a file"),
        ("an unwritable folder for a run", "a file"),
        ("a wrong token", "refused the token"),
        ("another version", "same release"),
        ("nobody at the port", "No backend answers at 127.0.0.1:"),
        ("a pulled plug", "is lost"),
    ],
)
def test_what_fails_has_its_sentence_in_the_panel_and_blender_goes_on(
    results: dict, what: str, words: str
):
    needs(results, "failures")
    assert words in results["said"][what]
    assert results["said"][what].endswith(".")


def test_a_pulled_plug_is_noticed_within_five_seconds(results: dict):
    needs(results, "failures")
    (pulled,) = [step for step in results["steps"] if step["what"] == "pulled"]
    assert pulled["seconds"] <= panel.SILENCE * pulled["slowness"]
