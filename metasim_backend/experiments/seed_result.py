"""What one seed has measured so far, and the runs that it measures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metasim_backend.experiments.experiment import ExperimentError
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.run_files.atomic_files import write_text
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.training.loop import train
from metasim_backend.training.run_config import RunConfig, open_run
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.training.target import Target


class SeedResult:
    """Plain data in a file that is written whole after each part of the work.

    Attributes:
        content: what the file holds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def put(self, name: str, value: object) -> None:
        """Set one entry and write the file."""
        self.content[name] = value
        write_text(self._path, json.dumps(self.content, indent=1))

    def put_in(self, name: str, row: str, value: object) -> None:
        """Set one entry of a table by row and write the file."""
        self.put(name, {**self.content.get(name, {}), row: value})

    def note_seconds(self, part: str, seconds: float) -> None:
        """Note a part's time; of a part that was done before the first time counts."""
        self.content.setdefault("seconds", {}).setdefault(part, round(seconds, 1))


def open_or_begin(path: Path, config: RunConfig) -> RunFolder:
    """The run's folder: made, or gone on with when it was begun with the same.

    Raises:
        ExperimentError: when it was begun with other settings, another grammar or target.
    """
    if not RunFolder.exists(path):
        return RunFolder.create(path, config.to_dict())
    folder, begun = open_run(path)
    same = (begun.settings, begun.grammar, begun.target)
    if same != (config.settings, config.grammar, config.target):
        raise begun_otherwise(path)
    return folder


def begun_otherwise(path: Path) -> ExperimentError:
    """What is said of a folder that may not be gone on with."""
    return ExperimentError(
        f"{path} was begun with other settings, another grammar or another target; choose another "
        "folder with --run, or remove it."
    )


def trained(
    folder: RunFolder,
    config: RunConfig,
    target: Target,
    renderer: DifferenceRenderer,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Services, State]:
    """A run, trained to the end from wherever an earlier call was interrupted."""
    services = Services(
        *(folder, config.grammar, config.settings, target, renderer),
        command=config.command,
        quiet=True,
        clock=clock,
    )
    return services, train(services)
