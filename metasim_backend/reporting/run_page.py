"""What the page of a run shows, out of its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from metasim_backend.reporting.attributes import attribute_table
from metasim_backend.reporting.curves import curves
from metasim_backend.reporting.page import render
from metasim_backend.reporting.read_picture import with_readings
from metasim_backend.reporting.run_record import KINDS_OF_PICTURES, RunRecord, as_number
from metasim_backend.reporting.verdict import (
    collision_comparisons,
    detector_comparisons,
    distance_comparisons,
    mmd_comparisons,
    readable,
    supported,
    verdict,
)

ROWS_AT_ONCE = 4
MOST_ROWS = 16
MOST_STEPS = 8
MOST_SCENES = 3
Item = TypeVar("Item")


def render_page(record: RunRecord, film: str | None = None) -> str:
    """The whole page for a run, as HTML.

    Args:
        film: of its learning, as a data URI.
    """
    rows = attribute_table(record.attributes)
    mmd, detector = mmd_comparisons(record), detector_comparisons(record)
    others = [*distance_comparisons(record), *detector, *collision_comparisons(record)]
    sentence, mood = verdict(record, rows)
    shown, folded = curves(record)
    times = record.section("seconds")
    times = {part: value for part in times if (value := as_number(times[part])) is not None}
    return render(
        "run.html",
        title=str(record.summary.get("title") or record.folder.resolve().name),
        verdict=sentence,
        mood=mood,
        record=record,
        film=film,
        headline=[c for c in (mmd[1], *detector[:1]) if c.measured],
        seconds=times.get("total", sum(times.values())),
        features=record.summary.get("features"),
        comparisons=[c for c in (*mmd, *others) if c.measured],
        detector=detector,
        curves=shown,
        more_curves=folded,
        counted=_mapping(record.structure.get("classes")),
        read=_mapping(record.structure.get("read")),
        reading=_mapping(record.reader.get("numbers")),
        evidence=readable(record),
        confounded=_mapping(record.evidence.get("confounded")),
        support=supported(record),
        read_pictures=_read_pictures(record),
        rows=rows,
        samples={item.name: item for item in record.attributes},
        times=times,
        **_pictures(record),
    )


def _pictures(record: RunRecord) -> dict[str, Any]:
    """Rows of a target picture and those of one seed from prior and learned, and scenes' steps."""
    kinds = [kind for kind in KINDS_OF_PICTURES if record.pictures[kind]]
    count = min(max((len(record.pictures[kind]) for kind in kinds), default=0), MOST_ROWS)
    return {
        "kinds": kinds,
        "missing": [kind for kind in KINDS_OF_PICTURES if kind not in kinds],
        "shown": range(min(count, ROWS_AT_ONCE)),
        "folded": range(ROWS_AT_ONCE, count),
        "progress": [
            (scene, evenly_chosen(steps, MOST_STEPS))
            for scene, steps in list(record.progress.items())[:MOST_SCENES]
        ],
    }


def _read_pictures(record: RunRecord) -> list[tuple[Image.Image, Path]]:
    """The first target pictures with what was read in them, each with a street like it."""
    read = record.read_target.get("pictures", ())
    rows = []
    for path, twin, found in zip(record.pictures["target"], record.twins, read, strict=False):
        try:
            with Image.open(path) as picture:
                image = np.asarray(picture.convert("RGB"))
        except OSError:
            continue  # the page says above that it is damaged
        objects = [(one["box"], one["words"]) for one in found["objects"]]
        rows.append((with_readings(image, found["lines"], objects), twin))
    return rows


def evenly_chosen(items: Sequence[Item], most: int) -> list[Item]:
    """At most ``most`` of the items, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
