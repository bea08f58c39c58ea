"""No message from outside harms: servers and worker go on, do not grow, and serve who is honest."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile_messages import (
    authenticated,
    framed,
    hang_up_hard,
    hostile_greeting,
    hostile_message,
    mutated,
    text_of,
    throw,
)

from blender_addon.contract import panel, wire
from blender_addon.contract.version import ADDON_VERSION

psutil = pytest.importorskip("psutil", reason="looks at memory and open files")
ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a token of the torture tests"
SCENE = {
    "version": 1,
    "domain": "driving",
    "seed": 7,
    "nodes": [
        {"id": "street", "class": "street", "parent": None, "attributes": {"setting": "suburban"}},
        {"id": "sky", "class": "sky", "parent": "street",
         "attributes": {"sun_azimuth": 60.0, "sun_elevation": 45.0, "sun_strength": 3.0,
                        "sky_strength": 1.0}},
        {"id": "camera", "class": "camera", "parent": "street",
         "attributes": {"height": 1.6, "pitch": 0.0, "yaw": 0.0, "fov": 80.0}},
        {"id": "road", "class": "road", "parent": "street",
         "attributes": {"lane_width": 3.2, "curvature": 0.0}},
        {"id": "lane_0", "class": "lane", "parent": "road",
         "attributes": {"position": 0, "direction": "ahead"}},
    ],
}  # fmt: skip
GROWTH, LEEWAY = 1.05, 8 * 2**20
DRIPPING = 12
Message = tuple[str, dict, list, bytes]


class Watched:
    """A process under fire: its words, its memory, its threads and open files.

    Allocators keep what they have had once, so what counts is that memory stays from the middle of
    the fire to its end.
    """

    def __init__(self, arguments: list[str], folder: Path, **environment: str) -> None:
        self.errors = folder / "errors"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder), **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._seen = psutil.Process(self.process.pid)

    def alive(self) -> None:
        assert self.process.poll() is None, self.errors.read_text()

    def memory(self) -> int:
        return self._seen.memory_info().rss

    def settled(self, threads: int, files: int) -> tuple[int, int]:
        """Threads and open files, once they are as few as at first."""
        deadline = time.monotonic() + 60
        while True:
            now = self._seen.num_threads(), self._seen.num_fds()
            if (now[0] <= threads and now[1] <= files) or time.monotonic() > deadline:
                return now
            time.sleep(0.1)

    def counts(self) -> tuple[int, int]:
        return self._seen.num_threads(), self._seen.num_fds()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def said(self) -> str:
        return self.errors.read_text()


class Drip:
    """Connections that send a byte now and then, or nothing at all, for as long as they may."""

    def __init__(self, address: tuple[str, int], source: random.Random, count: int) -> None:
        self._ended = threading.Event()
        self.messages = 0
        self._threads = [
            threading.Thread(target=self._drip, args=(address, source.getrandbits(32), number % 3))
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def _drip(self, address: tuple[str, int], seed: int, how: int) -> None:
        source = random.Random(seed)
        while not self._ended.is_set():
            self.messages += 1
            try:
                if how == 2:  # after authentication
                    sock = authenticated(address, TOKEN)._socket
                    data = framed(b'{"kind": "hello", "body": {}, "arrays": []}', bytes(100))
                else:
                    sock = socket.create_connection(address, 10)
                    data = wire.MAGIC + source.randbytes(32) if how else b""
                with sock:
                    for at in range(len(data)):
                        sock.sendall(data[at : at + 1])
                        if self._ended.wait(0.05):
                            return
                    sock.settimeout(1)
                    while not self._ended.is_set():  # until the other side hangs up
                        try:
                            if not sock.recv(4096):
                                break
                        except TimeoutError:
                            continue
            except (OSError, wire.WireError):
                self._ended.wait(0.05)

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)


def fire(
    address: tuple[str, int],
    honest: Callable[[random.Random], Message],
    hello: wire.Message,
    source: random.Random,
    count: int,
    every: Callable[[int], object],
) -> None:
    """So many hostile messages, a third of them before authentication."""
    for number in range(count):
        every(number)
        try:
            if source.random() < 0.33:
                throw(socket.create_connection(address, 20), hostile_greeting(source), source)
                continue
            connection = authenticated(address, TOKEN)
        except (OSError, wire.WireError):
            continue  # let go for the sake of others, or refused: that is an answer too
        if source.random() < 0.7:
            try:
                connection.send(hello)
                connection.receive(wait=10)
            except (wire.WireError, TimeoutError):
                hang_up_hard(connection._socket)
                continue
        data = b"".join(
            hostile_message(*honest(source), source) for _ in range(source.choice((1, 1, 3)))
        )
        throw(connection._socket, data, source)


def under_fire(
    target: Watched,
    address: tuple[str, int],
    honest: Callable[[random.Random], Message],
    hello: wire.Message,
    served: Callable[[], int],
    source: random.Random,
    count: int,
) -> dict[str, object]:
    """Fire, and see that the process goes on, serves, and is at the end what it was."""
    before = target.counts()
    drip = Drip(address, source, DRIPPING)
    memory: list[int] = []

    def look(number: int) -> None:
        if number % max(count // 20, 1) == 0:
            target.alive()
            served()
            memory.append(target.memory())

    try:
        fire(address, honest, hello, source, count, look)
    finally:
        drip.end()
    times = served()
    target.alive()
    after = target.settled(*before)
    middle, end = max(memory[: len(memory) // 2 + 1]), target.memory()
    assert end <= middle * GROWTH + LEEWAY, (middle, end)
    assert after[0] <= before[0] and after[1] <= before[1], (before, after)
    assert "Traceback" not in target.said(), target.said()[-3000:]
    return {
        "slow_or_half_open": drip.messages,
        "honest_answers": times,
        "memory_mib": {"first_half": round(middle / 2**20, 1), "end": round(end / 2**20, 1)},
        "threads": [before[0], after[0]],
        "open_files": [before[1], after[1]],
    }


# The worker pool -------------------------------------------------------------------------------


def honest_worker(address: tuple[str, int], ended: threading.Event) -> None:
    """Does jobs; when it is let go it dials in again."""
    while not ended.is_set():
        try:
            with wire.connect(address, TOKEN, timeout=20) as connection:
                connection.send(hello_of_worker())
                assert connection.receive(wait=20).kind == "welcome"
                while not ended.is_set():
                    try:
                        job = connection.receive(wait=1)
                    except TimeoutError:
                        continue
                    if job.kind == "stop":
                        return
                    connection.send(wire.Message("frame", dict(job.body)))
        except (wire.WireError, TimeoutError):
            time.sleep(0.05)


def hello_of_worker() -> wire.Message:
    body = {"protocol": wire.PROTOCOL, "addon_version": ADDON_VERSION, "pid": 1}
    return wire.Message("hello", body)


def answer_of_worker(source: random.Random) -> Message:
    body = {"job": source.randrange(5000), "labels": [], "rendered_by": "x", "value": 1}
    arrays = [["image", "uint8", [4, 5, 3]], ["depth", "float32", [4, 5]]]
    return source.choice(("frame", "differences", "error")), body, arrays, bytes(60 + 80)


def test_every_hostile_message_is_refused_by_the_wire_or_the_panels_protocol(seed):
    """What comes through both is a request in which every field is what it should be."""
    source = random.Random(seed)
    through = 0
    for _ in range(600):
        left, right = socket.socketpair()
        with ThreadPoolExecutor(1) as other:
            accepted = other.submit(wire.Connection, left, TOKEN, server=True, timeout=5)
            client = wire.Connection(right, TOKEN, server=False, timeout=5)
        server = accepted.result()
        data = hostile_message(*request_of_panel(source), source)
        thread = threading.Thread(target=throw, args=(client._socket, data, source))
        thread.start()
        try:
            request = panel.read_request(server.receive(wait=5))
            through += 1
            assert set(request.body) == set(panel.REQUESTS[request.kind])
        except (wire.WireError, panel.PanelProtocolError) as error:
            assert 0 < len(str(error)) < 1000
        server.close()
        thread.join()
    assert through


def test_no_message_harms_the_worker_pool(tmp_path, how_many, record, seed):
    count = how_many("messages", 60, 100_000)
    target = Watched(["tests/torture/pool_process.py"], tmp_path, POOL_TOKEN=TOKEN,
                     PYTHONPATH=str(ROOT))  # fmt: skip
    ended = threading.Event()
    done = [0]
    try:
        address = ("127.0.0.1", int(target.process.stdout.readline()))

        def read() -> None:
            for line in target.process.stdout:
                done[0] = int(line.split()[1])

        threads = [threading.Thread(target=read, daemon=True)]
        threads += [
            threading.Thread(target=honest_worker, args=(address, ended), daemon=True)
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()

        def served() -> int:
            """Jobs that came back right; waits until there are more."""
            before, deadline = done[0], time.monotonic() + 120
            while done[0] == before:
                target.alive()
                assert time.monotonic() < deadline, "honest workers are not served"
                time.sleep(0.01)
            return done[0]

        served()
        figures = under_fire(target, address, answer_of_worker, hello_of_worker(), served,
                             random.Random(seed), count)  # fmt: skip
    finally:
        ended.set()
        target.end()
    record("messages to the worker pool", count, **figures)


# The panel's server ----------------------------------------------------------------------------


def request_of_panel(source: random.Random) -> Message:
    kind = source.choice([one for one in panel.REQUESTS if one != "shutdown"])
    body: dict = {"id": source.randrange(100)}
    examples = {"path": "/nowhere", "whole": 3, "count": 2, "flag": True, "object": SCENE,
                "text": "coco", "texts": ["a=1"], "size": [8, 8]}  # fmt: skip
    for name, wanted in panel.REQUESTS[kind].items():
        body[name] = examples[wanted.kind]
    return kind, body, [], b""


def ask(connection: wire.Connection, number: int, kind: str, **fields: object) -> dict:
    connection.send(panel.request(kind, number, **fields))
    while True:
        reply = panel.read_answer(connection.receive(wait=60))
        if reply.id == number:
            assert reply.sentence is None, reply.sentence
            return dict(reply.body)


@pytest.mark.slow
def test_no_message_harms_the_panels_server(tmp_path, how_many, record, seed):
    count = how_many("messages", 150, 100_000)
    (tmp_path / "token").write_text(TOKEN)
    target = Watched(
        ["-m", "metasim_backend", "serve", "--token-file", str(tmp_path / "token"),
         "--ready-file", str(tmp_path / "ready")],
        tmp_path,
    )  # fmt: skip
    try:
        target.process.stdout.readline()
        while not (tmp_path / "ready").exists():
            target.alive()
            time.sleep(0.02)
        told = json.loads((tmp_path / "ready").read_text())
        address = (told["host"], told["port"])
        hello = panel.hello("0.1.0", "4.5.0")
        with wire.connect(address, TOKEN, timeout=20) as friend:
            friend.send(hello)
            panel.read_welcome(friend.receive(wait=20))
            asked = [0]

            def served() -> int:
                asked[0] += 2
                ask(friend, asked[0], "status")
                grammar = str(ROOT / "scenes/aerial2d.yaml")
                ask(friend, asked[0] + 1, "sample", grammar=grammar, seed=asked[0])
                return asked[0]

            served()
            figures = under_fire(target, address, request_of_panel, hello, served,
                                 random.Random(seed), count)  # fmt: skip
            friend.send(panel.request("shutdown", 10**9))
        assert target.process.wait(60) == 0
    finally:
        target.end()
    record("messages to the panel's server", count, **figures)


# The worker ------------------------------------------------------------------------------------


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
