"""The system's libraries and programs that are needed: find them, install them, name them.

Libraries are those of Blender's Python module; programs those of the tests in a real window.

Runs before the virtual environment exists, as ``python3 system_libraries.py [--install]``, so it
uses the standard library only and imports nothing of this package. The list is the dynamic
section of the bpy 4.5 wheel and of the libraries it carries, less what it carries itself.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PYTHON = (3, 11)


@dataclass(frozen=True)
class SystemLibrary:
    """A shared library and the Debian/Ubuntu package that holds it.

    ``required`` is False for a library without which only a part does not work; ``needed_for``
    says which.
    """

    soname: str
    package: str
    needed_for: str = "import bpy"
    required: bool = True


BPY_LIBRARIES: tuple[SystemLibrary, ...] = (
    SystemLibrary("libX11.so.6", "libx11-6"),
    SystemLibrary("libXext.so.6", "libxext6"),
    SystemLibrary("libXrender.so.1", "libxrender1"),
    SystemLibrary("libXfixes.so.3", "libxfixes3"),
    SystemLibrary("libXi.so.6", "libxi6"),
    SystemLibrary("libxkbcommon.so.0", "libxkbcommon0"),
    SystemLibrary("libSM.so.6", "libsm6"),
    SystemLibrary("libICE.so.6", "libice6"),
    SystemLibrary("libGL.so.1", "libgl1"),
    SystemLibrary("libstdc++.so.6", "libstdc++6"),
    SystemLibrary("libEGL.so.1", "libegl1", "the workbench and eevee engines", required=False),
)


@dataclass(frozen=True)
class SystemProgram:
    """A program, or another file, and the Debian/Ubuntu package that holds it.

    ``path`` is a program's name, or the whole path of a file.
    """

    path: str
    package: str


WINDOW_PROGRAMS: tuple[SystemProgram, ...] = (
    SystemProgram("blender", "blender"),
    SystemProgram("Xvfb", "xvfb"),
    SystemProgram("xdotool", "xdotool"),
)
"""What tests of the add-on in a real window need; all else does without."""
DEBIANS_BLENDER = "/usr/bin/blender"
DEBIANS_NUMPY = SystemProgram("/usr/lib/python3/dist-packages/numpy", "python3-numpy")
"""Debian's Blender runs on Debian's Python; any other brings numpy along."""


class SetUpError(ValueError):
    """The machine lacks something that set-up cannot add; the sentence names the remedy."""


def loads(soname: str) -> bool:
    """Whether the dynamic linker finds and loads the library."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def missing_libraries(
    libraries: Sequence[SystemLibrary] = BPY_LIBRARIES,
    *,
    platform: str = sys.platform,
    loads: Callable[[str], bool] = loads,
) -> tuple[SystemLibrary, ...]:
    """Those of ``libraries`` that cannot be loaded, in their order.

    Empty on Windows and macOS, where Blender's module brings everything along.
    """
    if not platform.startswith("linux"):
        return ()
    return tuple(library for library in libraries if not loads(library.soname))


def missing_programs(
    programs: Sequence[SystemProgram] = WINDOW_PROGRAMS,
    *,
    platform: str = sys.platform,
    which: Callable[[str], str | None] = shutil.which,
    exists: Callable[[str], bool] = os.path.exists,
) -> tuple[SystemProgram, ...]:
    """What the tests in a window lack here, in order; empty where there is no X11.

    numpy is among them when Blender is Debian's, or will be.
    """
    if not platform.startswith("linux"):
        return ()
    missing = [program for program in programs if which(program.path) is None]
    if which("blender") in (None, DEBIANS_BLENDER) and not exists(DEBIANS_NUMPY.path):
        missing.append(DEBIANS_NUMPY)
    return tuple(missing)


def missing_venv_packages() -> tuple[str, ...]:
    """Packages to add before ``python -m venv`` works: Debian splits it from Python."""
    importlib.invalidate_caches()  # asked again after an installation
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (f"python{sys.version_info.major}.{sys.version_info.minor}-venv",)
    return ()


