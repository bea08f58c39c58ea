"""A backend that the panel starts: which program, its token, its end."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

START = 120.0  # seconds until it must listen: the first import of torch can take long
VARIABLE = "METASIM_PYTHON"
_PYTHON = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")  # Blender's own, not the backend's


class LinkError(ValueError):
    """The backend cannot do what was asked; one sentence: what, why and the remedy."""


def backend_command(python: str, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The words that begin a backend's command line, ``metasim`` itself.

    Args:
        python: the interpreter from the preferences; empty looks for one in METASIM_PYTHON and for
            ``metasim`` on the path.

    Raises:
        LinkError: when there is none.
    """
    environment = os.environ if environment is None else environment
    chosen = python or environment.get(VARIABLE, "")
    if chosen:
        found = shutil.which(os.path.expanduser(chosen))
        if found is None:
            raise LinkError(
                f"The backend's Python {chosen!r} is not a program; choose another in the "
                "add-on's preferences."
            )
        return found, "-m", "metasim_backend"
    found = shutil.which("metasim", path=environment.get("PATH"))
    if found is None:
        raise LinkError(
            "No backend was found; choose the Python that has metasim in the add-on's "
            "preferences, or load a scene graph from a file."
        )
    return (found,)


class BackendProcess:
    """One ``metasim serve`` on this machine, with a fresh token.

    Args:
        command: from :func:`backend_command`.
        environment: of the process; None takes this one's, without what is Blender's own Python's.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = tuple(command)
        self._environment = environment
        self._process: subprocess.Popen | None = None
        self._folder: Path | None = None
        self._errors = ""
        self._code: int | None = None

    @property
    def pid(self) -> int | None:
        """The process's number while it runs."""
        return None if self._process is None else self._process.pid

    def start(self, stopped: threading.Event) -> tuple[str, int, str]:
        """Start it and wait until it listens.

        Args:
            stopped: when this is set, waiting ends.

        Returns:
            Host, port and token.

        Raises:
            LinkError: when it cannot be started, or does not listen in time.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="metasim-"))  # only the user may enter
        token, ready = secrets.token_hex(32), self._folder / "ready.json"
        token_file = self._folder / "token"
        descriptor = os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token)
        arguments = ["serve", "--host", "127.0.0.1", "--port", "0"]
        arguments += ["--token-file", str(token_file), "--ready-file", str(ready)]
        arguments += ["--with-parent", str(os.getpid())]
        with open(self._folder / "log", "wb") as log:
            try:
                self._process = subprocess.Popen(
                    [*self._command, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    env=self._clean_environment(),
                )
            except OSError as error:
                raise LinkError(
                    f"The backend's program {self._command[0]!r} cannot be started: "
                    f"{error.strerror}; choose another in the add-on's preferences."
                ) from None
        waited = 0.0
        while waited < START:
            if stopped.wait(0.1):
                raise LinkError("The backend was stopped while it was starting.")
            waited += 0.1
            if self._process.poll() is not None:
                raise LinkError(self.obituary("it did not start"))
            address = _read_ready(ready)
            if address is not None:
                return (*address, token)
        raise LinkError(
            f"The backend did not listen within {START:.0f} s; its last words: {self._last_words()}"
        )

    def stop(self) -> None:
        """End it, gently first, and remove its files."""
        process = self._process
        if process is not None:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=3.0)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._code = process.returncode
        if self._folder is not None:
            self._errors = self._last_words()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def obituary(self, reason: str) -> str:
        """One sentence about its end, for the panel."""
        code = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout=0.5)
        if code is None:
            return f"The backend does not answer: {reason}. Press Start; the scene is kept."
        words = self._last_words()
        if "No module named" in words:
            return (
                f"The Python {self._command[0]!r} has no metasim ({words}); choose another in the "
                "add-on's preferences."
            )
        said = f" It said: {words}" if words and code > 0 else ""
        how = f"was killed (signal {-code})" if code < 0 else f"ended with status {code}"
        return f"The backend {how}. Press Start; the scene is kept.{said}"

    def _last_words(self) -> str:
        if self._folder is None:
            return self._errors
        try:
            text = (self._folder / "log").read_bytes()[-4000:].decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""

    def _clean_environment(self) -> dict[str, str]:
        if self._environment is not None:
            return dict(self._environment)
        return {name: value for name, value in os.environ.items() if name not in _PYTHON}


def _read_ready(path: Path) -> tuple[str, int] | None:
    try:
        data = json.loads(path.read_text())
        return str(data["host"]), int(data["port"])
    except (OSError, ValueError, KeyError, TypeError):  # not there, or not yet whole
        return None
