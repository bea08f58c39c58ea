"""What the system refuses, or does oddly: a full or read-only disk, a quota, a clock that jumps, no
shared memory, a slow network, names of any length. A sentence, or slower work; nothing is lost."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from slow_relay import SlowRelay
from small_runs import contents, no_waste, same_parameters, training
from stand_in_worker import ROOT, frame_of

from blender_addon.contract import panel, wire
from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.workers import WorkerSettings

DELAY = 0.1
"""Seconds one way: 200 ms there and back."""
FRAMES = 12


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of its own, of a size or read-only; needs root."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> Path:
        again = ["-o", f"remount,{options}"] if os.path.ismount(place) else ["-o", options]
        done = subprocess.run(["mount", "-t", "tmpfs", *again, "tmpfs", place], capture_output=True)
        if done.returncode:
            pytest.skip("no disk can be mounted here")
        return place

    yield mount
    if os.path.ismount(place):
        subprocess.run(["umount", "-l", place], check=True)


def one_sentence(said: str) -> str:
    lines = [line for line in said.splitlines() if line.startswith("metasim: ")]
    assert len(lines) == 1 and "Traceback" not in said, said
    return lines[0]


@pytest.mark.slow
def test_a_run_on_a_disk_that_is_full_ends_with_a_sentence_and_goes_on_with_room(
    commands,
    target,
    whole,
    disk,
    how_many,
    record,
):
    """The disk is full at another file each time."""
    most = how_many("full_disks", 2, 12)
    ended = 0
    size = sum(path.stat().st_size for path in whole[0].rglob("*") if path.is_file())
    for number in range(most):
        place = disk(f"size={max(16, size * (number + 1) // (most + 1) // 1024)}k")
        run = place / "run"
        code = commands.run(*training(target, run))
        if code == 0:
            continue
        assert code == 1, commands.said()
        assert "No space left on device" in one_sentence(commands.said())
        disk("size=64m")
        begun = (run / "config.yaml").exists()
        if not begun:
            shutil.rmtree(run, ignore_errors=True)
        resumed = ["train", "--run", run, "--resume"] if begun else training(target, run)
        assert commands.run(*resumed) == 0, commands.said()
        same_parameters(whole[0], run)
        no_waste(run)
        shutil.rmtree(run)
        ended += 1
    record("full disks", ended)


@pytest.mark.slow
def test_a_data_set_on_a_full_disk_is_completed_with_room(
    commands,
    whole,
    disk,
    tmp_path,
):
    generate = ["generate", whole[0], "-n", FRAMES, "-o"]
    assert commands.run(*generate, tmp_path / "whole") == 0
    place = disk("size=120k")
    assert commands.run(*generate, place / "set") == 1
    assert "No space left" in one_sentence(commands.said())
    disk("size=8m")
    assert commands.run(*generate, place / "set") == 0, commands.said()
    assert contents(place / "set") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_a_disk_that_takes_nothing_is_said_at_once(commands, target, whole, disk):
    place = disk("size=8m")
    shutil.copytree(whole[0], place / "run")
    disk("ro,size=8m")
    for arguments in (
        ["train", "--run", place / "run", "--resume"],
        training(target, place / "new"),
        [*training(target, place / "run"), "--force"],
        ["report", place / "run"],
        ["generate", whole[0], "-n", 2, "-o", place / "set"],
    ):
        assert commands.run(*arguments) == 2, commands.said()
        assert str(place) in one_sentence(commands.said())
        assert "begins" not in commands.said()
    disk("rw,size=8m")
    same_parameters(whole[0], place / "run")


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.ENOSPC, errno.EROFS])
def test_an_error_of_the_system_while_a_file_is_written_keeps_what_was_there(
    tmp_path, monkeypatch, number
):
    """Such as a quota that is used up: at the last moment, when all is written but not kept."""
    from metasim_backend.run_files.atomic_files import write_tensors, write_text

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "file"
    path.write_text("before")
    for call in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, refuse)
            for write in (lambda: write_text(path, "after"), lambda: write_tensors(path, {"a": 1})):
                with pytest.raises(OSError, match=os.strerror(number)) as raised:
                    write()
                assert raised.value.filename == str(path)
                assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_a_clock_that_jumps_changes_no_result(commands, target, whole, tmp_path):
    run = tmp_path / "run"
    pid = commands.start(*training(target, run), clock=True)
    assert commands.wait(pid) == 0, commands.said()
    same_parameters(whole[0], run)


@pytest.mark.slow
def test_a_run_without_shared_memory_is_the_same(target, whole, tmp_path):
    """In a world of its own in which /dev/shm takes nothing."""
    without = "mount -t tmpfs -o ro tmpfs /dev/shm && ! touch /dev/shm/x 2>/dev/null"
    if subprocess.run(["unshare", "--mount", "sh", "-c", without], capture_output=True).returncode:
        pytest.skip("shared memory cannot be taken away here")
    run = tmp_path / "run"
    words = " ".join(
        f"'{word}'" for word in (sys.executable, "-m", "metasim_backend", *training(target, run))
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{without}; exec {words}"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    same_parameters(whole[0], run)


@pytest.mark.slow
def test_a_run_in_folders_of_the_longest_names_is_the_same(
    commands,
    target,
    whole,
    tmp_path,
):
    pictures = tmp_path / ("p" * 255)
    pictures.mkdir()
    for number, path in enumerate(sorted(target.iterdir())):
        shutil.copy(path, pictures / f"{number:0251d}.png")
    run = tmp_path / ("ä" * 127)
    assert commands.run(*training(pictures, run)) == 0, commands.said()
    assert commands.run("train", "--run", run, "--resume") == 0, commands.said()
    output = tmp_path / ("d" * 255)
    assert commands.run("generate", run, "-n", 2, "-o", output) == 0, commands.said()
    no_waste(run)


# A slow network ---------------------------------------------------------------------------------


def test_jobs_over_a_slow_network_come_back_right(monkeypatch):
    """Workers that dial in from 200 ms away."""
    monkeypatch.setenv("STAND_IN_FAULTS", "")
    settings = RenderSettings(6, 4)
    scenes = [SceneGraph((Node("street", "street", None, {}),), seed=i) for i in range(8)]
    program = str(Path(__file__).with_name("stand_in_worker.py"))
    with BlenderRenderer(WorkerSettings(count=0, token="a token")) as renderer:
        relay = SlowRelay(renderer.pool.address, DELAY)
        environment = {**os.environ, "METASIM_TOKEN": "a token"}
        at = wire.address_text(relay.address)
        workers = [
            subprocess.Popen([sys.executable, program, "--connect", at], env=environment)
            for _ in range(2)
        ]
        frames = renderer.render(scenes, [settings] * len(scenes))
        lost = renderer.pool.lost_workers
    assert [worker.wait(60) for worker in workers] == [0, 0] and lost == 0
    relay.close()
    for number, frame in enumerate(frames):
        assert (frame.image == frame_of(number, 6, 4).image).all()


def test_a_panel_on_a_slow_network_is_served():
    from metasim_backend.serving.server import PanelServer

    server = PanelServer("127.0.0.1", 0, "a token")
    thread = threading.Thread(target=server.serve)
    thread.start()
    relay = SlowRelay((server.host, server.port), DELAY)
    try:
        with wire.connect(relay.address, "a token", timeout=60) as connection:
            connection.send(panel.hello("0.1.0", "4.5.0"))
            panel.read_welcome(connection.receive(wait=60))
            grammar = str(ROOT / "scenes/aerial2d.yaml")
            connection.send(panel.request("sample", 1, grammar=grammar, seed=1))
            reply = panel.read_answer(connection.receive(wait=60))
            while reply.id != 1:
                reply = panel.read_answer(connection.receive(wait=60))
            assert reply.body["scene"]["seed"] == 1
    finally:
        server.stop()
        thread.join(60)
        relay.close()
