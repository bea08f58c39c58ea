"""The wheel holds all that the commands need, and works unpacked, away from any checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from wheel_building import ROOT, SHIPPED, build, expected_files

from metasim_backend.addon_package.archive import archive_bytes
from metasim_backend.cli import main
from metasim_backend.shipped_files import folders
from metasim_backend.shipped_files.grammars import shipped_grammars

# One process, because to import torch takes longer than all of it.
COMMANDS = """
import json, sys
from metasim_backend.cli import main
from metasim_backend.shipped_files import folders
for line in (
    "grammars",
    "grammars driving_photographs -o mine.yaml",
    "sample driving -n 2 -o scenes",
    "sample driving_photographs.yaml -o photographs",
    "sample mine.yaml -o mine",
    "gallery aerial2d -n 1 -o aerial.png",
    "addon build -o metasim.zip",
    "reproduce --list",
):
    assert main(line.split()) == 0, line
print(json.dumps([folders.is_checkout(), str(folders.SCENES), str(folders.ASSETS)]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_packages_scenes_and_assets_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        expected = expected_files()
        assert held == set(expected)
        assert all(archive.read(name) == path.read_bytes() for name, path in expected.items())
        about = {name.partition("/")[2] for name in set(archive.namelist()) - held}
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= about
    # Counted anew, so that a folder that moved does not go unseen.
    assert f"{SHIPPED}/scenes/driving.yaml" in held and len(shipped_grammars()) > 15
    assert f"{SHIPPED}/assets/readers/driving_320x192.pt" in held
    assert "metasim_backend/reporting/templates/run.html" in held
    assert "blender_addon/blender_manifest.toml" in held


def test_its_metadata_say_what_is_needed_on_each_python(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    wanted = {line.partition(": ")[2] for line in metadata.splitlines() if "Requires-Dist" in line}
    assert "bpy<4.6,>=4.5; (python_version == '3.11') and extra == 'bpy'" in wanted
    assert "bpy<5.3,>=5.2; (python_version == '3.13') and extra == 'bpy'" in wanted
    assert "numpy<2,>=1.26; python_version < '3.12'" in wanted


def test_it_works_unpacked_in_an_empty_folder(
    unpacked: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=empty,
        env=dict(os.environ, PYTHONPATH=str(unpacked)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    is_checkout, *places = json.loads(ran.stdout.splitlines()[-1])
    assert not is_checkout and all(Path(place).is_relative_to(unpacked) for place in places)
    assert str(ROOT) not in ran.stdout

    assert main(["sample", "driving", "-n", "2", "-o", str(tmp_path / "here")]) == 0
    for name in ("000000.json", "000001.json"):
        assert (empty / "scenes" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    # A copy extends the shipped grammar, which is not beside it.
    photographs, mine = (empty / n / "000000.json" for n in ("photographs", "mine"))
    assert photographs.read_bytes() == mine.read_bytes()
    assert (empty / "metasim.zip").read_bytes() == archive_bytes()
    assert (empty / "aerial.png").stat().st_size > 1000


def test_in_a_checkout_the_files_are_its_own():
    assert folders.is_checkout()
    assert folders.SCENES.samefile(ROOT / "scenes") and folders.ASSETS.samefile(ROOT / "assets")
    assert folders.licence() == (ROOT / "LICENSE").read_bytes()


def test_the_source_distribution_holds_the_tests_too_and_gives_the_same_wheel(
    wheel: Path, tmp_path: Path
):
    with tarfile.open(build("sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.glob("metasim_blender-*")
    for name in ("tests/conftest.py", "assets/make_catalogue.py", "docs/architecture.md"):
        assert (source / name).read_bytes() == (ROOT / name).read_bytes()
    assert not {".venv", "runs", "dist"} & {path.name for path in source.iterdir()}
    assert build("wheel", tmp_path / "again", source).read_bytes() == wheel.read_bytes()
