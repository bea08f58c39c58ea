"""Write a run's report: one self-contained HTML page made only from the run's own files."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path

from metasim_backend.reporting.learning_film import Film, film_of, write_film
from metasim_backend.reporting.run_page import render_page
from metasim_backend.reporting.run_record import ReportError, read_run
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
    with _of_whole_files(run_folder):
        film = film_of(record)
    shown = None if film is None else _as_uri(run_folder, film)
    with _of_whole_files(run_folder):
        page = render_page(record, shown)
    write_text(path, page)
    return path


@contextlib.contextmanager
def _of_whole_files(run_folder: Path) -> Iterator[None]:
    """While what was read is made into a page, which writes nothing.

    Each file was whole when it was read, so what fails here is that they do not fit each other.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        if isinstance(error, ReportError):
            raise
        said = " ".join(str(error).split())[:200]
        raise ReportError(
            f"The files in {run_folder / 'report_data'} do not belong together "
            f"({type(error).__name__}: {said}); write them again by resuming the run."
        ) from error


def _as_uri(run_folder: Path, film: Film) -> str | None:
    """The film as a data URI; None where a picture is damaged."""
    try:
        content = write_film(run_folder / "learning.gif", film).read_bytes()
    except ValueError:
        return None  # the page says below which picture is damaged
    return f"data:image/gif;base64,{base64.b64encode(content).decode()}"
