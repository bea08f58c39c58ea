"""The worker pool, with workers that are plain threads: what is lost is done again elsewhere."""

import contextlib
import socket
import struct
import sys
import threading
import time

import numpy as np
import pytest

from blender_addon.contract.version import ADDON_VERSION
from blender_addon.contract.wire import PROTOCOL, Message, WireError, connect
from metasim_backend.rendering.renderer import (
    RendererSetupError,
    RenderingError,
    RenderingInputError,
)
from metasim_backend.rendering.worker_process import WorkerProcess
from metasim_backend.rendering.workers import MOST_STRANGERS, WorkerPool, WorkerSettings


@pytest.fixture
def pool():
    with WorkerPool(WorkerSettings(count=0, token="secret", job_timeout=5)) as made:
        yield made


def dial(pool, answer, protocol=PROTOCOL):
    """A worker as a thread; `answer(message)` gives the reply, or None to hang up."""

    def work():
        with contextlib.suppress(WireError):
            connection = connect(pool.address, "secret", timeout=5)
            connection.send(Message("hello", {"protocol": protocol, "pid": 1}))
            if connection.receive(wait=5).kind != "welcome":
                return
            while (message := connection.receive(wait=20)).kind != "stop":
                reply = answer(message)
                if reply is None:
                    connection.close()
                    return
                body = {"job": message.body["job"], **reply.body}
                connection.send(Message(reply.kind, body, reply.arrays))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def echo(message):
    return Message("frame", {"job": message.body["job"], "value": message.body["value"]})


def test_many_jobs_over_two_workers_come_back_each_with_its_own_answer(pool):
    for _ in range(2):
        dial(pool, echo)
    futures = [pool.submit("render", {"value": i}, f"scene {i}") for i in range(50)]
    assert [f.result(10).body["value"] for f in futures] == list(range(50))


def test_a_lost_workers_job_goes_to_another(pool):
    hung_up = threading.Event()

    def vanish(message):
        hung_up.set()

    dial(pool, vanish)
    future = pool.submit("render", {"value": 7}, "scene")
    assert hung_up.wait(5)
    dial(pool, echo)
    assert future.result(10).body["value"] == 7
    assert pool.lost_workers == 1


def test_the_next_job_is_there_before_the_first_is_answered_when_many_wait(pool):
    connection = connect(pool.address, "secret", timeout=5)
    futures = [pool.submit("render", {"value": i}, f"scene {i}") for i in range(5)]
    connection.send(Message("hello", {"protocol": PROTOCOL, "pid": 1}))
    assert connection.receive(wait=5).kind == "welcome"
    asked = [connection.receive(wait=5) for _ in range(2)]
    with pytest.raises(TimeoutError):  # no third, however many wait
        connection.receive(wait=0.3)
    for message in asked:
        connection.send(echo(message))
    assert [f.result(5).body["value"] for f in futures[:2]] == [0, 1]


def test_no_job_is_sent_ahead_when_others_could_do_it(pool):
    connection = connect(pool.address, "secret", timeout=5)
    for i in range(2):
        pool.submit("render", {"value": i}, f"scene {i}")
    connection.send(Message("hello", {"protocol": PROTOCOL, "pid": 1}))
    assert connection.receive(wait=5).kind == "welcome"
    connection.receive(wait=5)
    with pytest.raises(TimeoutError):
        connection.receive(wait=0.3)


def test_a_job_that_waited_in_a_lost_workers_socket_was_not_tried_by_it(pool):
    died_of = []

    def fragile(message):
        if (value := message.body["value"]) in (0, 1) and value not in died_of:
            died_of.append(value)  # 1 is in the socket when the worker dies of 0
            return None
        return echo(message)

    futures = [pool.submit("render", {"value": i}, f"scene {i}") for i in range(5)]
    for _ in range(2):
        dial(pool, fragile).join(10)
    dial(pool, fragile)
    assert [f.result(10).body["value"] for f in futures] == list(range(5))
    assert died_of == [0, 1]


@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_neither_side_waits_for_the_other_to_read(pool, size):
    """Answers larger than any socket's buffer, and jobs as large as are sent ahead, or larger."""
    answer = Message("frame", {}, {"image": np.zeros(30_000_000, np.uint8)})
    dial(pool, lambda message: answer)
    futures = [pool.submit("render", {"text": "x" * size}, f"scene {i}") for i in range(6)]
    assert all(len(f.result(20).arrays["image"]) == 30_000_000 for f in futures)


def test_what_fails_twice_is_named_with_its_log_and_the_worker_goes_on(pool):
    def fail(message):
        if message.body["value"] == 13:
            return Message("error", {"reason": "no such mesh", "traceback": "line 1\nline 2"})
        return echo(message)

    dial(pool, fail)
    bad = pool.submit("render", {"value": 13}, "The scene with seed 13")
    with pytest.raises(RenderingError) as error:
        bad.result(10)
    for part in ("seed 13", "2 times", "worker 1", "no such mesh", "line 2"):
        assert part in str(error.value)
    assert pool.submit("render", {"value": 1}, "scene").result(10).body["value"] == 1


def test_a_scene_that_cannot_be_shown_is_the_users_mistake_and_not_tried_twice(pool):
    asked = []

    def refuse(message):
        asked.append(message)
        return Message("error", {"reason": "Node 'x' has class 'y'.", "input": True})

    dial(pool, refuse)
    with pytest.raises(RenderingInputError, match="scene 1: Node 'x' has class 'y'."):
        pool.submit("render", {"value": 1}, "scene 1").result(10)
    assert len(asked) == 1


