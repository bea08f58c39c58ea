"""A run's measurements: a JSON line a step, and the same for TensorBoard."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasim_backend.run_files.atomic_files import write_text
from metasim_backend.run_files.events import Event

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Metrics:
    """Listens to measurements and appends them. After a resume those of steps that are taken again
    are dropped first.

    Args:
        path: the ``metrics.jsonl``.
        tensorboard: the folder for TensorBoard's files, or None for none. There are none either in
            folders whose names are no UTF-8, in which TensorBoard cannot write.
    """

    def __init__(self, path: Path, tensorboard: Path | None = None) -> None:
        self._path = path
        self._tensorboard = tensorboard if tensorboard and _is_text(tensorboard) else None
        self._writer: SummaryWriter | None = None
        self._started = time.monotonic()

    def keep_until(self, steps: dict[str, int]) -> None:
        """Drop lines of a phase from its given step on: those steps will be taken again."""
        entries = read_metrics(self._path)
        kept = [e for e in entries if e.get("step", 0) < steps.get(str(e.get("phase")), 0)]
        if self._path.exists():
            write_text(self._path, "".join(json.dumps(entry) + "\n" for entry in kept))
        if self._tensorboard is not None and len(kept) < len(entries):
            # Each phase counts its own steps, so TensorBoard's own purging from one step on would
            # drop those of earlier phases too.
            self.close()
            for old in self._tensorboard.glob("events.out.tfevents.*"):
                old.unlink()
            for entry in kept:
                self._plot(entry)

    def hear(self, event: Event) -> None:
        """Of an event with measurements one line: the stage as ``phase``, step, seconds since this
        process began, and the values."""
        if not event.values:
            return
        seconds = time.monotonic() - self._started
        entry = {"phase": event.stage, "step": event.measured_at, "seconds": seconds}
        entry |= event.values
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._plot(entry)

    def close(self) -> None:
        """Write what is still in memory."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _plot(self, entry: Mapping[str, Any]) -> None:
        if self._tensorboard is None:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._tensorboard))
        for name, value in entry.items():
            if name not in ("phase", "step", "seconds"):
                number = math.nan if value is None else value
                self._writer.add_scalar(f"{entry['phase']}/{name}", number, entry["step"])


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def read_metrics(path: Path) -> list[dict]:
    """All lines of a ``metrics.jsonl``; one that is cut or damaged is left out."""
    entries = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(entry, dict) and _is_whole(entry):
                entries.append(entry)
    return entries


def _is_whole(entry: Mapping[str, Any]) -> bool:
    numbers = (value for name, value in entry.items() if name != "phase")
    return (
        isinstance(entry.get("phase"), str)
        and isinstance(entry.get("step"), int)
        and all(value is None or _is_number(value) for value in numbers)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e300
