"""What a hostile user does to the commands: two at once, names and numbers without bounds, folders
in which nothing can be written, a full disk. Each is a sentence, before any long work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from command_inputs import GRAMMAR, contents
from PIL import Image

from metasim_backend.cli import main
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.sample_files import LONGEST_STEM, distinct_stems
from metasim_backend.datasets.targets import split
from metasim_backend.datasets.writers.writer import open_writer

FLAT = GRAMMAR.parent / "aerial2d.yaml"
ENDLESS = "9" * 5000


@pytest.fixture
def said(capsys, monkeypatch):
    """Run a command; its exit code and what it wrote to standard error."""
    monkeypatch.setenv("METASIM_TOKEN", "a secret")

    def run(*arguments: object) -> tuple[int, str]:
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def refused(said):
    def check(*arguments: object, names: str) -> str:
        code, complaint = said(*arguments)
        assert code == 2 and complaint.count("\n") == 1 and "Traceback" not in complaint
        assert names in complaint and len(complaint) < 1000, complaint
        return complaint

    return check


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["generate", GRAMMAR, "-n", 2_000_000, "-o", "x"], "at most 1000000 frames"),
        (["generate", GRAMMAR, "-n", ENDLESS, "-o", "x"], "-n"),
        (["generate", GRAMMAR, "-n", "²", "-o", "x"], "'²'"),
        (["generate", FLAT, "-n", 1, "-o", "x", "--size", f"{ENDLESS}x4"], "--size '99"),
        (["generate", FLAT, "-n", 1, "-o", "x", "--size", "6²x4"], "--size '6²x4'"),
        (["generate", FLAT, "-n", 1, "-o", "x", "--listen", "host:²"], "'host:²'"),
        (["generate", FLAT, "-n", 1, "-o", "x", "--listen", f"host:{ENDLESS}"], "[IPV6]:PORT"),
        (["worker", "--connect", "host:²"], "'host:²'"),
        (["worker", "--connect", "host:5", "--threads", "-3"], "--threads"),
        (["serve", "--port", "²"], "'²'"),
        (["serve", "--token-file", FLAT, "--host", "ä" * 100], "Cannot listen"),
        (["sample", GRAMMAR, "-n", ENDLESS, "-o", "x"], "-n"),
    ],
)
def test_a_number_or_address_without_bounds(refused, tmp_path, monkeypatch, arguments, names):
    monkeypatch.chdir(tmp_path)
    refused(*arguments, names=names)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["9" * 400, ENDLESS, "1e999", "nan"])
@pytest.mark.parametrize("name", ["match.steps", "match.learning_rate", "seed"])
def test_a_setting_without_bounds(tmp_path, target, said, number, name):
    if name == "seed" and number == "9" * 400:
        return  # any whole number is one
    if name == "match.learning_rate" and number == "9" * 400:
        number = "1e400"
    code, complaint = said(
        "train", FLAT, "--target", target, "--run", tmp_path / "r", "--set", f"{name}={number}"
    )
    assert code == 2 and f"'{name}'" in complaint and len(complaint) < 1000
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("length", [200, 251])
def test_a_file_whose_name_is_as_long_as_names_can_be(tmp_path, length, said):
    path = tmp_path / f"{'a' * length}.png"
    assert said("gallery", FLAT, "-n", 1, "-o", path)[0] == 0
    assert path.is_file() and list(tmp_path.iterdir()) == [path]


def test_stems_are_never_alike_nor_too_long():
    assert distinct_stems(["a", "b", "a", "a_2", "a"]) == ["a", "b", "a_2", "a_2_2", "a_3"]
    long = distinct_stems(["ä" * 200] * 3)
    assert len(set(long)) == 3
    assert all(len(os.fsencode(stem)) < LONGEST_STEM + 5 for stem in long)


# Where nothing can be written ------------------------------------------------------------------


@pytest.fixture
def closed_folder(tmp_path, monkeypatch):
    """A folder on a disk that takes nothing, as the system reports it also to root."""
    folder = tmp_path / "closed"
    folder.mkdir()
    access, opened, make = os.access, os.open, os.mkdir

    def below(path) -> bool:
        return isinstance(path, str | Path) and str(path).startswith(str(folder))

    def refuse(path):
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(
        os, "access", lambda path, mode, **how: access(path, mode, **how) and not below(path)
    )
    monkeypatch.setattr(
        os,
        "open",
        lambda path, flags, *more, **how: (
            refuse(path)
            if below(path) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            else opened(path, flags, *more, **how)
        ),
    )
    monkeypatch.setattr(
        os, "mkdir", lambda path, *more, **how: refuse(path) if below(path) else make(path, *more)
    )
    return folder


OUTPUTS = {
    "train": lambda out, at: ["train", FLAT, "--target", at / "target", "--run", out],
    "reader": lambda out, at: ["reader", GRAMMAR, "-o", at / "r.pt", "--run", out],
    "reader's file": lambda out, at: ["reader", GRAMMAR, "-o", out, "--run", at / "r"],
    "demo": lambda out, at: ["demo", "--run", out],
    "sample": lambda out, at: ["sample", FLAT, "-o", out],
    "generate": lambda out, at: ["generate", FLAT, "-n", 1, "-o", out],
    "gallery": lambda out, at: ["gallery", FLAT, "-o", out],
    "camera": lambda out, at: ["camera", "fit", at / "target", "-o", out],
    "detector train": lambda out, at: ["detector", "train", GRAMMAR, "-o", out],
    "reproduce's file": lambda out, at: ["reproduce", "aerial2d", "-o", out, "--run", at / "r"],
    "reproduce": lambda out, at: ["reproduce", "aerial2d", "-o", at / "r.json", "--run", out],
    "addon": lambda out, at: ["addon", "build", "-o", out],
    "serve": lambda out, at: ["serve", "--token-file", FLAT, "--ready-file", out],
}


@pytest.mark.parametrize("command", OUTPUTS)
def test_what_cannot_be_written_is_said_first(
    closed_folder, refused, tmp_path, target, monkeypatch, command
):
    def too_late(*_, **__):
        raise AssertionError("work was begun")

    for work in ("rendering.workers.WorkerPool.__init__", "rendering.sprites.renderer.draw"):
        monkeypatch.setattr(f"metasim_backend.{work}", too_late, raising=False)
    refused(*OUTPUTS[command](closed_folder / "out", tmp_path), names=str(closed_folder))


def test_a_run_in_which_nothing_can_be_written_is_not_gone_on_with(begun_run, refused, monkeypatch):
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != begun_run and access(path, mode)
    )
    before = contents(begun_run)
    said = refused("train", "--run", begun_run, "--resume", names=str(begun_run))
    assert "Nothing can be written" in said and contents(begun_run) == before


# Two at once -----------------------------------------------------------------------------------


def test_a_data_set_has_one_writer_at_a_time(tmp_path, said):
    output = tmp_path / "out"
    other = open_writer("coco", output, job={})
    with other.owned():
        code, complaint = said("render", scene(tmp_path), "-o", output, "--force")
        assert code == 2 and "is in use by another metasim" in complaint
        with (
            pytest.raises(DatasetError, match="in use"),
            open_writer("coco", output, job={}).owned(),
        ):
            pass
    with other.owned():
        pass


def scene(folder: Path) -> Path:
    assert main(["sample", str(FLAT), "-o", str(folder / "scenes"), "--force"]) == 0
    return folder / "scenes/000000.json"


@pytest.mark.slow
def test_several_that_write_one_data_set_at_once_leave_it_whole(tmp_path):
    """One of them does the work; the others say so, or find it done."""
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    generate = [sys.executable, "-m", "metasim_backend", "generate", str(FLAT), "-n", "12", "-o"]
    codes = []

    def start():
        done = subprocess.run([*generate, str(shared)], capture_output=True, text=True)
        codes.append(done.returncode)
        assert "Traceback" not in done.stderr

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 in codes and set(codes) <= {0, 2}
    assert main([*generate[3:], str(whole)]) == 0
    assert contents(shared) == contents(whole)


# Several bad files -----------------------------------------------------------------------------


def test_all_bad_scene_graphs_are_told_at_once_or_left_out(tmp_path, said):
    good = scene(tmp_path)
    bad = []
    for number, text in enumerate(("", "{", json.dumps({"version": 9}))):
        bad.append(tmp_path / f"bad_{number}.json")
        bad[-1].write_text(text)
    code, complaint = said("render", *bad, good, "-o", tmp_path / "out")
    assert code == 2 and "3 of 4 files cannot be used" in complaint
    assert all(path.name in complaint for path in bad) and not (tmp_path / "out").exists()
    code, complaint = said("render", *bad, good, "-o", tmp_path / "out", "--skip-bad")
    assert code == 0 and all(path.name in complaint for path in bad)
    assert len(list((tmp_path / "out/images").iterdir())) == 1


# Names -----------------------------------------------------------------------------------------


def test_a_split_of_names_that_are_not_utf8():
    names = [f"\udcfe{number}.png" for number in range(9)]
    assert sorted(name for part in split(names) for name in part) == sorted(names)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="names are text there")
def test_names_that_are_not_utf8_are_used_like_others(tmp_path, said):
    source = np.random.default_rng(0)
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/stra\xdfe"))
    folder.mkdir()
    for number in range(8):
        pixels = source.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / os.fsdecode(b"\xfe%d.png" % number))
    small = ["features.scenes=8", "features.epochs=1", "pretrain.steps=1", "pretrain.scenes=4"]
    small += ["match.steps=1", "match.batch=2", "match.report_every=0", "evaluation.scenes=2"]
    run = folder / os.fsdecode(b"run\xfe")
    train = ["train", FLAT, "--target", folder, "--run", run]
    for setting in small:
        train += ["--set", setting]
    assert said(*train)[0] == 0
    assert (run / "report.html").is_file()
    assert said("train", "--run", run, "--resume")[0] == 0
    assert said("generate", run, "-n", 2, "-o", folder / os.fsdecode(b"set\xfe"))[0] == 0
