"""``metasim addon build`` and ``metasim addon install``: the add-on for Blender."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from metasim_backend.commands.options import UsageError, print_result, writable_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = actions.add_parser("build", help="write the zip that Blender installs")
    build.add_argument(
        "-o", "--output", type=Path, metavar="ZIP", help="default: metasim-VERSION.zip, here"
    )
    build.add_argument("--force", action="store_true", help="replace a file that is there")
    build.add_argument("--json", action="store_true", help="print the result as JSON")
    install = actions.add_parser("install", help="install the add-on into a Blender")
    install.add_argument(
        "--blender", default="blender", metavar="PATH", help="its executable (default: blender)"
    )
    install.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    return _build(arguments) if arguments.action == "build" else _install(arguments)


def _build(arguments: argparse.Namespace) -> int:
    from metasim_backend.addon_package.archive import addon_version, archive_bytes, archive_name
    from metasim_backend.run_files.atomic_files import write_atomically

    content = archive_bytes()
    output: Path = arguments.output or Path(archive_name())
    if output.is_dir():
        output = output / archive_name()
    if output.exists() and output.read_bytes() != content and not arguments.force:
        raise UsageError(f"{output} is already there; replace it with --force, or choose -o.")
    writable_folder(output.parent)
    write_atomically(output, lambda file: file.write(content))
    print_result(
        arguments,
        {"output": str(output), "version": addon_version(), "bytes": len(content)},
        f"Wrote {output}. In Blender: Edit > Preferences, then (4.2 and later) Get Extensions > "
        "Install from Disk, or (3.4 to 4.1) Add-ons > Install.",
    )
    return 0


def _install(arguments: argparse.Namespace) -> int:
    from metasim_backend.addon_package.installation import InstallationFailed, install_into

    try:
        module = install_into(arguments.blender)
    except InstallationFailed as error:
        print(f"metasim: {error}", file=sys.stderr)
        return 1
    print_result(
        arguments,
        {"module": module},
        f"Installed and enabled as {module}. Open Blender, press N in the 3D view, tab Meta-Sim.",
    )
    return 0
