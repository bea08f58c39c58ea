"""The token: who does not know it gets in by no replay, reflection, truncation or downgrade, and it
is written down nowhere."""

from __future__ import annotations

import contextlib
import importlib.util
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

from blender_addon.contract.wire import MAGIC, NAME, Connection, WireError
from metasim_backend.rendering.workers import WorkerPool, WorkerSettings

psutil = pytest.importorskip("psutil", reason="looks at command lines")
ROOT = Path(__file__).resolve().parents[2]
TOKEN = "correct-horse-battery-staple"
Changed = Callable[[bytes, bool], bytes]
HANDSHAKE = len(MAGIC) + 32 + 32


def outcome(sock: socket.socket, server: bool, into: list) -> None:
    """Whether one end believes the other."""
    try:
        Connection(sock, TOKEN, server=server, timeout=60).close()
        into.append(True)
    except WireError:
        into.append(False)


def through_a_relay(changed: Changed) -> tuple[bool, bool, bytes, bytes]:
    """A handshake of two honest sides whose bytes somebody changes on the way.

    Returns:
        whether server and client believed each other, and what each of them sent.
    """
    server, to_server = socket.socketpair()
    client, to_client = socket.socketpair()
    sent: dict[bool, bytes] = {True: b"", False: b""}
    believed: dict[bool, list] = {True: [], False: []}

    def relay(source: socket.socket, target: socket.socket, of_server: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                sent[of_server] += data
                target.sendall(changed(data, of_server))
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    threads = [
        threading.Thread(target=outcome, args=(server, True, believed[True])),
        threading.Thread(target=outcome, args=(client, False, believed[False])),
        threading.Thread(target=relay, args=(to_server, to_client, True)),
        threading.Thread(target=relay, args=(to_client, to_server, False)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads[:2]:
        thread.join()
    for sock in (to_server, to_client):
        sock.close()
    for thread in threads[2:]:
        thread.join()
    return believed[True][0], believed[False][0], sent[True], sent[False]


def believes(data: bytes, *, server: bool) -> bool:
    """Whether an honest side believes somebody who only says this."""
    honest, other = socket.socketpair()
    into: list[bool] = []
    thread = threading.Thread(target=outcome, args=(honest, server, into))
    thread.start()
    with contextlib.suppress(OSError):
        other.sendall(data)
        other.shutdown(socket.SHUT_WR)
        while other.recv(4096):
            pass
    other.close()
    thread.join()
    return into[0]


def mirror_believed(*, server: bool) -> bool:
    """Whether an honest side believes its own bytes."""
    honest, other = socket.socketpair()
    into: list[bool] = []
    thread = threading.Thread(target=outcome, args=(honest, server, into))
    thread.start()
    with contextlib.suppress(OSError):
        heard, says = 0, HANDSHAKE - 32 if server else HANDSHAKE  # a server proves itself last
        while data := other.recv(4096):
            other.sendall(data)
            heard += len(data)
            if heard == says:
                other.shutdown(socket.SHUT_WR)
    other.close()
    thread.join()
    return into[0]


def test_no_handshake_but_an_honest_one_is_believed(how_many, record, seed):
    count, source = how_many("handshakes", 60, 10_000), random.Random(seed)
    refused = dict.fromkeys(("replayed", "reflected", "truncated", "changed", "downgraded"), 0)
    assert through_a_relay(lambda data, _: data)[:2] == (True, True)
    assert not mirror_believed(server=True) and not mirror_believed(server=False)
    refused["reflected"] += 2
    _, _, of_server, of_client = through_a_relay(lambda data, _: data)
    assert len(of_server) == len(of_client) == HANDSHAKE
    for number in range(count):
        kind = ("replayed", "truncated", "changed", "downgraded")[number % 4]
        if kind == "replayed":  # what was said in an honest handshake, to each side
            assert not believes(of_client, server=True)
            assert not believes(of_server, server=False)
            # What one side proved is no proof of the other's part.
            assert not believes(of_server, server=True)
            assert not believes(of_client, server=False)
        elif kind == "truncated":
            at = source.randrange(HANDSHAKE)
            assert not believes(of_client[:at], server=True)
            assert not believes(of_server[:at], server=False)
        else:
            victim = source.random() < 0.5  # whose bytes are changed
            at, flip = source.randrange(HANDSHAKE), source.randrange(1, 256)
            if kind == "downgraded":  # another version of the protocol, to one side or to both
                at = len(NAME)
            both = kind == "downgraded" and source.random() < 0.5
            seen = {True: 0, False: 0}

            def change(data: bytes, of_server: bool, at=at, flip=flip, victim=victim, both=both,
                       seen=seen) -> bytes:  # fmt: skip
                start, seen[of_server] = seen[of_server], seen[of_server] + len(data)
                if (both or of_server == victim) and start <= at < start + len(data):
                    changed = bytearray(data)
                    changed[at - start] ^= flip
                    return bytes(changed)
                return data

            server_believes, client_believes, _, _ = through_a_relay(change)
            # The server's own last proof may be spoilt after it has believed the client.
            last_of_server = victim and not both and at >= HANDSHAKE - 32
            assert not client_believes and (last_of_server or not server_believes)
        refused[kind] += 1
    record("handshakes", count + 2, refused=refused)


@pytest.mark.parametrize("server", [True, False])
def test_another_version_is_told_from_another_program(server):
    honest, other = socket.socketpair()
    other.sendall(NAME + b"1" + bytes(64))
    with pytest.raises(WireError, match="another version of Meta-Sim's protocol"):
        Connection(honest, TOKEN, server=server, timeout=5)
    other.close()


# Where it could be written down -----------------------------------------------------------------


def command_lines() -> str:
    """What every user of this machine can see of its processes."""
    lines = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            lines.append("\0".join(process.cmdline()))
    return "\n".join(lines)


def in_any_file(folder: Path, token: str) -> list[Path]:
    return [
        path for path in folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()
    ]


def test_a_workers_token_is_on_no_command_line_and_in_no_log(tmp_path, monkeypatch, capfd):
    program = "import sys, time; print(sys.argv, flush=True); time.sleep(60)"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(
        "metasim_backend.rendering.workers.blender_command",
        lambda *_: [sys.executable, "-c", program],
    )
    with WorkerPool(WorkerSettings(count=1, token=TOKEN)) as pool:
        deadline = time.monotonic() + 120
        while "--connect" not in "".join(one.log_tail() for one in pool._processes.values()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert TOKEN not in command_lines()
        assert TOKEN not in "".join(one.log_tail() for one in pool._processes.values())
        pool.submit("render", {}, "scene")
    assert not in_any_file(tmp_path, TOKEN)
    assert TOKEN not in "".join(capfd.readouterr())


def test_a_token_that_is_made_up_is_told_to_a_terminal_alone(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "metasim_backend", "serve"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2 and "--token-file" in done.stderr
    assert "with the token" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed")
def test_a_data_set_with_workers_writes_its_token_nowhere(tmp_path):
    output = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "metasim_backend", "generate", "scenes/driving.yaml", "-n", "6",
         "--size", "32x24", "--listen", "127.0.0.1:0", "--workers", "1", "-o", str(output)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "METASIM_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    seen = 0
    while process.poll() is None:
        lines = command_lines()
        seen += "blender_addon.worker" in lines
        assert TOKEN not in lines
        time.sleep(0.2)
    said = "".join(process.communicate())
    assert process.returncode == 0 and seen, said
    assert TOKEN not in said and not in_any_file(tmp_path, TOKEN)
    assert len(list((output / "images").iterdir())) == 6
