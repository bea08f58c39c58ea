"""Blender as a renderer: jobs to its workers, frames back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from blender_addon.contract import scene_graph
from blender_addon.contract.frames import (
    AttributeStep,
    Difference,
    Frame,
    RenderSettings,
    frame_from_message,
)
from blender_addon.contract.scene_graph import SceneGraph
from blender_addon.contract.wire import Message
from metasim_backend.rendering.workers import WorkerPool, WorkerSettings

_NOT_AS_ASKED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""What reading raises on an answer that is none."""


class BlenderRenderer:
    """Renders scene graphs of the driving world in Blender's workers, in parallel.

    Args:
        workers: how many, and which Blender.
    """

    name = "blender"

    def __init__(self, workers: WorkerSettings | None = None) -> None:
        self.pool = WorkerPool(workers)

    def render(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        progress: Callable[[int], object] | None = None,
        *,
        next_scenes: Sequence[SceneGraph | None] | None = None,
    ) -> list[Frame]:
        """One frame a scene; `progress` is told how many more are done.

        Args:
            next_scenes: for the pass ``flow``, where each scene goes from there; None: nowhere.

        Raises:
            RenderingError: when a scene fails twice, naming it and the end of the worker's log.
        """
        after = [None] * len(scenes) if next_scenes is None else next_scenes
        futures = [
            self.pool.submit(
                "render",
                _job(scene, wanted) | _next(following),
                _name(scene),
                partial(_frame, size=(wanted.width, wanted.height)),
            )
            for scene, wanted, following in zip(scenes, settings, after, strict=True)
        ]
        frames = []
        for future in futures:
            frames.append(future.result())
            if progress:
                progress(1)
        return frames

    def differences(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        steps: Sequence[Sequence[AttributeStep]],
        *,
        full_frame: bool = False,
    ) -> list[list[Difference]]:
        futures = [
            self.pool.submit(
                "differences",
                _job(scene, wanted)
                | {"steps": [asdict(step) for step in some], "full_frame": full_frame},
                _name(scene),
                partial(_differences, count=len(some)),
            )
            if some
            else None
            for scene, wanted, some in zip(scenes, settings, steps, strict=True)
        ]
        return [future.result() if future else [] for future in futures]

    def close(self) -> None:
        self.pool.close()

    def __enter__(self) -> BlenderRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _job(scene: SceneGraph, settings: RenderSettings) -> dict:
    return {"scene": scene_graph.to_dict(scene), "settings": settings.to_dict()}


def _next(scene: SceneGraph | None) -> dict:
    return {} if scene is None else {"next_scene": scene_graph.to_dict(scene)}


def _name(scene: SceneGraph) -> str:
    return f"The scene with seed {scene.seed} ({len(scene)} nodes)"


def _frame(answer: Message, size: tuple[int, int]) -> Frame:
    """The frame of an answer.

    Raises:
        ValueError: when it is none, or of another size.
    """
    try:
        frame = frame_from_message(dict(answer.body), dict(answer.arrays))
        if answer.kind != "frame" or frame.size != size:
            raise ValueError(f"a {answer.kind[:20]!r} of {frame.size} pixels, not {size}")
        return frame
    except _NOT_AS_ASKED as error:
        raise ValueError(f"its frame cannot be read: {type(error).__name__} {error}") from None


def _differences(answer: Message, count: int) -> list[Difference]:
    """Cut the concatenated windows apart, checking that sizes and counts agree.

    Raises:
        ValueError: when they do not.
    """
    try:
        windows = [tuple(int(v) for v in window) for window in answer.body["windows"]]  # type: ignore[attr-defined]
        values = answer.arrays["values"].reshape(-1)
        sizes = [max(y1 - y0, 0) * max(x1 - x0, 0) * 3 for x0, y0, x1, y1 in windows]
        if len(windows) != count or sum(sizes) != values.size:
            raise ValueError(f"{len(windows)} windows, {values.size} values for {count} steps")
        parts = np.split(values, np.cumsum(sizes)[:-1]) if windows else []
        return [
            Difference((x0, y0, x1, y1), part.reshape(y1 - y0, x1 - x0, 3))
            for (x0, y0, x1, y1), part in zip(windows, parts, strict=True)
        ]
    except _NOT_AS_ASKED as error:
        raise ValueError(
            f"its differences cannot be read: {type(error).__name__} {error}"
        ) from None
