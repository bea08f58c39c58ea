"""Files are whole or not there; a full disk is told with the file's name, and nothing is left."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from metasim_backend.run_files import atomic_files
from metasim_backend.run_files.atomic_files import write_tensors, write_text

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


@pytest.fixture
def full_disk(monkeypatch):
    """Every write meets a full disk: the kernel's own, not one of ours."""
    fdopen = os.fdopen

    def opened(handle, mode):
        os.dup2(os.open(FULL, os.O_WRONLY), handle)
        return fdopen(handle, mode)

    monkeypatch.setattr(atomic_files.os, "fdopen", opened)


@needs_full
@pytest.mark.parametrize("write", ["text", "tensors"])
def test_a_full_disk_names_the_file_and_keeps_what_was_there(tmp_path, full_disk, write):
    path = tmp_path / "last.pt"
    path.write_text("before")
    with pytest.raises(OSError) as raised:
        if write == "text":
            write_text(path, "x" * 100_000)
        else:
            write_tensors(path, {"weights": torch.rand(300, 300)})
    assert raised.value.errno == errno.ENOSPC and raised.value.filename == str(path)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_tensors_come_back(tmp_path):
    content = {"state": {"weights": torch.rand(3, 4)}, "step": 5}
    write_tensors(tmp_path / "a" / "last.pt", content)
    back = torch.load(tmp_path / "a" / "last.pt", weights_only=True)
    assert torch.equal(back["state"]["weights"], content["state"]["weights"]) and back["step"] == 5
