"""Reading JSON that others wrote, with errors that say where."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from metasim_backend.datasets.readers.pictures import DatasetError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        DatasetError: when it is missing, is not JSON, or is not an object.
    """
    try:
        # Some editors put a byte order mark in front.
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{path}, line {error.lineno}, column {error.colno}: not JSON ({error.msg}); "
            "correct it."
        ) from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetError(f"{path} cannot be read ({type(error).__name__}).") from error
    except ValueError as error:  # Python reads no number of some thousand digits
        raise DatasetError(f"{path} has a number of too many digits; correct it.") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} holds a {type(content).__name__}, not a JSON object.")
    return content


def finite_box(values: object, where: str) -> tuple[float, float, float, float]:
    """Four finite numbers.

    Raises:
        DatasetError: that begins with ``where``.
    """
    if not isinstance(values, list) or len(values) != 4 or not all(is_finite(v) for v in values):
        raise DatasetError(f"{where}: {values!r} is not a box of four numbers; correct it.")
    a, b, c, d = (float(v) for v in values)
    return a, b, c, d


def is_finite(value: object) -> bool:
    """Whether it is a number that a float holds, and not infinite."""
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False
