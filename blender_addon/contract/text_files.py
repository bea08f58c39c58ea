"""Text and JSON that others wrote, with errors that say where and why."""

from __future__ import annotations

import json
import os
from pathlib import Path

MOST_SHOWN = 80
"""Letters of a value that a message repeats."""
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)


class TextFileError(ValueError):
    """A text that cannot be read: "PATH CAUSE; REMEDY.", one sentence."""


def read_text(path: str | os.PathLike) -> str:
    """A file's text: UTF-8, or what a byte order mark says it is.

    Raises:
        TextFileError: when it is missing, or holds other bytes.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise TextFileError(f"{path} cannot be read ({error.strerror}).") from None
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        name = encoding.upper().removesuffix("-SIG")
        raise TextFileError(f"{path}, line {line}, is not {name}; save it as UTF-8.") from None


def read_json(path: str | os.PathLike) -> object:
    """What a JSON file holds.

    Raises:
        TextFileError: when it is missing or is not JSON, with line and column.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{path}, line {error.lineno}, column {error.colno}"
        raise TextFileError(f"{where}: not JSON ({error.msg}); correct it.") from None
    except RecursionError:
        raise TextFileError(f"{path} is nested too deeply; correct it.") from None
    except ValueError:  # Python reads no number of some thousand digits
        raise TextFileError(f"{path} has a number of too many digits; correct it.") from None


def shown(value: object) -> str:
    """A value for a message, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # a number of some thousand digits
        return "a number of too many digits"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 4]} ..."
