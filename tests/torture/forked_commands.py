"""``metasim`` commands as processes that start at once: they are forked from one that has imported
what they need. They can be killed at any moment, also at a chosen change of the disk.

Run as a program it is that process: lines of JSON in, lines of JSON out.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DISK_CALLS = ("fsync", "replace", "replaced", "unlink", "mkdir")
"""Moments about a change of the disk: before each of these calls, or after a file was renamed."""
LIMIT = 600.0


@dataclass(frozen=True)
class Death:
    """At which change of the disk a command kills itself: at the n-th such call, from 1."""

    call: str
    number: int


class Commands:
    """Starts commands, waits for them and kills them."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT),
                 "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._log, self._counts = folder / "log", folder / "counts"
        self._ended: dict[int, int] = {}
        self._changed = threading.Condition()
        self._started: list[int] = []
        threading.Thread(target=self._read, daemon=True).start()

    def start(self, *arguments: object, death: Death | None = None, clock: bool = False) -> int:
        """Begin a command, by a clock that jumps or not; its process number."""
        asked = {
            "arguments": [str(a) for a in arguments],
            "log": str(self._log),
            "counts": str(self._counts),
            "death": [death.call, death.number] if death else None,
            "clock": clock,
        }
        assert self._process.stdin is not None
        with self._changed:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            assert self._changed.wait_for(lambda: self._started, LIMIT)
            return self._started.pop()

    def wait(self, pid: int, within: float = LIMIT) -> int | None:
        """Its exit code, negative for a signal; None when it goes on."""
        with self._changed:
            if not self._changed.wait_for(lambda: pid in self._ended, within):
                return None
            return self._ended[pid]

    def kill(self, pid: int) -> None:
        """As if its power were cut."""
        with self._changed:
            if pid not in self._ended:
                os.kill(pid, signal.SIGKILL)
        self.wait(pid)

    def run(self, *arguments: object, death: Death | None = None) -> int:
        code = self.wait(self.start(*arguments, death=death))
        assert code is not None
        return code

    def changes(self) -> dict[str, int]:
        """How often the last command that ended by itself made each of :data:`DISK_CALLS`."""
        return json.loads(self._counts.read_text())

    def said(self) -> str:
        """What the last command wrote."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            with self._changed:
                if "code" in told:
                    self._ended[told["pid"]] = told["code"]
                else:
                    self._started.append(told["pid"])
                self._changed.notify_all()


def kill_at_some_moment(
    commands: Commands, pid: int, seconds: float, source: random.Random
) -> bool:
    """Kill a command at a random moment of so many seconds; whether it was still at work."""
    if commands.wait(pid, source.uniform(0, seconds)) is not None:
        return False
    commands.kill(pid)
    return commands.wait(pid) == -signal.SIGKILL


# The process that forks -------------------------------------------------------------------------


def _watch(call: str, counts: dict[str, int], dies_at: int) -> None:
    """Count a call that changes the disk; this process kills itself at one of them."""
    name = "replace" if call == "replaced" else call
    real = getattr(os, name)

    def counted(*arguments: object, **options: object) -> object:
        counts[call] += 1
        if counts[call] == dies_at and call != "replaced":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **options)
        if counts[call] == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(os, name, counted)


def _let_the_clock_jump() -> None:
    """By up to a year, forth and back, at each look at it."""
    real, source = time.time, random.Random(0)
    time.time = lambda: real() + source.uniform(-3e7, 3e7)


def _command(asked: dict) -> None:
    from metasim_backend.cli import main

    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    if asked["clock"]:
        _let_the_clock_jump()
    call, number = asked["death"] or ("", 0)
    counts = dict.fromkeys(DISK_CALLS, 0)
    for one in DISK_CALLS:
        _watch(one, counts, number if one == call else 0)
    sys.argv = ["metasim", *asked["arguments"]]
    try:
        code = main(asked["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    Path(asked["counts"]).write_text(json.dumps(counts))
    os._exit(code)


def _serve() -> None:
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what packages print while they are imported
    import torch

    torch.set_num_threads(1)
    from torch.utils import tensorboard  # noqa: F401

    import metasim_backend.commands.generate
    import metasim_backend.commands.train
    import metasim_backend.training.dataset_generation
    import metasim_backend.training.loop
    import metasim_backend.training.run_config  # noqa: F401

    alive: set[int] = set()
    lines: list[str] = []
    asked = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            lines.append(line)
            asked.set()
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        asked.wait(0.005 if alive else 60)
        asked.clear()
        while lines:
            wanted = json.loads(lines.pop(0))
            pid = os.fork()
            if pid == 0:
                _command(wanted)
            alive.add(pid)
            out.write(json.dumps({"pid": pid}) + "\n")
        while alive:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            alive.discard(pid)
            code = os.waitstatus_to_exitcode(status)
            out.write(json.dumps({"pid": pid, "code": code}) + "\n")
        time.sleep(0.002)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    _serve()
