"""How much faster a data set is written by two workers, or in two shards, than by one worker.

Each row is ``metasim generate`` as a user gives it, start of Blender and all, on the same machine:
one local worker; two; two that dial in by the socket, as from other machines; and two shards beside
each other with a worker each, with their ``metasim merge``. All rows give the same bytes, which is
checked. They are measured in turn in one run, so what else the machine does meets all of them.
"""

from __future__ import annotations

import importlib.util
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

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "docs" / "results" / "scaling.json"
FRAMES = int(os.environ.get("METASIM_SCALING_FRAMES", "120"))
ROUNDS = int(os.environ.get("METASIM_SCALING_ROUNDS", "2"))
SIZE = "320x192"
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
    write(
        RESULT,
        {
            "measures": f"seconds of metasim generate, {FRAMES} frames of the driving prior at "
            f"{SIZE}, from the command to its end, and how many times as fast as one worker that "
            f"is; medians of {ROUNDS} runs in turn",
            "command": "make benchmark",
            "machine": {
                "system": platform.system(),
                "architecture": platform.machine(),
                "processor": processor(),
                "cores": os.cpu_count(),
                "load_at_end": rounded(os.getloadavg()[0]),
            },
            "seconds": {row: rounded(value) for row, value in middle.items()},
            "times_as_fast": {
                row: rounded(middle["one_worker"] / value) for row, value in middle.items()
            },
        },
    )
