"""The run's results are measured and its page is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from metasim_backend.reporting.report import write_report
from metasim_backend.training.checkpoint import save_state
from metasim_backend.training.results import write_results
from metasim_backend.training.services import Services
from metasim_backend.training.stages.stage import Stage
from metasim_backend.training.state import State


@dataclass(frozen=True)
class Report(Stage):
    """The last stage."""

    name: ClassVar[str] = "report"
    phase: ClassVar[str] = "report"
    label: ClassVar[str] = "Report"
    has_steps: ClassVar[bool] = False

    def run(self, state: State, services: Services) -> None:
        write_results(state, services)
        save_state(state, services)
        write_report(services.folder.path)
