"""``metasim report``: a run's page, from what the run left."""

from __future__ import annotations

import argparse
from pathlib import Path

from metasim_backend.commands.options import print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.reporting.report import write_report
    from metasim_backend.run_files.run_folder import RunFolder

    page = write_report(RunFolder.open(arguments.run).path)
    print_result(arguments, {"report": str(page)}, f"Wrote {page}.")
    return 0
