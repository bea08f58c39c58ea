"""The whole diagnosis; imports neither torch nor bpy in this process."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from metasim_backend.doctor import machine, packages
from metasim_backend.doctor.findings import Finding
from metasim_backend.doctor.system_libraries import BPY_LIBRARIES, SystemLibrary
from metasim_backend.shipped_files.folders import is_checkout


def diagnose(
    folder: Path | None = None,
    *,
    libraries: Sequence[SystemLibrary] = BPY_LIBRARIES,
    ports: Sequence[int] = (0,),
    time_limit: float = packages.TIME_LIMIT,
) -> tuple[Finding, ...]:
    """Look at everything that Meta-Sim needs; takes some ten seconds.

    Args:
        folder: where runs are written, for the free disk space; the current one by default.
        libraries: the system libraries to look for.
        ports: the ports to try to listen on; 0 means any.
        time_limit: seconds for each try in a process of its own.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        torch = pool.submit(packages.find_torch, time_limit)
        bpy = pool.submit(packages.find_bpy, time_limit)
        return (
            packages.find_python(),
            *machine.find_libraries(libraries),
            packages.find_packages(),
            packages.find_torch_pair(),
            *torch.result(),
            bpy.result(),
            machine.find_blender(),
            *([machine.find_window_programs()] if is_checkout() else []),
            machine.find_cores(),
            machine.find_memory(),
            machine.find_disk(folder or Path.cwd()),
            machine.find_ports(ports),
            machine.find_weights(),
            machine.find_data(),
        )
