"""Reading JSON that others wrote, with errors that say where."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from blender_addon.contract import text_files
from metasim_backend.datasets.readers.pictures import DatasetError

LARGEST = 1e7
"""Of a box's numbers, in pixels; there is no larger picture."""


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        DatasetError: when it is missing, is not JSON, or is not an object.
    """
    try:
        content = text_files.read_json(path)
    except text_files.TextFileError as error:
        raise DatasetError(str(error)) from None
    if not isinstance(content, dict):
        raise DatasetError(f"{path} holds a {type(content).__name__}, not a JSON object.")
    return content


def finite_box(values: object, where: str) -> tuple[float, float, float, float]:
    """Four numbers of pixels.

    Raises:
        DatasetError: that begins with ``where``.
    """
    if not isinstance(values, list) or len(values) != 4 or not all(is_finite(v) for v in values):
        raise DatasetError(
            f"{where}: {text_files.shown(values)} is not a box of four numbers; correct it."
        )
    a, b, c, d = (float(v) for v in values)
    if max(abs(a), abs(b), abs(c), abs(d)) > LARGEST:
        raise DatasetError(f"{where}: {text_files.shown(values)} lies in no picture; give pixels.")
    return a, b, c, d


def is_finite(value: object) -> bool:
    """Whether it is a number that a float holds, and not infinite."""
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False
