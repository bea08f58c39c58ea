"""Hostile messages and slow connections for a process, and what is seen of it meanwhile."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_messages import (
    authenticated,
    framed,
    hang_up_hard,
    hostile_greeting,
    hostile_message,
    throw,
)

from blender_addon.contract import wire

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
