"""``metasim worker``: render for a backend that listens elsewhere."""

from __future__ import annotations

import argparse
import os
import sys

from metasim_backend.commands.options import UsageError, not_negative, parse_address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connect", required=True, metavar="HOST:PORT", help="the backend")
    parser.add_argument("--blender", metavar="PATH", help="an installed Blender (default: bpy)")
    parser.add_argument(
        "--wait",
        type=not_negative,
        default=600,
        metavar="SECONDS",
        help="for the backend to be there (default 600)",
    )
    parser.add_argument(
        "--threads", type=not_negative, default=0, help="render threads (default: all)"
    )


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.rendering.worker_process import blender_command

    parse_address(arguments.connect)
    if not os.environ.get("METASIM_TOKEN"):
        raise UsageError("The backend's token is missing: set METASIM_TOKEN in the environment.")
    options = ["--connect", arguments.connect, "--threads", str(arguments.threads)]
    options += ["--wait", str(arguments.wait)]
    command = blender_command(arguments.blender, arguments.threads) + options
    sys.stdout.flush()
    os.execvp(command[0], command)
