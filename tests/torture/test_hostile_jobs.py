"""No message from outside harms: a worker answers mutated jobs, does not grow, and does honest ones
as before."""

from __future__ import annotations

import importlib.util
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_messages import (
    framed,
    mutated,
    text_of,
)
from under_fire import GROWTH, LEEWAY, SCENE, TOKEN, Watched

from blender_addon.contract import wire


class Backend:
    """Takes one real worker in after the other, and has it do what it wants."""

    def __init__(self, folder: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(120)
        self.folder = folder
        self.starts = 0
        self.worker: Watched | None = None

    def start(self) -> wire.Connection:
        self.starts += 1
        port = self.listener.getsockname()[1]
        arguments = ["-m", "blender_addon.worker", "--connect", f"127.0.0.1:{port}"]
        self.worker = Watched([*arguments, "--threads", "1"], self.folder, METASIM_TOKEN=TOKEN)
        sock, _ = self.listener.accept()
        connection = wire.Connection(sock, TOKEN, server=True, timeout=60)
        assert connection.receive(wait=60).kind == "hello"
        connection.send(wire.Message("welcome"))
        return connection

    def leaves_with_a_sentence(self) -> None:
        assert self.worker is not None
        assert self.worker.process.wait(60) in (0, 1)
        said = self.worker.said()
        assert "Traceback" not in said and "The worker leaves: " in said, said

    def close(self) -> None:
        if self.worker is not None:
            self.worker.end()
        self.listener.close()


def job(source: random.Random) -> dict:
    settings = {"width": 16, "height": 16, "samples": 1, "seed": 1, "engine": "cycles"}
    return {"job": source.randrange(9), "scene": SCENE, "settings": settings}


def affordable(body: object) -> bool:
    """Whether a job asks for no more pixels than a test has time for."""
    settings = body.get("settings") if isinstance(body, dict) else None
    if not isinstance(settings, dict):
        return True
    for name, most in (("width", 64), ("height", 64), ("samples", 4)):
        value = settings.get(name, 16)
        if isinstance(value, int) and most < value <= 65_536:
            return False
    return settings.get("engine") in ("cycles", None) or not isinstance(settings["engine"], str)


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    made = Backend(tmp_path)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed")
def test_no_message_harms_the_worker(backend, how_many, record, seed):
    """Mutated jobs are answered with an error; what breaks the protocol ends it with a sentence."""
    count, source = how_many("worker_messages", 40, 10_000), random.Random(seed)
    endings = how_many("worker_endings", 1, 20)
    connection = backend.start()
    memory, answers = [], {"frame": 0, "differences": 0, "error": 0}
    reference = None
    for number in range(count):
        if number % max(count // 10, 1) == 0:
            body = {**job(random.Random(1)), "job": 1}
            connection.send(wire.Message("render", body))
            answer = connection.receive(wait=120)
            assert answer.kind == "frame", answer.body
            image = answer.arrays["image"].tobytes()
            assert reference in (None, image)  # what came between has changed nothing
            reference = image
            memory.append(backend.worker.memory())
        body = mutated(job(source), source)
        for _ in range(source.randrange(3)):
            body = mutated(body, source)
        if not isinstance(body, dict) or not affordable(body):
            continue
        kind = source.choice(("render", "render", "differences", "", "frame", "RENDER"))
        header = text_of({"kind": kind, "body": body, "arrays": []}).encode()
        connection._socket.sendall(framed(header))
        answers[connection.receive(wait=120).kind] += 1
    for _ in range(endings):
        connection._socket.sendall(
            source.choice(
                (
                    framed(b"no json"),
                    framed(b"[" * 100_000),
                    framed(b'{"kind": "ping", "body": {"a": %s}, "arrays": []}' % (b"9" * 5000)),
                    framed(b'{"kind": "ping", "body": {}, "arrays": [["a", "object", [1]]]}'),
                    bytes(100),
                    b"\xff" * 100,
                )
            )
        )
        connection.close()
        backend.leaves_with_a_sentence()
        connection = backend.start()
    connection.send(wire.Message("stop"))
    assert backend.worker.process.wait(60) == 0
    middle, end = max(memory[: len(memory) // 2 + 1]), memory[-1]
    assert end <= middle * GROWTH + LEEWAY, memory
    record("messages to the worker", count, answers=answers, worker_starts=backend.starts,
           memory_mib=[round(one / 2**20, 1) for one in memory])  # fmt: skip
