"""Libraries, an installed Blender, cores, memory, disk, sockets, weights and data."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from metasim_backend.doctor.findings import Finding
from metasim_backend.doctor.system_libraries import (
    BPY_LIBRARIES,
    SystemLibrary,
    SystemProgram,
    install_command,
    missing_libraries,
    missing_programs,
)

OLDEST_BLENDER = (3, 4)
_GIB = 2**30


def find_libraries(libraries: Sequence[SystemLibrary] = BPY_LIBRARIES) -> tuple[Finding, ...]:
    """One finding when all are there, else one for the required and one for the others."""
    missing = missing_libraries(libraries)
    findings = []
    for required in (True, False):
        lacking = [lib for lib in missing if lib.required is required]
        if lacking:
            names = ", ".join(f"{lib.soname} ({lib.needed_for})" for lib in lacking)
            command = install_command(list(dict.fromkeys(lib.package for lib in lacking)))
            findings.append(
                Finding("system libraries", False, f"missing: {names}", f"run: {command}", required)
            )
    if not findings:
        findings.append(Finding("system libraries", True, f"all {len(libraries)} that bpy needs"))
    return tuple(findings)


def find_window_programs(missing: Sequence[SystemProgram] | None = None) -> Finding:
    """What the tests of the add-on in a real window need; nothing else does."""
    lacking = missing_programs() if missing is None else missing
    if not lacking:
        detail = "Blender, Xvfb and xdotool are there"
        return Finding("window tests", True, detail, required=False)
    packages = [program.package for program in lacking]
    detail = f"missing: {', '.join(packages)}; the add-on's tests in a window are skipped"
    return Finding("window tests", False, detail, f"run: {install_command(packages)}", False)


def find_blender(program: str = "blender", time_limit: float = 60.0) -> Finding:
    """An installed Blender on the PATH, its version and whether its Python has numpy."""
    path = shutil.which(program)
    if path is None:
        detail = "none on PATH; the bpy module renders instead"
        return Finding("installed Blender", True, detail, required=False)
    ask = (
        "import bpy, sys\n"
        "try:\n import numpy; found = numpy.__version__\n"
        "except ImportError:\n found = '-'\n"
        "print('FOUND', *bpy.app.version, found)"
    )
    command = [path, "--background", "--factory-startup", "--python-expr", ask]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=time_limit,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(
            "installed Blender", False, f"{path}: {error}", "reinstall Blender, or ignore it", False
        )
    answers = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    if not answers:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        return Finding(
            "installed Blender", False, f"{path}: {last}", "reinstall Blender, or ignore it", False
        )
    *numbers, numpy = answers[0]
    version = tuple(int(number) for number in numbers)
    detail = f"{'.'.join(numbers)} at {path}, numpy {numpy}"
    if version[:2] < OLDEST_BLENDER:
        oldest = ".".join(map(str, OLDEST_BLENDER))
        remedy = f"install Blender {oldest} or later, or let the bpy module render"
        return Finding("installed Blender", False, detail, remedy, False)
    if numpy == "-":
        remedy = f"its Python lacks numpy; run: {install_command(['python3-numpy'])}"
        return Finding("installed Blender", False, detail, remedy, False)
    return Finding("installed Blender", True, detail, required=False)


def find_cores() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("CPU cores", True, f"{cores} usable")


def find_memory(
    table: Path = Path("/proc/meminfo"),
    group_limit: Path = Path("/sys/fs/cgroup/memory.max"),
    least: float = 4.0,
) -> Finding:
    """Available memory in GiB; a container's own limit counts where it is lower."""
    try:
        rows = dict(line.split(":", 1) for line in table.read_text().splitlines() if ":" in line)
        available = int(rows["MemAvailable"].split()[0]) * 1024 / _GIB
    except (OSError, KeyError, ValueError):
        return Finding("memory", True, "unknown on this system", required=False)
    with contextlib.suppress(OSError, ValueError):  # no such file, or the word "max"
        available = min(available, int(group_limit.read_text()) / _GIB)
    enough = available >= least
    remedy = "" if enough else f"close other programs or use --workers 1: {least:g} GiB are asked"
    return Finding("memory", enough, f"{available:.1f} GiB available", remedy, False)


def find_disk(folder: Path, least: float = 2.0) -> Finding:
    free = shutil.disk_usage(folder).free / _GIB
    enough = free >= least
    remedy = "" if enough else f"make room: a run with pictures asks for {least:g} GiB"
    return Finding("free disk", enough, f"{free:.1f} GiB in {folder}", remedy, False)


def find_ports(ports: Sequence[int] = (0,), host: str = "127.0.0.1") -> Finding:
    """Whether each port can be listened on; 0 asks for any free one."""
    for port in ports:
        try:
            with socket.create_server((host, port)):
                pass
        except OSError as error:
            what = f"port {port}" if port else "any port"
            remedy = "choose another port, or end the program that holds it"
            detail = f"cannot listen on {what} of {host}: {error.strerror}"
            return Finding("ports", False, detail, remedy, required=port == 0)
    named = ", ".join(str(port) for port in ports if port)
    return Finding("ports", True, f"can listen on {host}{' port ' + named if named else ''}")


def find_weights(environment: Mapping[str, str] = os.environ) -> Finding:
    """ImageNet weights in torch hub's cache, and what features a run has without them."""
    cache = Path(environment.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "torch"
    folder = Path(environment.get("TORCH_HOME", str(cache))).expanduser() / "hub" / "checkpoints"
    names = sorted(path.name for path in folder.glob("*.pth")) if folder.is_dir() else []
    if names:
        return Finding("ImageNet weights", True, f"{', '.join(names)} in {folder}", required=False)
    return Finding(
        "ImageNet weights",
        False,
        f"none of torchvision's in {folder}; EfficientNet-Lite0's are installed, and by default a "
        "run needs no others",
        "for others put .pth files there, or name a weights file in the run's settings",
        required=False,
    )


def find_data(environment: Mapping[str, str] = os.environ) -> Finding:
    """The folder with pictures for the data tests, named by METASIM_DATA."""
    value = environment.get("METASIM_DATA")
    if not value:
        detail = "METASIM_DATA is not set: digits are downloaded, and tests on real pictures skip"
        return Finding("target data", True, detail, required=False)
    if not Path(value).expanduser().is_dir():
        remedy = "set METASIM_DATA to an existing folder, or unset it"
        return Finding("target data", False, f"METASIM_DATA={value} is no folder", remedy, False)
    return Finding("target data", True, f"METASIM_DATA={value}", required=False)
