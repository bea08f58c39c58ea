"""Blender 3.4 with a window that nobody sees, and what it does there by a plan."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLENDER = "/usr/bin/blender"  # Debian's; the add-on's oldest


def lacking() -> str:
    """Why there can be no window here; empty when there can."""
    for program, package in ((BLENDER, "blender"), ("Xvfb", "xvfb")):
        if shutil.which(program) is None:
            return f"needs the Debian package {package}"
    try:
        found = subprocess.run(
            [BLENDER, "--version"], capture_output=True, text=True, timeout=60, check=True
        )
        python = subprocess.run(
            [BLENDER, "--background", "--factory-startup", "--python-expr", "import numpy"],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return f"Blender does not run here: {error}"
    if "No module named 'numpy'" in python.stderr + python.stdout:
        return "needs the Debian package python3-numpy"
    return "" if "Blender 3." in found.stdout else "needs Debian's Blender 3"


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A screen that nobody sees."""
    reason = lacking()
    if reason:
        pytest.skip(reason)
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x960x24", "-nolisten", "tcp"],
        pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as file:
        number = file.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for Blender with the add-on installed as a legacy add-on."""
    folder = tmp_path_factory.mktemp("scripts")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "blender_addon", folder / "addons" / "metasim", ignore=ignored)
    return folder


def in_blender(
    plan: dict,
    work: Path,
    display: str,
    scripts: Path,
    *options: str,
    size: tuple[int, int] = (1280, 960),
) -> dict:
    """What happens in a window of Blender's when it does as the plan says."""
    (work / "plan.json").write_text(json.dumps(plan))
    environment = {
        **os.environ,
        "DISPLAY": display,
        "METASIM_WINDOW_PLAN": str(work / "plan.json"),
        "BLENDER_USER_SCRIPTS": str(scripts),
        "BLENDER_USER_CONFIG": str(work / "config"),
    }
    began = time.monotonic()
    done = subprocess.run(
        [BLENDER, "--factory-startup", *options, "--window-geometry", "0", "0", *map(str, size),
         "--python", str(ROOT / "tests/ui/in_window.py")],
        env=environment, capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    path = Path(plan["folder"]) / "results.json"
    assert path.exists(), f"after {time.monotonic() - began:.0f} s: {done.stdout[-2000:]}"
    return json.loads(path.read_text())
