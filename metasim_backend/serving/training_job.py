"""A training for the panel: ``metasim train`` as a child, followed through its run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from blender_addon.contract.panel import event
from blender_addon.contract.wire import Message
from metasim_backend.datasets.readers.pictures import list_pictures
from metasim_backend.grammar import load_grammar
from metasim_backend.run_files.events import Event
from metasim_backend.serving.job import Job, Tell
from metasim_backend.serving.run_state import CURVES, latest_picture
from metasim_backend.serving.users_paths import (
    RequestError,
    executable,
    existing_file,
    existing_folder,
    existing_run,
    new_run,
)


class TrainingJob(Job):
    """A run under way.

    Args:
        run: its folder.
        arguments, log, tell: see :class:`Job`.
    """

    topic, what, interrupted = "train", "training", "stopped"

    def __init__(self, run: Path, arguments: list[str], log: Path, tell: Tell) -> None:
        self.run = run
        self._points: dict[str, list[list[float]]] = {name: [] for name in CURVES}
        self._metrics: dict[str, float] = {}
        self._picture: tuple[int, np.ndarray] | None = None
        self._bars: list[Mapping[str, object]] | None = None
        self._new_bars = False
        super().__init__(arguments, log, tell)

    def pause(self) -> None:
        """Stop the work where it is.

        Raises:
            RequestError: when nothing is running.
        """
        with self._lock:
            if self.state not in ("starting", "running"):
                raise RequestError(f"The training is {self.state}, so it cannot be paused.")
            self.state = "paused"
            self.child.pause()
        self.tell()

    def resume(self) -> None:
        """Go on where it was paused.

        Raises:
            RequestError: when it is not paused.
        """
        with self._lock:
            if self.state != "paused":
                raise RequestError(
                    f"The training is {self.state}, not paused; start it with its run to go on."
                )
            self.state = "running" if self.progress else "starting"
            self.child.resume()
        self.tell()

    def body(self) -> dict[str, object]:
        with self._lock:
            last = self.progress
            return {
                "run": str(self.run),
                "state": self.state,
                "phase": last.activity if last else None,
                "step": last.step if last else 0,
                "steps": last.total if last else 0,
                "seconds": self.seconds,
                "metrics": dict(self._metrics),
                "points": {name: [] for name in CURVES},
                "sentence": self.sentence,
            }

    def snapshot(self) -> Message:
        body = self.body()
        if self._bars is not None:
            body["attributes"] = self._bars
        arrays = {}
        if self._picture is not None:
            body["picture_step"], arrays["picture"] = self._picture
        return event(self.topic, body, arrays)

    def take(self, told: Event) -> None:
        measured = {name: value for name, value in told.values.items() if value is not None}
        if measured:
            self._metrics = {n: v for n, v in self._metrics.items() if n in CURVES} | measured
        for name, stage in CURVES.items():
            if told.stage == stage and name in measured:
                self._points[name].append([told.measured_at, measured[name]])
        if told.attributes is not None:
            self._bars, self._new_bars = list(told.attributes), True

    def news(self) -> tuple[Mapping[str, object], Mapping[str, np.ndarray]]:
        more: dict[str, object] = {}
        arrays = {}
        with self._lock:
            if any(self._points.values()):
                more["points"] = self._points
                self._points = {name: [] for name in CURVES}
            if self._new_bars:
                self._new_bars, more["attributes"] = False, self._bars
        picture = latest_picture(self.run)
        if picture is not None and (self._picture is None or picture[0] != self._picture[0]):
            self._picture = picture
            more["picture_step"], arrays["picture"] = picture
        return more, arrays


def train_arguments(body: Mapping[str, object]) -> tuple[Path, list[str]]:
    """Check a request ``train_start``.

    Returns:
        The run's folder, and the arguments of ``metasim``.

    Raises:
        RequestError, GrammarError, DatasetError, SettingsError: the user's mistakes.
    """
    from metasim_backend.settings import settings_from_dict, with_overrides

    resume = body["resume"]
    run = existing_run(body["run"]) if resume else new_run(body["run"])
    arguments = ["train", "--run", str(run), *worker_arguments(body)]
    if resume:
        return run, [*arguments, "--resume"]
    if body["grammar"] is None:
        raise RequestError("A training needs a grammar; choose a grammar file.")
    if body["target"] is None:
        raise RequestError("A training needs target pictures; choose a folder of them.")
    grammar = existing_file(body["grammar"], "grammar file")
    load_grammar(grammar)
    target = existing_folder(body["target"], "target folder")
    list_pictures(target, "target folder")
    phases = texts(body["phases"])
    if not phases:
        raise RequestError("No phase is switched on; choose at least one.")
    overrides = texts(body["overrides"])
    settings_from_dict(with_overrides({"phases": phases}, overrides))
    arguments += ["--target", str(target), "--phases", ",".join(phases)]
    if body["validation"] is not None:
        arguments += ["--validation", str(existing_folder(body["validation"], "labelled folder"))]
    for text in overrides:
        arguments += [f"--set={text}"]
    return run, [*arguments, str(grammar)]


def worker_arguments(body: Mapping[str, object]) -> list[str]:
    """The options that choose Blender's workers."""
    blender = executable(body["blender"])
    arguments = ["--blender", blender] if blender else []
    if body["workers"] is not None:
        arguments += ["--workers", str(body["workers"])]
    return arguments


def texts(value: object) -> list[str]:
    assert isinstance(value, (list, tuple))
    return [str(item) for item in value]
