"""Write a run's report: one self-contained HTML page made only from the run's own files."""

from __future__ import annotations

import base64
from pathlib import Path

from metasim_backend.reporting.learning_film import film_of, write_film
from metasim_backend.reporting.run_page import render_page
from metasim_backend.reporting.run_record import RunRecord, read_run
from metasim_backend.run_files.atomic_files import write_text


def write_report(run_folder: Path) -> Path:
    """Write ``report.html`` into a run's folder, in place of an older one, and return its path.

    Reads config.yaml, metrics.jsonl and report_data/{summary,attributes}.json and pictures; where
    one is absent the page says so. What was followed while it learned is written as
    ``learning.gif`` too.

    Raises:
        ReportError: when the folder is not a run's, or a file in it is damaged.
    """
    path = run_folder / "report.html"
    record = read_run(run_folder)
    write_text(path, render_page(record, _film(record)))
    return path


def _film(record: RunRecord) -> str | None:
    """The film as a data URI; None without one, or where a picture is damaged."""
    film = film_of(record)
    if film is None:
        return None
    try:
        content = write_film(record.folder / "learning.gif", film).read_bytes()
    except ValueError:
        return None  # the page says below which picture is damaged
    return f"data:image/gif;base64,{base64.b64encode(content).decode()}"
