"""The worker pool survives its workers: whatever they do, every job has its right answer."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from stand_in_worker import ROOT, frame_of

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.giving_up import broken_connections, silent_workers
from metasim_backend.rendering.renderer import RenderingError
from metasim_backend.rendering.workers import WorkerSettings

FAULTS = {"dies": 0.25, "hangs": 0.002, "garbage": 0.02, "twice": 0.02, "late": 0.002,
          "another": 0.01, "error": 0.001}  # fmt: skip
STAND_IN = Path(__file__).with_name("stand_in_worker.py")
SIZE = (6, 4)


@pytest.fixture
def stand_in(monkeypatch):
    """Workers are stand-ins with these faults."""

    def use(faults: dict[str, float], seed: int, *, late: float = 0, once: str = "") -> None:
        monkeypatch.setattr(
            "metasim_backend.rendering.workers.blender_command",
            lambda *_: [sys.executable, str(STAND_IN)],
        )
        monkeypatch.setenv("STAND_IN_SEED", str(seed))
        monkeypatch.setenv("STAND_IN_FAULTS", ",".join(f"{k}={v}" for k, v in faults.items()))
        monkeypatch.setenv("STAND_IN_LATE", str(late))
        monkeypatch.setenv("STAND_IN_ONCE", once)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")

    return use


def scenes(count: int) -> list[SceneGraph]:
    return [SceneGraph((Node("street", "street", None, {}),), seed=i) for i in range(count)]


def test_every_job_has_its_answer_though_a_quarter_lose_their_worker(
    stand_in, how_many, record, seed
):
    count = how_many("jobs", 40, 10_000)
    stand_in(FAULTS, seed, late=18)
    settings = RenderSettings(*SIZE)
    # A busy machine may keep an honest worker from its answer for a while.
    workers = WorkerSettings(count=8, threads=1, job_timeout=15.0)
    with BlenderRenderer(workers) as renderer:
        frames = renderer.render(scenes(count), [settings] * count)
        lost = renderer.pool.lost_workers
    for number, frame in enumerate(frames):
        right = frame_of(number, *SIZE)
        assert (frame.image == right.image).all() and (frame.depth == right.depth).all(), number
    # A third as many as jobs, since those that are done again are lost again; six deviations less.
    assert lost > max(0, count / 3 - 6 * (count * 4 / 9) ** 0.5)
    record("jobs with faulty workers", count, workers=8, lost_workers=lost, faults=FAULTS)


@pytest.mark.parametrize(
    "fault",
    [
        "twice",
        *(
            pytest.param(fault, marks=pytest.mark.slow)
            for fault in ("another", "garbage", "late", "hangs", "dies", "error")
        ),
    ],
)
def test_each_fault_alone_costs_no_answer(stand_in, tmp_path, fault):
    """Each job is done wrong the first time."""
    stand_in({fault: 1.0}, 1, late=8, once=str(tmp_path))
    settings = RenderSettings(*SIZE)
    with BlenderRenderer(WorkerSettings(count=2, threads=1, job_timeout=5.0)) as renderer:
        frames = renderer.render(scenes(4), [settings] * 4)
        lost = renderer.pool.lost_workers
    assert len(list(tmp_path.iterdir())) == 4
    if fault not in ("error", "twice"):  # after these a worker is kept, or let go between two jobs
        assert lost >= 4
    for number, frame in enumerate(frames):
        assert (frame.image == frame_of(number, *SIZE).image).all()


@pytest.mark.slow
def test_a_job_that_always_loses_its_worker_is_given_up(stand_in):
    stand_in({"dies": 1.0}, 0)
    with (
        BlenderRenderer(WorkerSettings(count=1, threads=1)) as renderer,
        pytest.raises(RenderingError, match="seed 0.*worker .* was lost"),
    ):
        renderer.render(scenes(1), [RenderSettings(*SIZE)])


def test_blame_falls_on_a_job_sooner_where_others_lose_nothing():
    rate = broken_connections()
    assert rate.allowed(1) == 5  # nothing is known yet
    rate.attempts = 10_000
    assert rate.allowed(2) == 2
    rate.losses = 2_500  # a quarter
    assert rate.allowed(3) == 10
    # As likely as not that some job of ten thousand is given up wrongly: once in a hundred runs.
    assert 10_000 * 0.25 ** rate.allowed(0) < 0.02
    hangs = silent_workers()
    assert hangs.allowed(1) == 2  # each costs ten minutes


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed")
def test_real_workers_that_are_killed_change_no_pixel(how_many, record, seed):
    count = how_many("blender_jobs", 16, 60)
    grammar = load_grammar(ROOT / "scenes/driving.yaml")
    some = [sample_scene(grammar, number) for number in range(count)]
    settings = [RenderSettings(64, 40, seed=number) for number in range(count)]
    with BlenderRenderer(WorkerSettings(count=1, threads=1)) as renderer:
        expected = renderer.render(some, settings)
    ended, source = threading.Event(), random.Random(seed)
    with BlenderRenderer(WorkerSettings(count=2, threads=1)) as renderer:

        def kill() -> None:
            while not ended.wait(source.uniform(2, 6)):
                pids = renderer.pool.worker_pids()
                if pids:
                    os.kill(source.choice(pids), signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        frames = renderer.render(some, settings)
        while renderer.pool.lost_workers == 0:  # a machine may be faster than its killer
            frames = renderer.render(some, settings)
            time.sleep(0.1)
        ended.set()
        killer.join()
        lost = renderer.pool.lost_workers
    for one, other in zip(expected, frames, strict=True):
        assert (one.image == other.image).all() and (one.index == other.index).all()
    record("killed workers", count, lost_workers=lost)
