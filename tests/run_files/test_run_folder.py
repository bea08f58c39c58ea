"""A run has one owner at a time: two that go on with it would double its steps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.run_files.run_folder import RunFolder, RunFolderError

OWNS = """
import sys, time
from pathlib import Path
from metasim_backend.run_files.run_folder import RunFolder
with RunFolder.open(Path(sys.argv[1])).owned():
    print("owned", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", {"settings": {}})


@pytest.fixture
def owner(run):
    """Another process that has the run."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNS, str(run.path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "owned\n"
        yield process
        process.kill()


def test_a_run_that_another_process_has_is_refused_by_name_and_number(run, owner):
    with pytest.raises(RunFolderError, match=rf"in use by .*\(process {owner.pid}\)"):
        run.check_unused()
    # Nor is it replaced under the other's hands.
    with pytest.raises(RunFolderError, match="in use"):
        RunFolder.create(run.path, {"settings": {"seed": 2}}, force=True)
    assert run.read_config() == {"settings": {}}


def test_a_process_that_was_killed_owns_nothing(run, owner):
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    with run.owned():
        assert (run.path / "lock").read_text() == str(os.getpid())


def test_the_owner_may_have_it_again_and_replace_it(run):
    with run.owned():
        pass
    run.check_unused()
    assert RunFolder.create(run.path, {"settings": {"seed": 2}}, force=True).read_config()


@pytest.mark.parametrize("content", [b"", b"no tensors", b"PK\3\4" + bytes(100)])
def test_a_checkpoint_that_cannot_be_read_is_named(run, content):
    run.save_checkpoint({})
    (run.checkpoints / "last.pt").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"The checkpoint .*last\.pt cannot be read"):
        run.load_checkpoint()


def test_a_checkpoint_of_something_else_is_named(run):
    write_tensors(run.checkpoints / "last.pt", [1, 2])
    with pytest.raises(RunFolderError, match=r"last\.pt holds a list"):
        run.load_checkpoint()
    with (
        pytest.raises(RunFolderError, match=r"last\.pt is not as this version writes it"),
        run.used(),
    ):
        raise KeyError("transformer")
    with pytest.raises(RunFolderError, match="our own"), run.used():
        raise RunFolderError("our own")
