"""What a run works with and never changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import RenderSettings
from metasim_backend.camera.renderer import with_camera
from metasim_backend.grammar import Grammar
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.run_files.metrics import Metrics
from metasim_backend.run_files.progress import Progress
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import TrainSettings
from metasim_backend.training.attribute_moments import AttributeMoments
from metasim_backend.training.target import Target


@dataclass(frozen=True, eq=False)
class Services:
    """What every stage is given beside the state.

    Attributes:
        folder: where settings, measurements and checkpoints are.
        grammar: proposes scenes.
        settings: everything else.
        target: what to learn.
        source: makes pictures, or linear light for the run's camera.
        command: the command line, for the report.
        quiet: say nothing of the progress.
        clock: gives the seconds that stages are timed by.
    """

    folder: RunFolder
    grammar: Grammar
    settings: TrainSettings
    target: Target
    source: DifferenceRenderer
    command: tuple[str, ...] = ()
    quiet: bool = False
    clock: Callable[[], float] = time.monotonic

    @cached_property
    def metrics(self) -> Metrics:
        """Writes down the run's measurements."""
        return Metrics(self.folder.metrics, self.folder.tensorboard)

    @cached_property
    def moments(self) -> AttributeMoments:
        """Looks at attributes for whoever follows the run."""
        return AttributeMoments()

    @property
    def render_settings(self) -> RenderSettings:
        return replace(self.settings.rendering.render_settings(), float_image=True)

    def renderer(self, camera: CameraModel) -> DifferenceRenderer:
        """Takes pictures by this camera."""
        return with_camera(self.source, camera)

    def work(
        self, activity: str, label: str, total: int, done: int = 0, shown: str = ""
    ) -> Progress:
        """Progress of something, not yet begun; see :class:`Progress`."""
        return Progress(
            label,
            total,
            done,
            activity=activity,
            shown=shown,
            quiet=self.quiet,
            listeners=(self.metrics,),
        )
