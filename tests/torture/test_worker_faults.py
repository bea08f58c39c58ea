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

    def use(faults: dict[str, float], seed: int) -> None:
        monkeypatch.setattr(
            "metasim_backend.rendering.workers.blender_command",
            lambda *_: [sys.executable, str(STAND_IN)],
        )
        monkeypatch.setenv("STAND_IN_SEED", str(seed))
        monkeypatch.setenv("STAND_IN_FAULTS", ",".join(f"{k}={v}" for k, v in faults.items()))
        monkeypatch.setenv("OMP_NUM_THREADS", "1")

    return use


def scenes(count: int) -> list[SceneGraph]:
    return [SceneGraph((Node("street", "street", None, {}),), seed=i) for i in range(count)]


def test_every_job_has_its_answer_though_a_quarter_lose_their_worker(
    stand_in, how_many, record, seed
):
    count = how_many("jobs", 40, 10_000)
    stand_in(FAULTS, seed)
    settings = RenderSettings(*SIZE)
    workers = WorkerSettings(count=8, threads=1, job_timeout=2.0)
    with BlenderRenderer(workers) as renderer:
        frames = renderer.render(scenes(count), [settings] * count)
        lost = renderer.pool.lost_workers
    for number, frame in enumerate(frames):
        right = frame_of(number, *SIZE)
        assert (frame.image == right.image).all() and (frame.depth == right.depth).all(), number
    assert lost > count / 8
    record("jobs with faulty workers", count, workers=8, lost_workers=lost, faults=FAULTS)


@pytest.mark.parametrize(
    "fault",
    [
        "twice",
        pytest.param("another", marks=pytest.mark.slow),
        pytest.param("garbage", marks=pytest.mark.slow),
        pytest.param("late", marks=pytest.mark.slow),
    ],
)
def test_each_fault_alone_costs_no_answer(stand_in, fault):
    stand_in({fault: 0.3}, 1)
    settings = RenderSettings(*SIZE)
    with BlenderRenderer(WorkerSettings(count=2, threads=1, job_timeout=2.0)) as renderer:
        frames = renderer.render(scenes(8), [settings] * 8)
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
