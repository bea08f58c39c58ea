"""The page of an experiment on structure: distances, goals, histograms, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metasim_backend.reporting.page import render
from metasim_backend.reporting.plots import data_uri
from metasim_backend.run_files.atomic_files import write_text

SHOWN = 8
_TITLES = {
    "prior": "prior",
    "density": "learned, density reward",
    "mmd": "learned, MMD reward",
    "target": "target",
}
_STRIPS = (
    ("prior", "density", "prior"),
    ("learned, density reward", "density", "learned"),
    ("learned, MMD reward", "mmd", "learned"),
    ("target", "density", "target"),
)


def write_structure_page(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write ``report.html`` into an experiment's folder.

    Args:
        folder: below which the seeds' folders lie; pictures are the first seed's.
        record: of ``reproduction.structure_record.structure_record``.

    Returns:
        The page's path.
    """
    met = [bool(check["met"]) for check in record["checks"]]
    page = render(
        "structure.html",
        title=f"{record['title']}: {record['experiment']}",
        verdict=record["verdict"],
        mood="good" if all(met) else "mixed" if any(met) else "bad",
        record=record,
        titles=_TITLES,
        pictures=_pictures(folder / f"seed_{record['seeds'][0]}"),
        columns=SHOWN,
    )
    path = folder / "report.html"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def _pictures(seed: Path) -> dict[str, list[str]]:
    """Data URIs of a few pictures, by their strip's title; no strip without a picture."""
    strips = {}
    for title, run, kind in _STRIPS:
        paths = sorted((seed / run / "report_data" / "pictures" / kind).glob("*.png"))[:SHOWN]
        strips[title] = [uri for path in paths if (uri := data_uri(path))]
    return {title: uris for title, uris in strips.items() if uris}
