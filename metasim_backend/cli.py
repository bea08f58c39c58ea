"""The command ``metasim``: one subcommand a file in ``metasim_backend.commands``."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from metasim_backend import __version__

COMMANDS = {
    "demo": "learn a generator from rendered images whose truth is known; needs nothing else",
    "grammars": "list the scene grammars that come with Meta-Sim, or copy one to change it",
    "sample": "draw scene graphs from a grammar",
    "render": "render scene graphs with labels",
    "gallery": "show scenes of a grammar or of a run on one sheet, with their labels",
    "camera": "fit the camera model to a folder of photographs",
    "train": "learn a generator for a folder of real images",
    "settings": "list what can be set about a training: defaults, bounds, choices and help",
    "generate": "write a labelled dataset from a learned generator",
    "merge": "put the shards of a labelled dataset together",
    "reader": "train a reader for a grammar once, with which later runs begin",
    "read": "show what a run's reader sees in photographs, and make a street like each of them",
    "detector": "train a detector on a generator's streets, and have it look at photographs",
    "content": "choose a generator's streets so that they show what photographs show",
    "evaluate": "train a detector on a run's data and score it on labelled images",
    "report": "write a run's report again",
    "reproduce": "run an experiment over several seeds, beside the paper's figures",
    "serve": "work for Meta-Sim's panel in Blender",
    "assets": "show models of your own as they will stand on a street, with their sizes",
    "addon": "build the Blender add-on, or install it into a Blender",
    "worker": "render for a backend elsewhere",
    "doctor": "say what is there, what is missing and how to mend it",
}

MOST_SAID = 400  # letters; a user's value may be of any length
# Of the operating system: what a user can mend, and where there is no more room.
USERS_ERRORS = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENAMETOOLONG, errno.ELOOP),
}
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Parser(argparse.ArgumentParser):
    """Says wrong usage in one sentence, without the list of all options."""

    def error(self, message: str) -> NoReturn:
        cut = message if len(message) <= MOST_SAID else f"{message[:MOST_SAID]} ..."
        self.exit(2, f"{self.prog}: {cut}; see {self.prog} --help.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 when it failed; 2 for wrong usage or input, said in one sentence; 130 when it was
        interrupted.
    """
    # A name that is not UTF-8, or a sign that the terminal's encoding lacks, must not end a run.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Waiting OpenMP threads that spin take the cores from Blender's workers (8 times slower).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # torch_geometric's own use of torch, which no user can mend.
    warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=FutureWarning)
    arguments = sys.argv[1:] if argv is None else list(argv)
    parser = Parser(
        prog="metasim",
        description="Learn to generate labelled driving scenes that match your own images.",
    )
    parser.add_argument("--version", action="version", version=f"metasim {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only the chosen command's module is imported: the others may need torch or Blender.
    chosen = next((a for a in arguments if not a.startswith("-")), None)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:])
        if name == chosen:
            module = importlib.import_module(f"metasim_backend.commands.{name}")
            module.add_arguments(sub)
            sub.set_defaults(run_command=module.run)
    parsed = parser.parse_args(arguments)
    try:
        return parsed.run_command(parsed)
    except KeyboardInterrupt:
        print("\nmetasim: interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        if error.errno not in USERS_ERRORS | NO_ROOM:
            raise
        where = f" ({error.filename})" if error.filename else ""
        remedy = "; make room there and begin it again, a run with --resume"
        print(
            f"metasim: {error.strerror}{where}{remedy if error.errno in NO_ROOM else ''}.",
            file=sys.stderr,
        )
        return 2 if error.errno in USERS_ERRORS else 1
    except ValueError as error:
        if not is_users_mistake(error):
            raise
        print(f"metasim: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        if type(error).__name__ != "RenderingError":
            raise
        print(f"metasim: {error}", file=sys.stderr)
        return 1


def is_users_mistake(error: ValueError) -> bool:
    """Whether a ValueError is one of ours: our packages raise subclasses of their own for what
    a user can mend, and everything else is a defect that deserves its traceback."""
    module = type(error).__module__
    return module.startswith(("metasim_backend.", "blender_addon."))


if __name__ == "__main__":
    sys.exit(main())
