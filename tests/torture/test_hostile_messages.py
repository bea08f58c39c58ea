"""No message from outside harms: worker pool and panel's server go on, do not grow, and serve who
is honest."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostile_messages import (
    hostile_message,
    throw,
)
from under_fire import ROOT, SCENE, TOKEN, Message, Watched, under_fire

from blender_addon.contract import panel, wire
from blender_addon.contract.version import ADDON_VERSION

# The worker pool -------------------------------------------------------------------------------


def honest_worker(address: tuple[str, int], ended: threading.Event) -> None:
    """Does jobs; when it is let go it dials in again."""
    while not ended.is_set():
        try:
            with wire.connect(address, TOKEN, timeout=60) as connection:
                connection.send(hello_of_worker())
                assert connection.receive(wait=60).kind == "welcome"
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
            accepted = other.submit(wire.Connection, left, TOKEN, server=True, timeout=60)
            client = wire.Connection(right, TOKEN, server=False, timeout=60)
        server = accepted.result()
        data = hostile_message(*request_of_panel(source), source)
        thread = threading.Thread(target=throw, args=(client._socket, data, source))
        thread.start()
        try:
            request = panel.read_request(server.receive(wait=60))
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
            panel.read_welcome(friend.receive(wait=60))
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
