"""Long work is flat: memory, threads, open files, temporary files and shared memory do not grow."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_addon.contract import panel, wire
from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.workers import WorkerSettings

psutil = pytest.importorskip("psutil", reason="looks at memory and open files")
ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a token of the torture tests"
GROWTH, LEEWAY = 1.05, 16 * 2**20
ASKED = ("status", "grammars", "grammar", "sample", "run", "transform")
REQUESTS_AN_HOUR = 1800
"""Of a panel whose user does something every other second."""


def files_of(*folders: Path) -> int:
    return sum(1 for folder in folders if folder.is_dir() for _ in folder.rglob("*"))


def flat(memory: list[int]) -> None:
    """Memory stays from the middle to the end."""
    middle = max(memory[len(memory) // 3 : len(memory) * 2 // 3 + 1])
    assert memory[-1] <= middle * GROWTH + LEEWAY, [one // 2**20 for one in memory]


def in_mib(memory: list[int]) -> list[int]:
    return [round(one / 2**20) for one in memory]


@pytest.mark.slow
def test_hours_of_panel_traffic_leave_the_server_as_it_was(tmp_path, how_many, record, seed):
    """Panels come, ask everything that a panel asks, and go, or vanish."""
    count, source = how_many("requests", 120, 43_200), random.Random(seed)
    (tmp_path / "token").write_text(TOKEN)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "metasim_backend", "serve", "--token-file", tmp_path / "token",
         "--ready-file", tmp_path / "ready"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        time.sleep(0.02)
    told = json.loads((tmp_path / "ready").read_text())
    watched = psutil.Process(process.pid)
    own = tmp_path / "grammars"
    own.mkdir()
    texts = {n: (ROOT / f"scenes/{n}.yaml").read_text() for n in ("aerial2d", "mnist_rotation")}

    def session(requests: int) -> int:
        asked = 0
        with wire.connect((told["host"], told["port"]), TOKEN, timeout=30) as connection:
            connection.send(panel.hello("0.1.0", "4.5.0"))
            panel.read_welcome(connection.receive(wait=30))
            while asked < requests:
                asked += 1
                kind = source.choice(
                    ("status", "grammars", "grammar", "sample", "run", "transform")
                )
                grammar = own / f"{source.randrange(10**6)}.yaml"  # each is another file
                grammar.write_text(texts[source.choice(sorted(texts))])
                fields: dict = {
                    "grammar": {"path": str(grammar)},
                    "sample": {"grammar": str(grammar), "seed": source.randrange(10**6)},
                    "run": {"run": str(tmp_path / "nowhere")},
                    "transform": {"run": str(tmp_path / "nowhere"), "scene": {}},
                }.get(kind, {})
                connection.send(panel.request(kind, asked, **fields))
                while panel.read_answer(connection.receive(wait=60)).id != asked:
                    pass
                grammar.unlink()
            if source.random() < 0.3:  # it vanishes with an answer on its way
                connection.send(panel.request("grammars", asked + 1))
        return asked

    session(20)
    before = watched.num_threads(), watched.num_fds(), files_of(temporary, Path("/dev/shm"))
    memory, asked, sessions = [watched.memory_info().rss], 0, 0
    while asked < count:
        asked += session(source.randrange(1, 30))
        sessions += 1
        if asked * 20 // count >= len(memory):
            memory.append(watched.memory_info().rss)
    deadline = time.monotonic() + 60
    while True:
        after = watched.num_threads(), watched.num_fds(), files_of(temporary, Path("/dev/shm"))
        if all(now <= then for now, then in zip(after, before, strict=True)):
            break
        assert time.monotonic() < deadline, (before, after)
        time.sleep(0.2)
    flat(memory)
    process.terminate()
    assert "Traceback" not in process.communicate(timeout=60)[1]
    assert process.returncode == 0 and files_of(temporary) == 0
    record(
        "panel traffic", asked, sessions=sessions, hours=round(asked / REQUESTS_AN_HOUR, 1),
        memory_mib=in_mib(memory), threads=after[0], open_files=after[1],
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed")
def test_many_new_streets_leave_the_worker_as_it_was(tmp_path, monkeypatch, how_many, record, seed):
    count = how_many("streets", 60, 2_000)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    grammar = load_grammar(ROOT / "scenes/driving.yaml")
    settings = RenderSettings(64, 40)
    workers = WorkerSettings(count=1, threads=1, recycle_after=10**9)
    memory, seen, last = [], [], None
    backend = psutil.Process()
    backend_memory = []
    with BlenderRenderer(workers) as renderer:
        chunk = max(count // 20, 1)
        for start in range(0, count, chunk):
            some = [sample_scene(grammar, seed * 10**6 + start + i) for i in range(chunk)]
            renderer.render(some, [settings] * chunk)
            (pid,) = renderer.pool.worker_pids()
            assert last in (None, pid), "the worker was lost"
            last, worker = pid, psutil.Process(pid)
            memory.append(worker.memory_info().rss)
            backend_memory.append(backend.memory_info().rss)
            seen.append((worker.num_threads(), worker.num_fds(), backend.num_fds(),
                         files_of(tmp_path, Path("/dev/shm"))))  # fmt: skip
    assert all(now <= then for now, then in zip(seen[-1], seen[len(seen) // 3], strict=True)), seen
    if count >= 500:  # until then new kinds of houses and trees are still made and kept
        flat(memory)
    flat(backend_memory)
    record("streets", count, worker_memory_mib=in_mib(memory), threads=seen[-1][0],
           open_files=seen[-1][1], backend_memory_mib=in_mib(backend_memory))  # fmt: skip
