"""A render that goes on beside the window, with Blender's own progress bar and ESC."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy

from ..capture.picture import new_file

# Blender has one flag that forbids writing while a panel is drawn. The window's thread and, it
# seems, the render's both set it and put it back to what they found: where the interpreter lets the
# render's thread in while a panel is being drawn, the flag stays set for the rest of the session.
# Timers can write nothing then and `bpy.ops` refuses (seen in 3.4.1, after 3 to 13 renders beside a
# panel of 20 ms). So nobody is interrupted while a render goes on; drawing takes far less.
UNINTERRUPTED = 1.0  # seconds


class RenderCancelled(ValueError):
    """Someone pressed ESC."""


class RenderJob:
    """Renders a Blender scene, as it is set up, into a file; one at a time.

    What ``waiting.Awaited`` asks for: the result is the file's bytes.
    """

    def __init__(self, scene: Any) -> None:
        self._path = new_file()
        self._over = threading.Event()  # Blender's handlers may run in the render's thread
        self._cancelled = False
        self._scene = scene.name
        self._path_before = scene.render.filepath
        self._interval: float | None = sys.getswitchinterval()
        view = bpy.context.preferences.view
        display = view.render_display_type
        bpy.app.handlers.render_complete.append(self._complete)
        bpy.app.handlers.render_cancel.append(self._cancel)
        scene.render.filepath = str(self._path)
        sys.setswitchinterval(UNINTERRUPTED)
        try:
            view.render_display_type = "NONE"
            bpy.ops.render.render("INVOKE_DEFAULT", write_still=True, scene=scene.name)
        except BaseException:
            self._tidy()
            raise
        finally:
            view.render_display_type = display

    def done(self) -> bool:
        """Whether it has come to an end, and Blender's job too."""
        return self._over.is_set() and not bpy.app.is_job_running("RENDER")

    def result(self) -> bytes:
        """The file that was rendered.

        Raises:
            RenderCancelled: when someone pressed ESC.
        """
        try:
            if self._cancelled:
                raise RenderCancelled("Rendering was cancelled.")
            return self._path.read_bytes()
        except FileNotFoundError:
            raise RuntimeError("Blender rendered, but wrote no picture.") from None
        finally:
            self._tidy()

    def cancel(self) -> None:
        """Blender itself ends a render at ESC; here only the file is forgotten."""
        self._tidy()

    def _complete(self, *_: object) -> None:
        self._over.set()

    def _cancel(self, *_: object) -> None:
        self._cancelled = True
        self._over.set()

    def _tidy(self) -> None:
        if self._interval is not None:
            sys.setswitchinterval(self._interval)
            self._interval = None
        handlers = bpy.app.handlers
        for listed, own in (
            (handlers.render_complete, self._complete),
            (handlers.render_cancel, self._cancel),
        ):
            with suppress(ValueError):
                listed.remove(own)
        if self._scene in bpy.data.scenes:
            bpy.data.scenes[self._scene].render.filepath = self._path_before
        with suppress(FileNotFoundError):
            Path(self._path).unlink()
