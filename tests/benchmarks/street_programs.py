"""Runs the programs that need bpy, ours and the one in BlenderProc, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def in_blender(request: dict, folder: Path, python: str = sys.executable) -> dict:
    answer = folder / "answer.json"
    program = Path(__file__).with_name("streets_in_blender.py")
    subprocess.run(
        [python, str(program), str(answer)],
        input=json.dumps(request), text=True, check=True, cwd=ROOT, timeout=1800,
    )  # fmt: skip
    return json.loads(answer.read_text())


def in_blenderproc(request: dict, folder: Path) -> dict:
    """Needs ``BLENDERPROC`` and ``BLENDERPROC_PYTHON`` in the environment."""
    asked, answer = folder / "request.json", folder / "theirs.json"
    asked.write_text(json.dumps(request))
    program = Path(__file__).with_name("streets_in_blenderproc.py")
    checkout, python = (os.environ[name] for name in ("BLENDERPROC", "BLENDERPROC_PYTHON"))
    subprocess.run(
        [python, str(program), str(asked), str(answer)],
        env={**os.environ, "USE_EXTERNAL_BPY_MODULE": "1", "PYTHONPATH": checkout},
        check=True, timeout=1800, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return json.loads(answer.read_text())
