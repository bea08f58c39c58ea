"""Installing the add-on into a Blender, by that Blender itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from metasim_backend.addon_package.archive import PackageError, archive_bytes, archive_name

SCRIPT = Path(__file__).with_name("install_in_blender.py")
SIGN = "METASIM_MODULE="
PATIENCE = 300.0


class InstallationFailed(RuntimeError):
    """Blender did not install the add-on; what it said."""


def install_into(blender: str, python: str = sys.executable) -> str:
    """Have a Blender install the add-on, for this user, without a window.

    Args:
        blender: its executable.
        python: what the add-on shall start the backend with, unless its preferences name one.

    Returns:
        the add-on's module in that Blender.

    Raises:
        PackageError: when there is no such Blender.
        InstallationFailed: when it did not do it.
    """
    executable = shutil.which(blender)
    if executable is None:
        raise PackageError(
            f"There is no Blender at {blender!r}; give the path of its executable with --blender."
        )
    with tempfile.TemporaryDirectory(prefix="metasim-addon-") as folder:
        archive = Path(folder) / archive_name()
        archive.write_bytes(archive_bytes())
        command = [executable, "--background", "--python-exit-code", "1"]
        command += ["--python", str(SCRIPT), "--", str(archive), python]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE,
                check=False,
                text=True,
                errors="replace",
            )
        except subprocess.TimeoutExpired:
            raise InstallationFailed(
                f"{executable} did not install the add-on within {PATIENCE:.0f} s."
            ) from None
        except OSError as error:
            raise PackageError(
                f"{executable} cannot be run ({error.strerror}); give a Blender with --blender."
            ) from None
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    module = next((s.removeprefix(SIGN) for s in reversed(lines) if s.startswith(SIGN)), None)
    if module is None:
        said = " | ".join(line for line in lines[-6:] if line != "Blender quit") or "nothing"
        raise InstallationFailed(f"{executable} did not install the add-on; it said: {said}")
    return module
