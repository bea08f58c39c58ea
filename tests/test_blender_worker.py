"""The worker as a process of its own, against a small server. Needs bpy."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from blender_addon.contract import wire
from blender_addon.contract.frames import RenderSettings, frame_from_message
from blender_addon.contract.scene_graph import Node, SceneGraph, to_dict

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "a token for the test"
SETTINGS = RenderSettings(width=80, height=48, seed=3).to_dict()
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="bpy is not installed"
)


def street_with_a_car(along: float = 12.0) -> dict:
    nodes = [
        ("street", "street", None, {"setting": "suburban"}),
        ("sky", "sky", "street",
         {"sun_azimuth": 60.0, "sun_elevation": 45.0, "sun_strength": 3.0, "sky_strength": 1.0}),
        ("camera", "camera", "street", {"height": 1.6, "pitch": 0.0, "yaw": 0.0, "fov": 80.0}),
        ("road", "road", "street", {"lane_width": 3.2, "curvature": 0.0}),
        ("lane_0", "lane", "road", {"position": 0, "direction": "ahead"}),
        ("car_0", "car", "lane_0",
         {"along": along, "across": 0.0, "yaw": 0.0, "model": "saloon", "colour": "red"}),
    ]  # fmt: skip
    return to_dict(SceneGraph(tuple(Node(*values) for values in nodes)))


class Server:
    """Listens, starts one worker and accepts it."""

    def __init__(self, token: str = TOKEN, arguments: tuple[str, ...] = ()) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(60)
        port = self.listener.getsockname()[1]
        command = [sys.executable, "-m", "blender_addon.worker", "--connect", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(
            [*command, "--threads", "1", *arguments],
            cwd=ROOT,
            env={**os.environ, "METASIM_TOKEN": token},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def accept(self) -> wire.Connection:
        sock, _ = self.listener.accept()
        return wire.Connection(sock, TOKEN, server=True, timeout=60)

    def welcome(self) -> tuple[wire.Connection, wire.Message]:
        connection = self.accept()
        hello = connection.receive(wait=60)
        connection.send(wire.Message("welcome"))
        return connection, hello

    def end(self) -> tuple[int, str]:
        """Exit code and standard error."""
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.listener.close()


@pytest.fixture
def start():
    servers = []

    def begin(*args, **kwargs) -> Server:
        servers.append(Server(*args, **kwargs))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def ask(connection: wire.Connection, kind: str, **body) -> wire.Message:
    connection.send(wire.Message(kind, body))
    return connection.receive(wait=60)


def test_a_worker_renders_differentiates_survives_bad_jobs_and_stops(start):
    server = start()
    connection, hello = server.welcome()
    assert hello.kind == "hello" and hello.body["protocol"] == wire.PROTOCOL
    assert hello.body["pid"] == server.process.pid
    assert "cycles" in hello.body["capabilities"]["engines"]
    assert "cpu" in hello.body["capabilities"]["devices"]
    assert ask(connection, "ping").body["memory"] > 1e7

    scene = street_with_a_car()
    answer = ask(connection, "render", job=7, scene=scene, settings=SETTINGS)
    assert (answer.kind, answer.body["job"]) == ("frame", 7), answer.body
    body = {k: v for k, v in answer.body.items() if k != "job"}
    frame = frame_from_message(body, dict(answer.arrays))
    assert frame.image.shape == (48, 80, 3)
    assert [label.node for label in frame.labels] == ["car_0"]
    assert frame.labels[0].visible_pixels > 10

    wrong = ask(connection, "render", job=8, scene={"version": 1}, settings=SETTINGS)
    assert wrong.kind == "error" and wrong.body["job"] == 8 and "seed" not in wrong.body
    assert wrong.body["reason"].endswith(".") and "Traceback" in wrong.body["traceback"]
    unknown = ask(connection, "dance", job=9)
    assert unknown.kind == "error" and "'dance'" in unknown.body["reason"]
    lacking = ask(connection, "differences", job=10, scene=scene, settings=SETTINGS, steps=[{}])
    assert lacking.kind == "error" and lacking.body["job"] == 10

    steps = [
        {"node": "car_0", "attribute": "along", "minus": 11.6, "plus": 12.4},
        {"node": "camera", "attribute": "pitch", "minus": -1.0, "plus": 1.0},
        {"node": "car_0", "attribute": "yaw", "minus": -4.0, "plus": 4.0},
    ]
    found = ask(connection, "differences", job=11, scene=scene, settings=SETTINGS, steps=steps)
    assert (found.kind, found.body["job"]) == ("differences", 11), found.body
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in found.body["windows"]]
    assert len(areas) == 3 and areas[1] == 80 * 48 and 0 < areas[0] < areas[1]
    values = found.arrays["values"]
    assert values.dtype == np.float32 and values.shape == (3 * sum(areas),)
    assert all(np.abs(part).max() > 0 for part in np.split(values, np.cumsum(areas)[:-1] * 3))

    # After differences the worker shows what it is asked for again, bit for bit.
    again = ask(connection, "render", job=12, scene=scene, settings=SETTINGS)
    np.testing.assert_array_equal(again.arrays["image"], answer.arrays["image"])

    connection.send(wire.Message("stop"))
    code, errors = server.end()
    assert code == 0 and "Traceback" not in errors


def test_a_worker_leaves_by_itself_when_the_connection_closes(start):
    server = start()
    connection, _ = server.welcome()
    connection.close()
    code, errors = server.end()
    assert code in (0, 1) and "Traceback" not in errors


def test_two_workers_render_the_same_pixels(start):
    images = []
    for _ in range(2):
        connection, _ = start().welcome()
        images.append(
            ask(connection, "render", job=1, scene=street_with_a_car(), settings=SETTINGS)
        )
    np.testing.assert_array_equal(images[0].arrays["image"], images[1].arrays["image"])


def test_a_wrong_token_ends_the_worker_with_one_line(start):
    server = start(token="another token")
    with pytest.raises(wire.AuthenticationError):
        server.accept()
    code, errors = server.end()
    assert code == 1 and "token" in errors and "Traceback" not in errors


def test_a_refused_worker_says_why(start):
    server = start()
    connection = server.accept()
    connection.receive(wait=60)
    connection.send(wire.Message("refused", {"reason": "Protocol 1 is too old."}))
    code, errors = server.end()
    assert code == 1 and "Protocol 1 is too old." in errors and "Traceback" not in errors


@pytest.mark.parametrize("port", ["nowhere", "127.0.0.1:0", "127.0.0.1:99999"])
def test_a_wrong_address_is_bad_usage(port):
    done = run_worker("--connect", port)
    assert done.returncode == 2 and port in done.stderr and "Traceback" not in done.stderr


def test_a_missing_token_and_a_missing_token_file_are_bad_usage(tmp_path):
    done = run_worker("--connect", "127.0.0.1:9")
    assert done.returncode == 2 and "METASIM_TOKEN" in done.stderr
    missing = str(tmp_path / "token")
    done = run_worker("--connect", "127.0.0.1:9", "--token-file", missing)
    assert done.returncode == 2 and missing in done.stderr and "Traceback" not in done.stderr


def run_worker(*arguments: str, script: bool = False) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if k != "METASIM_TOKEN"}
    start = ["blender_addon/worker.py"] if script else ["-m", "blender_addon.worker"]
    return subprocess.run(
        [sys.executable, *start, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_file_runs_by_its_path_as_blender_runs_it():
    done = run_worker("--connect", "nowhere", script=True)
    assert done.returncode == 2 and "HOST:PORT" in done.stderr


def test_a_killed_worker_is_seen_at_once_by_the_server(start):
    server = start()
    connection, _ = server.welcome()
    connection.send(
        wire.Message("render", {"job": 1, "scene": street_with_a_car(), "settings": SETTINGS})
    )
    server.process.send_signal(signal.SIGKILL)
    before = time.monotonic()
    with pytest.raises(wire.WireError):
        while True:
            connection.receive(wait=20)
    assert time.monotonic() - before < 10
