"""A panel without Blender, and a real server in a process of its own for it to talk to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from blender_addon.contract import panel, wire

TOKEN = "a-token-for-tests"
PATIENCE = 180.0


@dataclass
class Panel:
    """What Blender's panel does, without Blender."""

    connection: wire.Connection
    events: list[panel.Reply] = field(default_factory=list)
    asked: int = 0

    @classmethod
    def dial(cls, address: tuple[str, int]) -> Panel:
        connection = wire.connect(address, TOKEN, timeout=20.0)
        connection.send(panel.hello("0.1.0", "4.5.0"))
        panel.read_welcome(connection.receive(wait=20.0))
        return cls(connection)

    def send(self, kind: str, **fields: object) -> int:
        self.asked += 1
        self.connection.send(panel.request(kind, self.asked, **fields))
        return self.asked

    def reply(self, number: int) -> panel.Reply:
        """The answer to a request; what else comes is kept in ``events``."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = self.next()
            if found.id == number:
                return found
        raise AssertionError(f"no answer to {number}")

    def ask(self, kind: str, **fields: object) -> dict:
        found = self.reply(self.send(kind, **fields))
        assert found.sentence is None, found.sentence
        return dict(found.body)

    def refused(self, kind: str, **fields: object) -> str:
        found = self.reply(self.send(kind, **fields))
        assert found.sentence and not found.ours, found
        return found.sentence

    def next(self, within: float = 10.0) -> panel.Reply:
        found = panel.read_answer(self.connection.receive(wait=within))
        if found.topic not in (None, "alive"):
            self.events.append(found)
        return found

    def until(self, topic: str, wanted: Callable[[panel.Reply], object]) -> panel.Reply:
        """The first event of a topic that is wanted, among those that came and will come."""
        deadline = time.monotonic() + PATIENCE
        seen = 0
        while time.monotonic() < deadline:
            while seen < len(self.events):
                found = self.events[seen]
                seen += 1
                if found.topic == topic and wanted(found):
                    return found
            self.next()
        raise AssertionError(f"never came: {[dict(e.body) for e in self.events[-3:]]}")

    def until_state(self, topic: str, *states: str) -> panel.Reply:
        return self.until(topic, lambda found: found.body["state"] in states)

    def forget(self) -> None:
        self.events.clear()


@dataclass
class Server:
    process: subprocess.Popen
    address: tuple[str, int]
    folder: Path


def start_server(folder: Path, *options: str) -> Server:
    """``metasim serve``, ready."""
    (folder / "token").write_text(TOKEN + "\n")
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "metasim_backend", "serve", "--token-file", "token"),
            *("--ready-file", ready.name, *options),
        ],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None, "the server left"
        assert time.monotonic() < deadline, "the server did not get ready"
        time.sleep(0.02)
    told = json.loads(ready.read_text())
    assert told["pid"] == process.pid
    return Server(process, (told["host"], told["port"]), folder)
