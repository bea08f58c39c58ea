"""A run's measurements: a JSON line a step, and the same for TensorBoard."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

from metasim_backend.run_files.atomic_files import write_text
from metasim_backend.run_files.events import Event


class Metrics:
    """Listens to measurements and appends them. After a resume those of steps that are taken again
    are dropped first.

    Args:
        path: the ``metrics.jsonl``.
        tensorboard: the folder for TensorBoard's files, or None for none.
    """

    def __init__(self, path: Path, tensorboard: Path | None = None) -> None:
        self._path = path
        self._writer = None
        self._started = time.monotonic()
        if tensorboard is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(tensorboard))

    def keep_until(self, steps: dict[str, int]) -> None:
        """Drop lines of a phase from its given step on: those steps will be taken again."""
        if not self._path.exists():
            return
        kept = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # the last line of an interrupted run may be cut
                continue
            if entry.get("step", 0) < steps.get(entry.get("phase"), 0):
                kept.append(line)
        write_text(self._path, "".join(line + "\n" for line in kept))

    def hear(self, event: Event) -> None:
        """Of an event with measurements one line: the stage as ``phase``, step, seconds since this
        process began, and the values."""
        if not event.values:
            return
        stage, step = event.stage, event.measured_at
        entry = {"phase": stage, "step": step, "seconds": time.monotonic() - self._started}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**entry, **event.values}) + "\n")
        if self._writer is not None:
            for name, value in event.values.items():
                number = math.nan if value is None else value
                self._writer.add_scalar(f"{stage}/{name}", number, step)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def read_metrics(path: Path) -> list[dict]:
    """All lines of a ``metrics.jsonl``; a cut last line is left out."""
    entries = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entries.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return entries
