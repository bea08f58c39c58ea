"""Building the wheel, for tests of what is in it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = "metasim_backend/shipped_files"


def build(target: str, folder: Path, source: Path = ROOT) -> Path:
    """The file that the build made out of the sources: a ``wheel`` or an ``sdist``."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed; run: make set-up")
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL)
    (built,) = folder.iterdir()
    return built


def expected_files() -> dict[str, Path]:
    """What must be in a wheel, by its name there: every file of the packages, scenes and assets."""
    packages = [
        path
        for package in ("blender_addon", "metasim_backend")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    files = {path.relative_to(ROOT).as_posix(): path for path in packages}
    shipped = [*(ROOT / "scenes").glob("*.yaml")]
    shipped += [ROOT / "assets/catalogue.json", ROOT / "assets/README.md"]
    shipped += [*(ROOT / "assets/aerial").iterdir(), *(ROOT / "assets/readers").iterdir()]
    return files | {f"{SHIPPED}/{path.relative_to(ROOT).as_posix()}": path for path in shipped}
