"""How far a run has come, from the files in its folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from blender_addon.contract.panel import ALL_PHASES
from blender_addon.contract.phases import PHASES
from metasim_backend.run_files.metrics import read_metrics
from metasim_backend.serving.users_paths import existing_run

if TYPE_CHECKING:
    from metasim_backend.settings import TrainSettings

CURVES = {phase.curve: phase.name for phase in PHASES if phase.curve}
"""The measurements that are shown as curves, and the phase each belongs to."""
MOST_POINTS = 500
PHASE_OF = {"surrogate": "match"}
"""Of a stage that does a phase in another way and has a name of its own."""


def describe_run(body: Mapping[str, object]) -> dict:
    """The answer to a request ``run``."""
    run = existing_run(body["run"])
    from metasim_backend.training.run_config import open_run

    folder, config = open_run(run)
    entries = read_metrics(folder.metrics)
    steps = steps_of(config.settings)
    return {
        "grammar": config.grammar.to_dict(),
        "domain": config.grammar.domain,
        "target": str(config.target) if config.target else None,
        "validation": str(config.validation) if config.validation else None,
        "phases": list(config.settings.phases),
        "done": {name: done for name, done in steps_done(entries).items() if name in steps},
        "steps": steps,
        "has_checkpoint": folder.has_checkpoint(),
        "finished": (folder.report_data / "summary.json").is_file(),
        "curves": {name: thinned(points) for name, points in curves(entries).items()},
    }


def steps_of(settings: TrainSettings) -> dict[str, int]:
    """How many steps each phase of a run has."""
    from metasim_backend.training.plan import make_plan

    ends = {PHASE_OF.get(stage.name, stage.name): stage.end for stage in make_plan(settings)}
    return {name: end for name, end in ends.items() if name in ALL_PHASES}


def steps_done(entries: Iterable[dict]) -> dict[str, int]:
    """Steps that each phase has measurements of."""
    done = dict.fromkeys(ALL_PHASES, 0)
    for entry in entries:
        name, step = entry.get("phase"), entry.get("step")
        phase = PHASE_OF.get(str(name), name)
        if phase in done and isinstance(step, int):
            done[phase] = max(done[phase], step + 1)
    return done


def curves(entries: Iterable[dict]) -> dict[str, list[list[float]]]:
    """Each curve as [[step, value], ...] in the steps' order; a later value of a step counts."""
    found: dict[str, dict[int, float]] = {name: {} for name in CURVES}
    for entry in entries:
        for name, phase in CURVES.items():
            value, step = entry.get(name), entry.get("step")
            if entry.get("phase") == phase and isinstance(step, int) and _is_number(value):
                found[name][step] = value
    return {name: [list(point) for point in sorted(known.items())] for name, known in found.items()}


def thinned(points: list[list[float]]) -> list[list[float]]:
    """At most ``MOST_POINTS`` of the points, evenly spaced, the first and the last among them."""
    if len(points) <= MOST_POINTS:
        return points
    return [points[i] for i in np.linspace(0, len(points) - 1, MOST_POINTS).round().astype(int)]


def latest_picture(run: Path) -> tuple[int, np.ndarray] | None:
    """The newest picture of the first scene that the run follows: its step, [H, W, 3] uint8."""
    from metasim_backend.datasets.readers.pictures import DatasetError, read_picture

    newest = max((run / "report_data/pictures/progress").glob("[0-9]*_00.png"), default=None)
    if newest is None:
        return None
    try:
        return int(newest.stem.partition("_")[0]), np.asarray(read_picture(newest))
    except (DatasetError, ValueError):  # it is being written
        return None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
