"""Tables of 2-D boxes (CSV), which say how many things real frames show."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metasim_backend.datasets.readers.pictures import DatasetError

SIDES = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = ("frame", "height", "width", "class", *SIDES)


@dataclass(frozen=True, eq=False)
class FrameBoxes:
    """What a table says of a frame.

    Attributes:
        width, height: of the frame, pixels.
        classes: of its n boxes.
        boxes: [n, 4] x0, y0, x1, y1, pixels.
    """

    width: float
    height: float
    classes: tuple[str, ...]
    boxes: np.ndarray

    def of(self, classes: Collection[str]) -> np.ndarray:
        """[m, 4]: those of some classes."""
        return self.boxes[[name in classes for name in self.classes]]


def counts_in_table(path: Path, classes: Collection[str], least_height: float) -> np.ndarray:
    """How many boxes of some classes each frame of a table has.

    Args:
        path: as in :func:`frames_in_table`.
        classes: that are counted together.
        least_height: a box's, as a share of its frame's height; lower ones are not counted.

    Returns:
        [frames] int64, in the table's order.

    Raises:
        DatasetError: as there.
    """
    counts = []
    for frame in frames_in_table(path):
        boxes = frame.of(classes)
        counts.append(((boxes[:, 3] - boxes[:, 1]) / frame.height >= least_height).sum())
    return np.array(counts, dtype=np.int64)


def frames_in_table(path: Path) -> list[FrameBoxes]:
    """The frames of a table of boxes, in its order.

    Args:
        path: a CSV file, or one compressed by gzip, with at least :data:`COLUMNS`: a line a box, in
            pixels; a frame without any has one line with an empty class.

    Raises:
        DatasetError: when there is no such file, a column is missing or a line cannot be read.
    """
    if not path.is_file():
        raise DatasetError(f"There is no table of boxes {path}; choose a CSV file.")
    sizes: dict[str, tuple[float, float]] = {}
    boxes: dict[str, list[tuple[str, list[float]]]] = {}
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DatasetError(f"The table {path} has no column {missing[0]!r}.")
            for row in reader:
                some = boxes.setdefault(row["frame"], [])
                sizes[row["frame"]] = (float(row["width"]), float(row["height"]))
                if row["class"]:
                    some.append((row["class"], [float(row[side]) for side in SIDES]))
    except (OSError, ValueError, TypeError, csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"The table {path} cannot be read: {error}.") from None
    if not boxes:
        raise DatasetError(f"The table {path} has no frame.")
    return [
        FrameBoxes(
            *sizes[name],
            tuple(class_name for class_name, _ in some),
            np.array([sides for _, sides in some]).reshape(-1, 4),
        )
        for name, some in boxes.items()
    ]
