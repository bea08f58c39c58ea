"""``metasim serve``: work for Meta-Sim's panel in Blender."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import threading
import time
from pathlib import Path

from blender_addon.contract.wire import address_text
from metasim_backend.commands.options import UsageError, not_negative, output_file, positive

PARENT_POLL = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: this machine alone)"
    )
    parser.add_argument(
        "--port", type=not_negative, default=0, help="default: a free one, which is printed"
    )
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="holds the secret; default: a fresh one"
    )
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="FILE",
        help="gets host, port and process number as JSON once a panel can connect",
    )
    parser.add_argument(
        "--with-parent",
        type=positive,
        metavar="PID",
        help="leave, and stop all work, when this process is gone",
    )


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.run_files.atomic_files import write_text
    from metasim_backend.serving.server import PanelServer

    if arguments.port > 65535:
        raise UsageError(f"--port {arguments.port} is not from 0 to 65535.")
    if not arguments.token_file and not (sys.stdout is not None and sys.stdout.isatty()):
        raise UsageError(
            "Without a terminal the made-up token is not printed, since a log might keep it; "
            "write a token of your own into a file and give it with --token-file FILE."
        )
    token = read_token(arguments.token_file) if arguments.token_file else secrets.token_hex(16)
    if arguments.with_parent and not process_is_there(arguments.with_parent):
        raise UsageError(f"--with-parent {arguments.with_parent}: there is no such process.")
    if arguments.ready_file:
        output_file(arguments.ready_file, force=True)
    server = PanelServer(arguments.host, arguments.port, token)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    at = address_text((server.host, server.port))
    print(f"Listening for Blender's panel at {at}.", flush=True)
    if not arguments.token_file:
        print(
            f"Connect in Blender's sidebar, tab Meta-Sim, with the token {token}; end with Ctrl-C.",
            flush=True,
        )
    if arguments.with_parent:
        threading.Thread(
            target=leave_with, args=(arguments.with_parent, server), daemon=True
        ).start()
    if arguments.ready_file:
        ready = {"host": server.host, "port": server.port, "pid": os.getpid()}
        write_text(arguments.ready_file, json.dumps(ready) + "\n")
    server.serve()
    sys.stdout.flush()
    return 0


def read_token(path: Path) -> str:
    """The secret in a file.

    Raises:
        UsageError: when there is none, or it is too short to be one.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The token file {path} cannot be read ({error}).") from None
    if len(token) < 8:
        raise UsageError(f"The token in {path} has fewer than 8 characters; write a longer one.")
    return token


def process_is_there(pid: int) -> bool:
    """Whether a process lives; a child that nobody waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # where there is /proc: "pid (name) state ..."
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state not in ("Z", "X")


def leave_with(pid: int, server) -> None:
    """Stop the server when a process is gone."""
    child = os.getppid() == pid
    while process_is_there(pid) and (not child or os.getppid() == pid):
        time.sleep(PARENT_POLL)
    server.stop()
