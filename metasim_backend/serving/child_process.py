"""A command that runs beside the server: its lines, its last words, pausing and ending it.

Pausing stops the process with SIGSTOP. That frees the processor at once, loses not even the step
that is under way, and no wait runs out over it: Blender's workers have groups of their own, finish
what they render, and their answers lie in the sockets' buffers until the process goes on. Memory
stays taken; whoever needs that stops the work and resumes the run later, which repeats only what
came after the last checkpoint.

The child has a process group, but not a session, of its own. So when the server is killed while
the child is stopped, the kernel sends SIGHUP and SIGCONT to the orphaned group (POSIX, _exit), and
nothing stays behind; one that runs notices the end of its standard input.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from metasim_backend.run_files.events import VARIABLE
from metasim_backend.serving.child import GRACE


class ChildProcess:
    """``metasim`` with the given arguments, as a child of this process.

    Args:
        arguments: of the command line, the command first.
        log: the file for its standard error; replaced.
        heard: called with each line of its standard output, from a thread.
    """

    def __init__(
        self, arguments: Sequence[str], log: Path, heard: Callable[[str], object] = lambda _: None
    ) -> None:
        self.log = log
        self.paused = False
        self._heard = heard
        environment = dict(os.environ, PYTHONUNBUFFERED="1") | {VARIABLE: "1"}
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "metasim_backend.serving.child", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                process_group=0,
            )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, name="metasim-child", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for raw in lines:
                self._heard(raw.decode(errors="replace").rstrip())

    def ended(self, within: float) -> int | None:
        """Its exit code once it has ended and all its lines have been heard, else None after so
        many seconds; negative: the signal that ended it."""
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(2.0)
        return code

    def pause(self) -> None:
        """Stop the process until it is resumed."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """Let it go on."""
        self.paused = False
        self._signal(signal.SIGCONT)

    def interrupt(self) -> None:
        """Ask it to leave, as Ctrl-C does; after a grace it is killed. Returns at once."""
        # Closing its standard input interrupts it, too: but a paused one must go on to notice.
        self._signal(signal.SIGINT)
        self.resume()
        threading.Thread(target=self._kill_late, name="metasim-kill", daemon=True).start()

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def last_words(self) -> str:
        """The last line that it wrote to standard error, without the program's name."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1].removeprefix("metasim: ") if lines else ""

    def _kill_late(self) -> None:
        deadline = time.monotonic() + GRACE
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if self._process.poll() is None:
            self.kill()

    def _signal(self, number: int) -> None:
        # Popen knows whether the process was waited for; a number used again is never hit.
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


def end_sentence(child: ChildProcess, code: int, what: str) -> str:
    """Why it failed, for the panel."""
    words = child.last_words()
    if code == 2 and words:
        return words
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"The {what} was ended by {name} (the system may lack memory); start it again."
    return f"The {what} failed: {words or f'exit status {code}'} (all it said is in {child.log})."
