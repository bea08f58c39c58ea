"""Any process killed at any moment loses nothing: resumed, a run gives the parameters, and a data
set the bytes, that they would have had."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forked_commands import DISK_CALLS, ROOT, Commands, Death, kill_at_some_moment
from small_runs import FLAT, SETTINGS, contents, same_measurements, same_parameters, training

psutil = pytest.importorskip("psutil", reason="finds the processes of a run")
FRAMES = 24


def tear(run: Path, source: random.Random) -> None:
    """Cut the last line that was appended, as a machine does that loses its power."""
    metrics = run / "metrics.jsonl"
    if metrics.exists() and (data := metrics.read_bytes()):
        metrics.write_bytes(data[: -source.randrange(1, min(40, len(data)) + 1)])


def go_on(commands: Commands, target: Path, run: Path, death: Death | None = None) -> int:
    """Resume a run, or begin it where it was killed before there was anything."""
    begun = (run / "config.yaml").exists()
    if not begun:
        shutil.rmtree(run, ignore_errors=True)
    arguments = ["train", "--run", run, "--resume"] if begun else training(target, run)
    return commands.start(*arguments, death=death)


@pytest.mark.slow
def test_a_run_that_is_killed_at_random_moments_is_the_same(
    commands, target, whole, tmp_path, how_many, record, seed
):
    count, source = how_many("kills", 3, 100), random.Random(seed)
    reference, seconds = whole
    kills = runs = 0
    while kills < count:
        run = tmp_path / f"run_{runs}"
        runs += 1
        torn = source.random() < 0.3
        pid = commands.start(*training(target, run))
        while kills < count and kill_at_some_moment(commands, pid, seconds, source):
            kills += 1
            if torn:
                tear(run, source)
            pid = go_on(commands, target, run)
        assert commands.wait(pid) == 0, commands.said()
        same_parameters(reference, run)
        if not torn:
            same_measurements(reference, run)
        assert (run / "report.html").stat().st_size > 10_000
        shutil.rmtree(run)
    record("killed runs", kills, runs=runs, at="random moments")


def test_a_run_that_is_killed_at_a_change_of_the_disk_is_the_same(
    commands, target, whole, tmp_path, how_many, record, seed
):
    """Before and after every call that changes files: as many of them as there is time for."""
    most, source = how_many("disk_kills", 1, 100), random.Random(seed)
    assert commands.run(*training(target, tmp_path / "run")) == 0, commands.said()
    changes = commands.changes()
    assert all(changes[call] for call in ("fsync", "replace", "mkdir"))
    every = [Death(call, n) for call, times in changes.items() for n in range(1, times + 1)]
    source.shuffle(every)
    kills = dict.fromkeys(DISK_CALLS, 0)
    for number, death in enumerate(every[:most]):
        run = tmp_path / f"run_{number}"
        assert commands.run(*training(target, run), death=death) == -signal.SIGKILL
        kills[death.call] += 1
        # Resumed, it is killed once more at another such moment, then left alone.
        again = Death(death.call, source.randrange(1, 12))
        if commands.wait(go_on(commands, target, run, again)) == -signal.SIGKILL:
            kills[death.call] += 1
        assert commands.wait(go_on(commands, target, run)) == 0, commands.said()
        same_parameters(whole[0], run)
        same_measurements(whole[0], run)
        shutil.rmtree(run)
    record(
        "killed runs", sum(kills.values()), at="changes of the disk", calls=kills, changes=changes
    )


@pytest.mark.parametrize(
    "form",
    ["coco", *(pytest.param(form, marks=pytest.mark.slow) for form in ("kitti", "yolo"))],
)
def test_a_data_set_that_is_killed_at_random_moments_has_the_same_bytes(
    commands, whole, tmp_path, how_many, record, seed, form
):
    count, source = how_many("data_set_kills", 1, 60), random.Random(f"{seed}/{form}")
    generate = ["generate", whole[0], "-n", FRAMES, "--format", form, "-o"]
    started = time.monotonic()
    assert commands.run(*generate, tmp_path / "whole") == 0, commands.said()
    seconds, expected = time.monotonic() - started, contents(tmp_path / "whole")
    kills = sets = 0
    while kills < count:
        output = tmp_path / f"set_{sets}"
        sets += 1
        while True:
            if kills < count and source.random() < 0.5:  # at a change of the disk
                death = Death(source.choice(DISK_CALLS), source.randrange(1, 3 * FRAMES))
                code = commands.run(*generate, output, death=death)
            else:
                pid = commands.start(*generate, output)
                killed = kills < count and kill_at_some_moment(commands, pid, seconds, source)
                code = -signal.SIGKILL if killed else commands.wait(pid)
            if code == 0:
                break
            assert code == -signal.SIGKILL, commands.said()
            kills += 1
        assert contents(output) == expected
        shutil.rmtree(output)
    record("killed data sets", kills, sets=sets, form=form)


# With Blender, and through the panel's server ----------------------------------------------------

BLENDER = {
    "rendering.width": 48,
    "rendering.height": 32,
    "features.network": "prior",
    "features.scenes": 6,
    "features.epochs": 1,
    "pretrain.steps": 2,
    "pretrain.scenes": 4,
    "match.estimator": "gradient",
    "match.steps": 2,
    "match.batch": 2,
    "match.report_every": 0,
    "evaluation.scenes": 2,
    "evaluation.pictures": 1,
}


def started(*arguments: object, folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "metasim_backend", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def below(pid: int) -> list:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed")
def test_a_run_with_blender_of_which_anything_is_killed_is_the_same(
    tmp_path, target, how_many, record, seed
):
    """The backend, or one of its workers, at random moments."""
    count, source = how_many("blender_kills", 2, 10), random.Random(seed)
    options = [word for k, v in BLENDER.items() for word in ("--set", f"{k}={v}")]
    grammar = ROOT / "scenes/driving.yaml"
    train = ["train", grammar, "--target", target, *options, "--workers", 2, "--run"]
    began = time.monotonic()
    undisturbed = started(*train, tmp_path / "whole", folder=tmp_path)
    assert undisturbed.wait(900) == 0, undisturbed.communicate()[1]
    seconds = time.monotonic() - began
    kills = {"backend": 0, "worker": 0}
    runs = 0
    while sum(kills.values()) < count:
        run = tmp_path / f"run_{runs}"
        runs += 1
        process = started(*train, run, folder=tmp_path)
        while process.poll() is None and sum(kills.values()) < count:
            try:
                process.wait(source.uniform(0, seconds))
                break
            except subprocess.TimeoutExpired:
                pass
            workers = below(process.pid)
            if workers and source.random() < 0.5:
                source.choice(workers).kill()
                kills["worker"] += 1
                continue
            process.kill()
            process.communicate()
            kills["backend"] += 1
            gone = psutil.wait_procs(workers, timeout=60)[1]
            assert gone == []  # workers leave by themselves
            begun = (run / "config.yaml").exists()
            again = ["train", "--run", run, "--resume", "--workers", 2] if begun else [*train, run]
            if not begun:
                shutil.rmtree(run, ignore_errors=True)
            process = started(*again, folder=tmp_path)
        assert process.wait(900) == 0, process.communicate()[1]
        same_parameters(tmp_path / "whole", run)
    record("killed runs with Blender", sum(kills.values()), runs=runs, **kills)


@pytest.mark.slow
def test_a_run_whose_panels_server_is_killed_is_the_same(
    commands, target, whole, tmp_path, how_many, record, seed
):
    from blender_addon.contract import panel, wire

    count, source = how_many("server_kills", 1, 10), random.Random(seed)
    token = "a token of the torture tests"
    (tmp_path / "token").write_text(token)
    for number in range(count):
        ready, run = tmp_path / f"ready_{number}", tmp_path / f"run_{number}"
        server = started("serve", "--token-file", tmp_path / "token", "--ready-file", ready,
                         folder=tmp_path)  # fmt: skip
        while not ready.exists():
            assert server.poll() is None
            time.sleep(0.02)
        told = json.loads(ready.read_text())
        with wire.connect((told["host"], told["port"]), token) as connection:
            connection.send(panel.hello("0.1.0", "4.5.0"))
            panel.read_welcome(connection.receive(wait=20))
            overrides = [f"{k}={v}" for k, v in SETTINGS.items()]
            connection.send(
                panel.request(
                    "train_start", 1, run=str(run), grammar=str(FLAT), target=str(target),
                    overrides=overrides,
                )
            )  # fmt: skip
            while panel.read_answer(connection.receive(wait=60)).id != 1:
                pass
            children = below(server.pid)
            time.sleep(source.uniform(0, 12))
            if source.random() < 0.3:  # while it is paused
                connection.send(panel.request("train_pause", 2))
                time.sleep(0.3)
            server.kill()
        server.communicate()
        assert psutil.wait_procs(children, timeout=60)[1] == []
        assert commands.wait(go_on(commands, target, run)) == 0, commands.said()
        same_parameters(whole[0], run)
    record("killed panel's servers", count)
