"""Tables of 2-D boxes (CSV), which say how many things real frames show."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from metasim_backend.datasets.readers.pictures import DatasetError

COUNTED_COLUMNS = ("frame", "height", "class", "ymin", "ymax")
SIDES = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = ("frame", "width", "height", "class", *SIDES)
Made = TypeVar("Made")


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
        path: a CSV file, or one compressed by gzip, with at least :data:`COUNTED_COLUMNS`: a line a
            box, in pixels; a frame without any has one line with an empty class.
        classes: that are counted together.
        least_height: a box's, as a share of its frame's height; lower ones are not counted.

    Returns:
        [frames] int64, in the table's order.

    Raises:
        DatasetError: when there is no such file, a column is missing or a line cannot be read.
    """

    def tall(row: dict[str, str]) -> bool:
        height = (float(row["ymax"]) - float(row["ymin"])) / float(row["height"])
        return height >= least_height

    def count(rows: list[dict[str, str]]) -> int:
        return sum(row["class"] in classes and tall(row) for row in rows)

    return np.array(_frames(path, COUNTED_COLUMNS, count), dtype=np.int64)


def frames_in_table(path: Path) -> list[FrameBoxes]:
    """The frames of a table with at least :data:`COLUMNS`, in its order.

    Raises:
        DatasetError: as in :func:`counts_in_table`.
    """

    def frame(rows: list[dict[str, str]]) -> FrameBoxes:
        boxes = [row for row in rows if row["class"]]
        return FrameBoxes(
            float(rows[0]["width"]),
            float(rows[0]["height"]),
            tuple(row["class"] for row in boxes),
            np.array([[float(row[side]) for side in SIDES] for row in boxes]).reshape(-1, 4),
        )

    return _frames(path, COLUMNS, frame)


def _frames(
    path: Path, columns: Sequence[str], make: Callable[[list[dict[str, str]]], Made]
) -> list[Made]:
    """What is made of each frame's lines."""
    if not path.is_file():
        raise DatasetError(f"There is no table of boxes {path}; choose a CSV file.")
    rows: dict[str, list[dict[str, str]]] = {}
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DatasetError(f"The table {path} has no column {missing[0]!r}.")
            for row in reader:
                rows.setdefault(row["frame"], []).append(row)
        made = [make(some) for some in rows.values()]
    except DatasetError:
        raise
    except (OSError, EOFError, zlib.error, ValueError, TypeError, csv.Error) as error:
        raise DatasetError(f"The table {path} cannot be read: {error}.") from None
    if not made:
        raise DatasetError(f"The table {path} has no frame.")
    return made
