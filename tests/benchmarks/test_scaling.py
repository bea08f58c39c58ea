"""How much faster a data set is written by two workers, or in two shards, than by one worker.

Each row is ``metasim generate`` as a user gives it, start of Blender and all, on the same machine:
one local worker; two; two that dial in by the socket, as from other machines; and two shards beside
each other with a worker each, with their ``metasim merge``. All rows give the same bytes, which is
checked. They are measured in turn in one run, so what else the machine does meets all of them.

``once_started`` leaves the start out: frames a second of renderers that run already.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_scene_gradient import processor, rounded, write

import blender_addon
from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.worker_process import WorkerProcess
from metasim_backend.rendering.workers import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "docs" / "results" / "scaling.json"
FRAMES = int(os.environ.get("METASIM_SCALING_FRAMES", "120"))
ROUNDS = int(os.environ.get("METASIM_SCALING_ROUNDS", "2"))
SIZE = "320x192"
TURNS_OF = 12  # frames
ROWS = ("one_worker", "two_workers", "two_workers_by_socket", "two_shards")

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed"),
]


def metasim(*arguments: object) -> subprocess.Popen:
    """A command under way."""
    return subprocess.Popen(
        [sys.executable, "-m", "metasim_backend", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "METASIM_TOKEN": "of the benchmark"},
    )


def finished(*processes: subprocess.Popen) -> None:
    for process in processes:
        assert process.wait() == 0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def written(row: str, folder: Path) -> Path:
    """The data set, as this row writes it."""
    out = folder / row
    generate = ["generate", ROOT / "scenes/driving.yaml", "-n", FRAMES, "--size", SIZE]
    if row == "two_shards":
        shards = [folder / f"shard-{i}" for i in range(2)]
        finished(
            *(
                metasim(*generate, "--shard", f"{i}/2", "-o", shard, "--workers", 1)
                for i, shard in enumerate(shards)
            )
        )
        finished(metasim("merge", *shards, "-o", out))
        return out
    if row == "two_workers_by_socket":
        address = f"127.0.0.1:{free_port()}"
        workers = [metasim("worker", "--connect", address, "--threads", 1) for _ in range(2)]
        finished(metasim(*generate, "-o", out, "--workers", 0, "--listen", address))
        finished(*workers)
        return out
    finished(metasim(*generate, "-o", out, "--workers", 1 if row == "one_worker" else 2))
    return out


def digest(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_two_workers_and_two_shards(tmp_path):
    seconds: dict[str, list[float]] = {row: [] for row in ROWS}
    expected = None
    for turn in range(ROUNDS):
        for row in ROWS:
            folder = tmp_path / f"{turn}"
            started = time.perf_counter()
            out = written(row, folder)
            seconds[row].append(time.perf_counter() - started)
            expected = expected or digest(out)
            assert digest(out) == expected, row
        shutil.rmtree(folder)
    middle = {row: statistics.median(values) for row, values in seconds.items()}
    record(
        commands={
            "frames": FRAMES,
            "seconds": {row: rounded(value) for row, value in middle.items()},
            "times_as_fast": {
                row: rounded(middle["one_worker"] / value) for row, value in middle.items()
            },
        }
    )


def test_frames_a_second_once_started():
    grammar = load_grammar(ROOT / "scenes/driving.yaml")
    width, height = map(int, SIZE.split("x"))
    settings = RenderSettings(width, height)
    scenes = [sample_scene(grammar, seed) for seed in range(2 * TURNS_OF)]
    seconds: dict[str, list[float]] = {row: [] for row in ROWS[:3]}
    with contextlib.ExitStack() as stack:
        renderers = [
            stack.enter_context(BlenderRenderer(WorkerSettings(count=count))) for count in (1, 2, 0)
        ]
        pool = renderers[2].pool
        worker = [sys.executable, str(Path(blender_addon.__file__).parent / "worker.py")]
        for _ in range(2):
            process = WorkerProcess(worker, pool.address, pool.token, 1)
            stack.callback(process.kill)
        for turn in range(ROUNDS + 1):  # the first, in which everything is built, does not count
            some = scenes[:4] if not turn else scenes[TURNS_OF:]
            for row, renderer in zip(seconds, renderers, strict=True):
                started = time.perf_counter()
                renderer.render(some, [settings] * len(some))
                if turn:
                    seconds[row].append(time.perf_counter() - started)
    middle = {row: statistics.median(values) for row, values in seconds.items()}
    record(
        once_started={
            "frames": TURNS_OF,
            "turns": ROUNDS,
            "frames_a_second": {row: rounded(TURNS_OF / value) for row, value in middle.items()},
            "times_as_fast": {
                row: rounded(middle["one_worker"] / value) for row, value in middle.items()
            },
        }
    )


def record(**found: object) -> None:
    """Write down what a test found, beside what was there."""
    before = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    head = {
        "measures": f"labelled frames of the driving prior at {SIZE}, in turn in one run; "
        "commands: metasim generate from its start to its end; once_started: renderers that run "
        "already; medians, and how many times as fast as one worker that is",
        "command": "make benchmark",
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "load_at_end": rounded(os.getloadavg()[0]),
        },
    }
    write(RESULT, before | head | found)
