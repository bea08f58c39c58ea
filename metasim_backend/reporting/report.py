"""Write a run's report: one self-contained HTML page made only from the run's own files."""

from __future__ import annotations

from pathlib import Path

from metasim_backend.reporting.run_page import render_page
from metasim_backend.reporting.run_record import read_run
from metasim_backend.run_files.atomic_files import write_text


def write_report(run_folder: Path) -> Path:
    """Write ``report.html`` into a run's folder, in place of an older one, and return its path.

    Reads config.yaml, metrics.jsonl and report_data/{summary,attributes}.json and pictures; where
    one is absent the page says so.

    Raises:
        ReportError: when the folder is not a run's, or a file in it is damaged.
    """
    path = run_folder / "report.html"
    write_text(path, render_page(read_run(run_folder)))
    return path
