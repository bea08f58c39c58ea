"""No model harms: of a damaged .obj, .glb, .gltf or .blend there is a sentence or a mesh.

Blender's own readers may end their process on some; the worker pool then says so of the worker.
"""

from __future__ import annotations

import collections
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from forked_commands import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed"),
]
PROGRAM = Path(__file__).with_name("model_process.py")
SILENCE = 300.0
"""Seconds without a word after which a process hangs."""


def test_no_model_harms(tmp_path, how_many, record, seed):
    count = how_many("models", 60, 20_000)
    told: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    harm = []
    first = starts = 0
    while first < count:
        starts += 1
        done = subprocess.run(
            [sys.executable, PROGRAM, tmp_path, str(seed), str(first), str(count)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=SILENCE + 20 * (count - first),
        )
        file, open_case = "", None
        for line in done.stdout.splitlines():
            said = json.loads(line)
            if "begins" in said:
                file, open_case = said["file"], said["begins"]
                continue
            open_case = None
            if said["told"] in ("result", "sentence"):
                told[Path(file).suffix][said["told"]] += 1
            else:
                harm.append(f"{file} {said}")
        assert open_case is not None or done.returncode == 0, done.stderr[-3000:]
        if open_case is None:
            break
        told[Path(file).suffix][f"ended Blender ({done.returncode})"] += 1
        first = open_case + 1
    assert not harm, "\n".join(harm[:5])
    ended = sum(n for words in told.values() for word, n in words.items() if "ended" in word)
    assert ended <= max(1, count / 100), told
    record("models", count, outcomes={k: dict(v) for k, v in told.items()}, starts=starts)
