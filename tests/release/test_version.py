"""The version stands alike in every file, and is set in all of them by one command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import metasim_backend
from metasim_backend.cli import main
from release import version


@pytest.fixture
def copy(tmp_path: Path, project_root: Path) -> Path:
    for file in version.PLACES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project_root / file, tmp_path / file)
    return tmp_path


def test_every_file_says_the_version_that_the_program_says(capsys: pytest.CaptureFixture):
    assert set(version.versions().values()) == {metasim_backend.__version__}
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"metasim {metasim_backend.__version__}\n"


def test_one_call_sets_it_everywhere_and_changes_nothing_else(copy: Path):
    before = {file: (copy / file).read_text() for file in version.PLACES}
    version.set_version("12.0.7", copy)
    assert set(version.versions(copy).values()) == {"12.0.7"}
    assert '"version": (12, 0, 7),' in (copy / "blender_addon/__init__.py").read_text()
    version.set_version(metasim_backend.__version__, copy)
    assert {file: (copy / file).read_text() for file in version.PLACES} == before


@pytest.mark.parametrize("wrong", ["1.2", "v1.2.3", "1.2.3rc1", ""])
def test_what_is_no_version_changes_no_file(copy: Path, wrong: str):
    with pytest.raises(ValueError, match="form 1.2.3"):
        version.set_version(wrong, copy)
    assert set(version.versions(copy).values()) == {metasim_backend.__version__}


def test_a_file_without_it_is_named_before_any_is_written(copy: Path):
    (copy / "CITATION.cff").write_text("title: Meta-Sim\n")
    with pytest.raises(ValueError, match="CITATION.cff has no line"):
        version.set_version("9.9.9", copy)
    assert "9.9.9" not in (copy / version.SOURCE).read_text()


def test_a_copy_that_differs_fails_the_check(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    manifest = copy / "blender_addon/blender_manifest.toml"
    manifest.write_text(manifest.read_text().replace('\nversion = "', '\nversion = "9'))
    monkeypatch.setattr(version.versions, "__defaults__", (copy,))
    assert version.main([]) == 1
    assert "blender_manifest.toml says 9" in capsys.readouterr().err


def test_it_runs_as_a_script(project_root: Path):
    command = [sys.executable, project_root / ".ci/release/version.py"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == metasim_backend.__version__
