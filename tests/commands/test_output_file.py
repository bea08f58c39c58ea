"""A file or folder that cannot be written is refused before any work, and nothing is touched."""

from __future__ import annotations

import pytest

from metasim_backend.cli import main
from metasim_backend.commands.options import UsageError, empty_folder, output_file


def test_a_new_file_in_a_new_folder_may_be_written(tmp_path):
    path = tmp_path / "a" / "b" / "sheet.png"
    assert output_file(path) == path and path.parent.is_dir() and not path.exists()
    assert list(path.parent.iterdir()) == []  # what was tried has left nothing


def test_what_is_there_is_kept_without_force(tmp_path):
    path = tmp_path / "sheet.png"
    path.write_text("mine")
    with pytest.raises(UsageError, match=r"sheet\.png is already there; replace it with --force"):
        output_file(path)
    assert output_file(path, force=True) == path and path.read_text() == "mine"


@pytest.mark.parametrize(
    ("given", "said"),
    [("", "is a folder; give the file"), ("file/sheet.png", "Cannot make the folder")],
)
def test_what_cannot_be_written_is_named(tmp_path, given, said):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=said):
        output_file(tmp_path / given)


def test_a_folder_that_takes_no_file_is_named(tmp_path, monkeypatch):
    def refused(*, dir):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(UsageError, match=f"Cannot write into the folder {tmp_path}: Read-only"):
        output_file(tmp_path / "sheet.png")
    with pytest.raises(UsageError, match="Read-only"):
        empty_folder(tmp_path)


def test_gallery_says_so_before_it_draws_a_scene(tmp_path, project_root, capsys):
    (tmp_path / "file").write_text("")
    grammar, output = project_root / "scenes/driving.yaml", tmp_path / "file" / "sheet.png"
    assert main(["gallery", str(grammar), "-o", str(output)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("metasim: Cannot make the folder") and said.err.count("\n") == 1
    assert said.out == ""
