"""Reading the lines that a :class:`~metasim_backend.run_files.progress.Progress` prints."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"(?P<name>.+) (?:begins|goes on|done|stopped): (?P<done>\d+) of (?P<total>\d+)")


@dataclass(frozen=True)
class ProgressLine:
    """So many steps of what has this name are done."""

    name: str
    done: int
    total: int


def read_progress_line(line: str) -> ProgressLine | None:
    """The line's numbers, or None when it says something else."""
    found = _LINE.match(line.strip())
    return ProgressLine(found["name"], int(found["done"]), int(found["total"])) if found else None
