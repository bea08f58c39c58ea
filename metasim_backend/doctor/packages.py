"""Python, the installed packages and whether torch, torchvision and bpy really work.

torch and bpy crash in one process and are slow to import, so each is tried in a process of its
own, within a time limit.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

from metasim_backend.doctor.findings import Finding
from metasim_backend.shipped_files.folders import DISTRIBUTION, is_checkout

BPY_OF_PYTHON = {(3, 11): "4.5", (3, 13): "5.2"}
"""Blender's module by the Python that it runs on; pyproject.toml asks for the same."""
EXTRAS = ("", "bpy")
"""Of the distribution; what the others need may be missing."""
INSTALL = f"pip install '{DISTRIBUTION}[bpy]'"
SET_UP = "run: make set-up" if is_checkout() else f"run: {INSTALL}"
ANEW = (
    "run: make clean-venv set-up"
    if is_checkout()
    else f"in a new virtual environment, run: {INSTALL}"
)
TIME_LIMIT = 180.0

_TRY_TORCH = """
import json, torch, torchvision
boxes = torch.tensor([[0., 0., 10., 10.], [1., 1., 10., 10.], [20., 20., 30., 30.]])
kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist()
devices = []
if torch.cuda.is_available():
    for i in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(i)
        devices.append([p.name, p.total_memory])
print(json.dumps({"kept": kept, "devices": devices, "threads": torch.get_num_threads()}))
"""

_TRY_BPY = """
import json, sys, bpy
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.device = "CPU"
scene.render.resolution_x = scene.render.resolution_y = 16
scene.render.resolution_percentage = 100
scene.render.filepath = sys.argv[-1] + "/picture.png"
bpy.ops.render.render(write_still=True)
picture = bpy.data.images.load(scene.render.filepath)
print("\\n" + json.dumps({"version": bpy.app.version_string, "size": list(picture.size),
                          "brightest": max(picture.pixels[:])}))
"""


@dataclass(frozen=True)
class Trial:
    """How a script in a process of its own ended: its last line as JSON, or why there is none."""

    result: dict | None
    problem: str = ""


def try_script(script: str, arguments: Sequence[str] = (), time_limit: float = TIME_LIMIT) -> Trial:
    """Run a Python script whose last line of output is JSON; never raises."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=time_limit,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Trial(None, f"no answer within {time_limit:.0f} s")
    except OSError as error:
        return Trial(None, str(error))
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode == 0 and lines:
        try:
            return Trial(json.loads(lines[-1]))
        except json.JSONDecodeError as error:
            return Trial(None, f"unreadable answer: {error}")
    last = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    ended = f"killed by signal {-done.returncode}" if done.returncode < 0 else "no output"
    return Trial(None, last[-1] if last else ended)


def find_python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """Whether there is a module bpy for this Python."""
    detail = f"{sys.version.split()[0]} at {sys.executable}"
    if version in BPY_OF_PYTHON:
        return Finding("Python", True, f"{detail}, for bpy {BPY_OF_PYTHON[version]}")
    those = " or ".join(".".join(map(str, one)) for one in BPY_OF_PYTHON)
    return Finding(
        "Python",
        False,
        f"{detail}, for which there is no bpy",
        f"give an installed Blender with --blender PATH, or take Python {those} and {ANEW}",
    )


def find_packages(distribution: str = DISTRIBUTION) -> Finding:
    """Whether everything that the distribution requires is installed, extra ``bpy`` included."""
    try:
        from packaging.requirements import Requirement

        requirements = [Requirement(text) for text in metadata.requires(distribution) or []]
    except metadata.PackageNotFoundError:
        return Finding("packages", False, f"{distribution} is not installed", SET_UP)
    except ImportError:
        return Finding("packages", False, "missing: packaging", SET_UP)
    there, missing = [], []
    for one in requirements:
        marker = one.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in EXTRAS):
            continue  # for another Python, or an extra that need not be there
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            missing.append(one.name)
            continue
        if one.specifier.contains(version, prereleases=True):
            there.append(f"{one.name} {version}")
        else:
            missing.append(f"{one.name} {one.specifier} (here is {version})")
    if missing:
        return Finding("packages", False, f"missing: {', '.join(missing)}", SET_UP)
    return Finding("packages", True, ", ".join(sorted(there, key=str.lower)))


def find_torch_pair() -> Finding:
    """Whether torch is the very release that torchvision was built against."""
    try:
        have = metadata.version("torch")
        vision = metadata.version("torchvision")
        requirements = metadata.requires("torchvision") or []
    except metadata.PackageNotFoundError as error:
        return Finding("torch pair", False, f"{error.name} is not installed", SET_UP)
    detail = f"torch {have}, torchvision {vision}"
    for requirement in requirements:
        match = re.match(r"torch\s*\(?==\s*([0-9.]+)", requirement)
        if match and match[1] != have.split("+")[0]:
            return Finding(
                "torch pair",
                False,
                f"{detail}, which was built for torch {match[1]}",
                f"install the matching pair: pip install torch=={match[1]} torchvision=={vision}",
            )
    return Finding("torch pair", True, detail)


def find_torch(time_limit: float = TIME_LIMIT) -> tuple[Finding, ...]:
    """Whether torchvision's compiled operators run, and which GPUs torch sees."""
    trial = try_script(_TRY_TORCH, time_limit=time_limit)
    if trial.result is None:
        remedy = f"torch and torchvision must be a matching pair; {ANEW}"
        return (Finding("torchvision.ops.nms", False, trial.problem, remedy),)
    right = trial.result["kept"] == [0, 2]
    works = Finding(
        "torchvision.ops.nms",
        right,
        "works" if right else f"kept boxes {trial.result['kept']} instead of [0, 2]",
        "" if right else f"torch and torchvision must be a matching pair; {ANEW}",
    )
    devices = [f"{name}, {memory / 2**30:.0f} GiB" for name, memory in trial.result["devices"]]
    gpu = Finding("GPU", True, "; ".join(devices) or "none that torch sees; a run uses the CPU")
    return works, gpu


def find_bpy(time_limit: float = TIME_LIMIT) -> Finding:
    """Whether the bpy module imports and Cycles renders a picture that is not black."""
    with tempfile.TemporaryDirectory(prefix="metasim-doctor-") as folder:
        trial = try_script(_TRY_BPY, [folder], time_limit=time_limit)
    if trial.result is None:
        remedy = (
            "mend the system libraries first, if any is missing; otherwise give an installed "
            f"Blender with --blender PATH, or {ANEW}"
        )
        return Finding("bpy renders", False, trial.problem, remedy)
    right = trial.result["size"] == [16, 16] and trial.result["brightest"] > 0
    detail = f"bpy {trial.result['version']}, Cycles on the CPU"
    if not right:
        return Finding("bpy renders", False, f"{detail}: a black picture", ANEW)
    return Finding("bpy renders", True, detail)
