"""Where each learned attribute stands, prior against learned, while a run is being trained."""

from __future__ import annotations

import math
import time

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.reporting.attributes import attribute_table, read_attributes
from metasim_backend.run_files.progress import is_followed
from metasim_backend.training.evaluation import attribute_report
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed

SCENES = 48
EVERY = 4.0
"""Least seconds between two looks."""
SHARE = 0.1
"""Most of the time that the looks take: they must not slow what they look at."""


class AttributeMoments:
    """Looks at a generator now and then, where a program follows the run."""

    def __init__(self) -> None:
        self._next = 0.0
        self._prior: list[SceneGraph] = []

    def look(self, scenes: SceneGenerator, *, at_once: bool = False) -> list[dict] | None:
        """The moments as the panel's bars when it is time (or at once), else None."""
        started = time.monotonic()
        if not is_followed() or (started < self._next and not at_once):
            return None
        if not self._prior:
            self._prior = scenes.prior([derive_seed(0, "bars", i) for i in range(SCENES)])
        learned = scenes.transform_all(self._prior, 0)
        seen = bars(attribute_report(scenes, self._prior, learned))
        now = time.monotonic()
        self._next = now + max(EVERY, (now - started) * (1 / SHARE - 1))
        return seen


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
