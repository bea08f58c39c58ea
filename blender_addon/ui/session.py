"""What the add-on knows while Blender runs and no file keeps: the link, what runs, the stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import bpy

from ..contract.child_counts import ChildCounts
from ..contract.scene_graph import SceneGraph
from ..contract.version import ADDON_VERSION
from .backend_process import BackendProcess, LinkError, backend_command
from .link import CONNECTED, LOST, OFF, Link
from .preferences import backend_python, preferences
from .progress import DatasetProgress, TrainingProgress
from .street_in_file import StreetInFile
from .street_views import StreetViews
from .training_icons import TrainingIcons

PANELS = ("backend", "scene", "render", "train", "dataset")


class Session:
    """The state of one registered add-on. Only the main thread may use it.

    Attributes:
        link: to the backend.
        street: the objects of the file's street.
        views: the 3D views that it has filled.
        training, dataset: how far they are.
        grammars: what the backend ships, as in ``contract.panel``.
        said: panel -> the last error's sentence; no entry when all is well.
        icons: the training's curves and picture; None without a window.
        written: the picture's file that was rendered last; empty when none was written.
        busy: what a modal operator waits for, and how far it is in [0, 1]; empty when none does.
    """

    def __init__(self) -> None:
        self.link = Link(ADDON_VERSION, bpy.app.version_string)
        self.street = StreetInFile()
        self.views = StreetViews()
        self.training = TrainingProgress()
        self.dataset = DatasetProgress()
        self.grammars: tuple[Mapping[str, Any], ...] = ()
        self.classes: dict[str, Mapping[str, Any]] = {}
        self.children: dict[str, ChildCounts] = {}
        self.said: dict[str, str] = {}
        self.icons: TrainingIcons | None = None if bpy.app.background else TrainingIcons()
        self.written = ""
        self.busy = ""
        self.busy_share = 0.0
        self._seen_state = OFF
        self._later: list[tuple[Future, Callable[[Mapping[str, Any]], None]]] = []

    def connect(self) -> None:
        """Start a backend, or dial one, as the preferences say; returns at once.

        Raises:
            LinkError: when there is nothing to start.
        """
        wanted = preferences()
        self.said.pop("backend", None)
        if wanted.how == "DIAL":
            self.link.dial(wanted.host, wanted.port, wanted.token)
        else:
            self.link.start(BackendProcess(backend_command(backend_python())))

    def need_link(self) -> None:
        """Connect unless that is done or on its way; requests may be made at once.

        Raises:
            LinkError: when there is nothing to start.
        """
        if self.link.state in (OFF, LOST):
            self.connect()

    def later(self, future: Future, then: Callable[[Mapping[str, Any]], None]) -> None:
        """Call ``then`` with the answer, on the main thread; an error is dropped."""
        self._later.append((future, then))

    def pump(self, budget: float = 0.005) -> set[str]:
        """Take in what the link has brought, for at most about so many seconds.

        Returns:
            The panels that have something new to show.
        """
        end = time.perf_counter() + budget
        changed: set[str] = set()
        if self.link.state != self._seen_state:
            self._seen_state = self.link.state
            changed.update(PANELS)
            self._state_changed()
        for waiting in list(self._later):
            future, then = waiting
            if future.done():
                self._later.remove(waiting)
                if future.exception() is None:
                    then(future.result())
                changed.update(PANELS)
        while time.perf_counter() < end:
            found = self.link.events(most=1)
            if not found:
                break
            if found[0].topic == "train":
                self._train_event(found[0].body, found[0].arrays)
                changed.add("train")
            elif found[0].topic == "dataset":
                self.dataset.take(found[0].body)
                changed.add("dataset")
        return changed

    def any_classes(self, graph: SceneGraph) -> Mapping[str, Any]:
        """What a grammar that was met before says of a scene graph's classes; else empty."""
        wanted = {node.class_name for node in graph.nodes}
        return next((known for known in self.classes.values() if wanted <= set(known)), {})

    def close(self) -> None:
        """Hang up and end what was started here; waits for its end."""
        self.link.close(wait=5.0)
        if self.icons is not None:
            self.icons.close()
            self.icons = None
        self.street.forget()
        self.views.forget()

    def _state_changed(self) -> None:
        if self.link.state == CONNECTED:
            self.said.pop("backend", None)
            self.later(self.link.ask("grammars"), self._take_grammars)
        elif self.link.state == LOST:
            self.said["backend"] = self.link.sentence
            for work in (self.training, self.dataset):
                if work.active:
                    work.state, work.sentence = "failed", "The backend is gone."

    def _take_grammars(self, result: Mapping[str, Any]) -> None:
        self.grammars = tuple(result.get("grammars", ()))

    def _train_event(self, body: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        unknown = body.get("run") != self.training.run
        self.training.take(body, arrays)
        if unknown and self.training.run:
            self.later(
                self.link.ask("run", run=self.training.run),
                lambda result: self.training.add_points(result.get("curves") or {}),
            )


_current: Session | None = None


def session() -> Session:
    """The registered add-on's session.

    Raises:
        LinkError: when the add-on is not registered.
    """
    if _current is None:
        raise LinkError("Meta-Sim is not enabled; enable it in Blender's preferences.")
    return _current


def begin() -> None:
    """Make a new session, when the add-on is registered."""
    global _current
    _current = Session()


def end() -> None:
    """Close the session, when the add-on is unregistered or Blender ends."""
    global _current
    if _current is not None:
        _current.close()
    _current = None
