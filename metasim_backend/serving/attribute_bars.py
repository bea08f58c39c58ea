"""Where each learned attribute stands, prior against learned, while a run is being trained."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from metasim_backend.reporting.attributes import attribute_table, read_attributes

if TYPE_CHECKING:
    from blender_addon.contract.scene_graph import SceneGraph
    from metasim_backend.grammar import Grammar

SCENES = 48
EVERY = 4.0
"""Least seconds between two looks at the checkpoint."""
SHARE = 0.1
"""Most of one core's time that the looks take: they must not slow what they look at."""


class AttributeBars:
    """Looks at a run's checkpoint now and then.

    Args:
        run: the run's folder.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._seen = 0
        self._next = 0.0
        self._prior: tuple[Grammar, list[SceneGraph]] | None = None

    def look(self, *, at_once: bool = False) -> list[dict] | None:
        """The bars when there is a new checkpoint and it is time (or at once), else None."""
        checkpoint = self._run / "checkpoints" / "last.pt"
        try:
            stamp = checkpoint.stat().st_mtime_ns
        except OSError:
            return None
        if stamp == self._seen or (time.monotonic() < self._next and not at_once):
            return None
        started = time.monotonic()
        bars = self._bars()
        self._seen = stamp
        taken = time.monotonic() - started
        self._next = time.monotonic() + max(EVERY, taken * (1 / SHARE - 1))
        return bars

    def _bars(self) -> list[dict]:
        import torch

        from metasim_backend.training.evaluation import attribute_report
        from metasim_backend.training.run_config import load_generator, open_run
        from metasim_backend.training.seeds import derive_seed

        torch.set_num_threads(1)
        generator = load_generator(*open_run(self._run))
        if self._prior is None or self._prior[0] != generator.grammar:
            seeds = [derive_seed(0, "bars", i) for i in range(SCENES)]
            self._prior = generator.grammar, generator.prior(seeds)
        prior = self._prior[1]
        return bars(attribute_report(generator, prior, generator.transform_all(prior, 0)))


def bars(report: dict[str, dict]) -> list[dict]:
    """The panel's form of an attribute report; what moved farthest comes first."""
    samples = {item.name: item for item in read_attributes(report)}
    found = []
    for row in attribute_table(report):
        item = samples[row.name]
        if row.prior is None or row.learned is None or row.kind == "categorical":
            continue
        if row.kind == "circular":
            limits = (-(item.period or 0.0) / 2, (item.period or 0.0) / 2)
        elif item.range is not None:
            limits = item.range
        else:
            continue
        numbers = [
            float(n)
            for n in (row.prior.mean, row.prior.spread, row.learned.mean, row.learned.spread)
        ]
        if not all(map(math.isfinite, (*numbers, *limits))):
            continue
        found.append(
            {
                "name": row.name,
                "unit": row.unit,
                "kind": row.kind,
                "prior": numbers[:2],
                "learned": numbers[2:],
                "range": list(limits),
            }
        )
    return found
