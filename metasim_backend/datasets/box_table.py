"""Tables of 2-D boxes (CSV), which say how many things real frames show."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Collection
from pathlib import Path

import numpy as np

from metasim_backend.datasets.readers.pictures import DatasetError

COLUMNS = ("frame", "height", "class", "ymin", "ymax")


def counts_in_table(path: Path, classes: Collection[str], least_height: float) -> np.ndarray:
    """How many boxes of some classes each frame of a table has.

    Args:
        path: a CSV file, or one compressed by gzip, with at least :data:`COLUMNS`: a line a box, in
            pixels; a frame without any has one line with an empty class.
        classes: that are counted together.
        least_height: a box's, as a share of its frame's height; lower ones are not counted.

    Returns:
        [frames] int64, in the table's order.

    Raises:
        DatasetError: when there is no such file, a column is missing or a line cannot be read.
    """
    if not path.is_file():
        raise DatasetError(f"There is no table of boxes {path}; choose a CSV file.")
    counts: dict[str, int] = {}
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DatasetError(f"The table {path} has no column {missing[0]!r}.")
            for row in reader:
                counts.setdefault(row["frame"], 0)
                if row["class"] in classes:
                    height = (float(row["ymax"]) - float(row["ymin"])) / float(row["height"])
                    counts[row["frame"]] += height >= least_height
    except (OSError, ValueError, TypeError, csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"The table {path} cannot be read: {error}.") from None
    if not counts:
        raise DatasetError(f"The table {path} has no frame.")
    return np.array(list(counts.values()), dtype=np.int64)
