"""The built zip in real Blenders: as an extension in 4.5 and 5.0, as a legacy add-on in 3.4.

Each Blender has settings of its own in a temporary folder. Name a Python that has bpy 5.0 in
METASIM_BPY50_PYTHON to test that too (a virtual environment with ``pip install bpy==5.0.*``).
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from blender_addon.contract import scene_graph
from metasim_backend.addon_package import installation
from metasim_backend.addon_package.archive import archive_bytes
from metasim_backend.cli import main
from metasim_backend.grammar import load_grammar, sample_scene

HERE = Path(__file__).resolve().parent
SCENES = HERE.parents[1] / "scenes"
BPY50 = "METASIM_BPY50_PYTHON"
SIGN = "INSTALLED_ADDON="


def bpy_module() -> str:
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy is not installed")
    return sys.executable


def bpy_5() -> str:
    python = os.environ.get(BPY50)
    if not python:
        pytest.skip(f"{BPY50} names no Python that has bpy 5.0")
    return python


def debians_blender() -> str:
    blender = shutil.which("blender")
    if blender is None:
        pytest.skip("there is no blender on the PATH; Debian's package is blender")
    said = subprocess.run([blender, "--version"], capture_output=True, text=True, check=True)
    version = said.stdout.split()[1]
    if not (3, 4) <= tuple(int(n) for n in version.split(".")[:2]) < (4, 2):
        pytest.skip(f"the blender on the PATH is {version}; legacy add-ons are for 3.4 to 4.1")
    return blender


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for all that a Blender keeps for its user."""
    folder = tmp_path / "blender"
    for name in ("RESOURCES", "CONFIG", "SCRIPTS", "EXTENSIONS", "DATAFILES"):
        below = folder if name == "RESOURCES" else folder / name.lower()
        below.mkdir(exist_ok=True)
        monkeypatch.setenv(f"BLENDER_USER_{name}", str(below))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return folder


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "scene.json"
    scene_graph.save(sample_scene(load_grammar(SCENES / "driving.yaml"), 3), path)
    return path


def run(command: list[str], *arguments: object) -> str:
    done = subprocess.run(
        [*command, "--", *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def said(output: str, sign: str) -> str:
    return next(line for line in output.splitlines() if line.startswith(sign))[len(sign) :]


def check(found: dict, settings: Path) -> None:
    assert Path(found["file"]).is_relative_to(settings)
    assert found["kept"], "the preferences keep that it is enabled"
    assert found["python"] == sys.executable
    assert found["added"] > 10 and found["objects"] > 20
    assert found["left"] == [] and found["again"]


@pytest.mark.parametrize("python_with_bpy", [bpy_module, bpy_5])
def test_the_zip_installs_as_an_extension(python_with_bpy, settings, scene, tmp_path):
    python = python_with_bpy()
    archive = tmp_path / "metasim.zip"
    archive.write_bytes(archive_bytes())
    script = str(installation.SCRIPT)
    for _ in range(2):  # again over itself, as an update does
        output = run([python, script], archive, sys.executable)
        assert said(output, installation.SIGN) == "bl_ext.user_default.metasim"
    output = run([python, str(HERE / "installed_addon.py")], "bl_ext.user_default.metasim", scene)
    found = json.loads(said(output, SIGN))
    assert found["version"] >= [4, 2, 0]
    check(found, settings)


def test_blenders_own_checker_accepts_the_zip(tmp_path):
    bpy_module()
    scripts = Path(importlib.util.find_spec("bpy").origin).parent
    checker = next(scripts.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    archive = tmp_path / "metasim.zip"
    archive.write_bytes(archive_bytes())
    done = subprocess.run(
        [sys.executable, str(checker), "validate", str(archive)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in (done.stdout + done.stderr).lower()


def test_the_zip_installs_as_a_legacy_addon(settings, scene, capsys):
    blender = debians_blender()
    for _ in range(2):
        assert main(["addon", "install", "--blender", blender, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"module": "metasim"}
    command = [blender, "--background", "--python-exit-code", "1"]
    output = run([*command, "--python", str(HERE / "installed_addon.py")], "metasim", scene)
    found = json.loads(said(output, SIGN))
    assert found["version"] < [4, 2, 0]
    check(found, settings)
