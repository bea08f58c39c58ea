"""One local worker: a Blender process of its own process group, with its log."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import blender_addon
from blender_addon.contract.wire import address_text
from metasim_backend.rendering.renderer import RendererSetupError

LOG_TAIL = 12
LOG_BYTES = 16_384


def blender_command(blender: str | None, threads: int = 0) -> list[str]:
    """The start of the command line that runs a worker, up to the worker's own arguments.

    Args:
        blender: an installed Blender's executable, or None for the ``bpy`` module.
        threads: of an installed Blender's own; 0: as many as there are cores. With the module
            the worker sees to that.

    Raises:
        RendererSetupError: when there is no such Blender, or no ``bpy`` module.
    """
    worker = Path(blender_addon.__file__).parent / "worker.py"
    if blender is None:
        from importlib.util import find_spec

        if find_spec("bpy") is None:
            raise RendererSetupError(
                "There is no Blender: the Python module 'bpy' is not installed; install it with "
                "pip install 'metasim-blender[bpy]' (Python 3.11 or 3.13), or give an installed "
                "Blender with --blender."
            )
        return [sys.executable, "-m", "blender_addon.worker"]
    path = shutil.which(blender)
    if path is None:
        raise RendererSetupError(
            f"There is no Blender at {blender!r}; give the path of its executable with --blender."
        )
    return [
        path,
        "--background",
        "--factory-startup",
        *(["--threads", str(threads)] if threads else []),
        "--python-exit-code",
        "1",
        "--python",
        str(worker),
        "--",
    ]


class WorkerProcess:
    """Start a worker that dials the given address; its output goes to a log file.

    Args:
        command: what :func:`blender_command` returned.
        address: host and port to dial.
        token: the shared secret, handed over in the environment, never on the command line.
        threads: the renderer's threads, or 0 for as many as there are cores.
    """

    def __init__(
        self, command: list[str], address: tuple[str, int], token: str, threads: int
    ) -> None:
        # Without a name: nothing is left behind even when this process is killed.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        environment = dict(os.environ, METASIM_TOKEN=token)
        # The child must find blender_addon wherever it was imported from here.
        root = str(Path(blender_addon.__file__).parent.parent)
        paths = [root, *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        arguments = ["--connect", address_text(address), "--threads", str(threads)]
        self._process = subprocess.Popen(
            command + arguments,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        self.pid = self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def log_tail(self) -> str:
        """The last lines that the worker printed."""
        if self._log.closed:
            return ""
        # pread: the worker writes at the offset that both processes share.
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), LOG_BYTES, max(size - LOG_BYTES, 0))
        return "\n".join(text.decode(errors="replace").splitlines()[-LOG_TAIL:])

    def kill(self, grace: float = 0.0) -> None:
        """End the whole process group; wait `grace` seconds for it to leave by itself first."""
        if grace > 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()