def test_a_worker_from_elsewhere_is_told_to_stop_when_the_work_is_done():
    told = []
    with WorkerPool(WorkerSettings(count=0, token="secret")) as pool:
        connection = connect(pool.address, "secret", timeout=5)
        connection.send(Message("hello", {"protocol": PROTOCOL, "pid": 1}))
        connection.receive(wait=5)
        thread = threading.Thread(target=lambda: told.append(connection.receive(wait=10).kind))
        thread.start()
    thread.join(10)
    assert told == ["stop"]


def test_strangers_are_refused_and_the_server_goes_on(pool):
    with pytest.raises(WireError):
        connect(pool.address, "guess", timeout=5)
    for garbage in (b"GET / HTTP/1.0\r\n\r\n" * 5, b"", struct.pack("<IQ", 2**31, 2**60) * 9):
        with socket.create_connection(pool.address) as sock:
            sock.sendall(garbage)
    oversized = connect(pool.address, "secret", timeout=5)
    oversized._socket.sendall(struct.pack("<IQ", 5, 2**50))
    truncated = connect(pool.address, "secret", timeout=5)
    truncated._socket.sendall(struct.pack("<IQ", 50, 0) + b"{")
    truncated.close()
    with pytest.raises(WireError):
        oversized.receive(wait=5)
    dial(pool, echo)
    assert pool.submit("render", {"value": 3}, "scene").result(10).body["value"] == 3


def test_another_protocol_version_is_refused_in_one_sentence(pool):
    connection = connect(pool.address, "secret", timeout=5)
    connection.send(Message("hello", {"protocol": 99, "pid": 1}))
    answer = connection.receive(wait=5)
    assert answer.kind == "refused"
    assert "protocol 1" in answer.body["reason"] and "99" in answer.body["reason"]


def test_a_worker_of_another_version_is_told_both(pool):
    connection = connect(pool.address, "secret", timeout=5)
    hello = {"protocol": PROTOCOL, "pid": 1, "addon_version": "0.0.3"}
    connection.send(Message("hello", hello))
    answer = connection.receive(wait=5)
    assert answer.kind == "refused"
    assert f"version {ADDON_VERSION}" in answer.body["reason"]
    assert "version 0.0.3" in answer.body["reason"]


def test_without_workers_of_its_own_it_says_where_it_waits(capsys):
    with WorkerPool(WorkerSettings(count=0, token="secret")) as pool:
        pool.submit("render", {"value": 1}, "scene")
        pool.submit("render", {"value": 2}, "scene")
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and said.startswith("Waiting for workers")
        assert f"--connect 127.0.0.1:{pool.address[1]}" in said and "secret" not in said


def test_a_port_in_use_is_the_users_mistake():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RendererSetupError, match=str(port)):
            WorkerPool(WorkerSettings(count=0, port=port))


def test_a_missing_blender_is_the_users_mistake():
    with pytest.raises(RendererSetupError, match="/nowhere/blender"):
        WorkerPool(WorkerSettings(count=1, blender="/nowhere/blender"))


def test_workers_that_never_start_fail_the_jobs_with_their_log(monkeypatch):
    command = [sys.executable, "-c", "import sys; sys.exit('no graphics library')"]
    monkeypatch.setattr("metasim_backend.rendering.workers.blender_command", lambda *_: command)
    with WorkerPool(WorkerSettings(count=1)) as pool:
        future = pool.submit("render", {}, "scene")
        with pytest.raises(RenderingError, match="no graphics library"):
            future.result(30)


def test_closing_the_pool_fails_what_waits(pool):
    future = pool.submit("render", {"value": 1}, "scene")
    pool.close()
    with pytest.raises(RenderingError):
        future.result(5)


def test_killing_a_worker_process_kills_its_children_too():
    program = (
        "import subprocess, sys, time; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        "print(p.pid, flush=True); time.sleep(60)"
    )
    process = WorkerProcess([sys.executable, "-c", program], ("127.0.0.1", 1), "t", 1)
    deadline = time.monotonic() + 10
    while not process.log_tail() and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(process.log_tail())
    process.kill()
    assert not process.running
    assert not alive(child)
    assert process.log_tail() == ""


def alive(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return False
        except FileNotFoundError:
            return False
        time.sleep(0.05)
    return True


def test_many_half_open_connections_keep_no_worker_out(pool):
    crowd = [socket.create_connection(pool.address) for _ in range(3 * MOST_STRANGERS)]
    dial(pool, echo)
    assert pool.submit("render", {"value": 3}, "scene").result(10).body["value"] == 3
    for sock in crowd:
        sock.close()


def test_an_answer_to_another_job_is_not_believed(pool):
    """One that answers twice would shift all answers by one."""

    def twice(message):
        return Message("frame", {"job": message.body["job"] - 1, "value": "of another"})

    futures = [pool.submit("render", {"value": i}, f"scene {i}") for i in range(3)]
    dial(pool, twice).join(10)
    dial(pool, echo)
    assert [f.result(10).body["value"] for f in futures] == [0, 1, 2]
    assert pool.lost_workers == 1


def test_an_answer_that_cannot_be_read_is_asked_for_elsewhere(pool):
    def number(answer):
        value = answer.body["value"]
        if not isinstance(value, int):
            raise ValueError("no number")
        return value

    dial(pool, lambda message: Message("frame", {"value": "x"}))
    future = pool.submit("render", {"value": 7}, "scene", number)
    dial(pool, echo)
    assert future.result(10) == 7


def test_a_workers_long_words_are_cut(pool):
    dial(pool, lambda _: Message("error", {"reason": "x" * 100_000, "traceback": "y" * 100_000}))
    with pytest.raises(RenderingError) as error:
        pool.submit("render", {"value": 1}, "scene").result(10)
    assert len(str(error.value)) < 20_000