def install_command(packages: Sequence[str]) -> str:
    """The command that a person types to install Debian/Ubuntu packages."""
    return f"sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


def privilege() -> list[str] | None:
    """Words to put before a command so that it runs as root; None when that is not possible."""
    if not hasattr(os, "geteuid"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["sudo", "-n"]
    return None


def install(packages: Sequence[str]) -> None:
    """Install Debian/Ubuntu packages with apt-get.

    Raises:
        SetUpError: when there is no apt-get, no right to use it, or it failed.
    """
    prefix = privilege()
    if shutil.which("apt-get") is None:
        raise SetUpError(
            f"Missing {', '.join(packages)} (Debian's package names) and there is no apt-get here; "
            "install what your system calls them and run make again."
        )
    if prefix is None:
        raise SetUpError(
            f"Missing {', '.join(packages)} and no right to install them; "
            f"run: {install_command(packages)}"
        )
    # Through env(1), because sudo drops variables.
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    print(f"installing system packages: {' '.join(packages)}", flush=True)
    # A stale list is often good enough, so only the installation decides.
    subprocess.run([*apt, "update"], check=False, stdout=subprocess.DEVNULL)
    done = subprocess.run(
        [*apt, "install", "-y", "--no-install-recommends", *packages],
        check=False,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise SetUpError(
            f"apt-get could not install {', '.join(packages)} (its message is above); "
            f"mend that and run: {install_command(packages)}"
        )


def prepare(*, may_install: bool) -> None:
    """Check Python, venv, the libraries and programs; install what is missing when allowed.

    Raises:
        SetUpError: when something required is missing and was not installed.
    """
    if sys.version_info[:2] != PYTHON:
        wanted = ".".join(map(str, PYTHON))
        raise SetUpError(
            f"Python {sys.version.split()[0]} at {sys.executable} is not {wanted}, the only one "
            f"that bpy 4.5 runs on; install it or run: make PYTHON=/path/to/python{wanted}"
        )
    missing = missing_libraries()
    packages = [*missing_venv_packages(), *dict.fromkeys(lib.package for lib in missing)]
    if packages and may_install:
        try:
            install(packages)
        except SetUpError:
            if missing_venv_packages() or any(lib.required for lib in missing_libraries()):
                raise
        missing = missing_libraries()
    required = [lib for lib in missing if lib.required]
    venv_packages = missing_venv_packages()
    if required or venv_packages:
        names = [*venv_packages, *(lib.soname for lib in required)]
        wanted_packages = [*venv_packages, *dict.fromkeys(lib.package for lib in required)]
        raise SetUpError(
            f"The system lacks {', '.join(names)}; run: {install_command(wanted_packages)}"
        )
    for lib in missing:
        print(
            f"note: {lib.soname} is missing, which {lib.needed_for} need; "
            f"to add it run: {install_command([lib.package])}"
        )
    prepare_window_tests(may_install=may_install)


def prepare_window_tests(*, may_install: bool) -> None:
    """Install what tests in a window need when that is allowed and possible; else name it."""
    missing = missing_programs()
    if missing and may_install and shutil.which("apt-get") and privilege() is not None:
        try:
            install([program.package for program in missing])
        except SetUpError as error:
            print(f"note: {error}")
        missing = missing_programs()
    if missing:
        packages = [program.package for program in missing]
        print(
            f"note: {', '.join(packages)} are missing, without which the tests in Blender's window "
            f"are skipped; to add them run: {install_command(packages)}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when all is there, 2 with one sentence when not."""
    parser = argparse.ArgumentParser(description="Check the system libraries that bpy needs.")
    parser.add_argument("--install", action="store_true", help="install what is missing (apt-get)")
    options = parser.parse_args(arguments)
    try:
        prepare(may_install=options.install)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
