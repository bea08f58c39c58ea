"""When hands have done something to a street: after the operator that did it has ended.

Blender does not tell whether the mouse still moves an object. But it lists an operator once it has
ended, so a new one at the list's end says so. What changes without an operator (a field of
Blender's own sidebar) is taken in as soon as it rests.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from .hand_edits import take_in

REST = 1.0  # seconds


class HandWatch:
    """Takes in what hands have done when nothing is moved any more."""

    def __init__(self) -> None:
        self._changed = 0.0
        self._operator: tuple[int, str] | None = None

    def note(self) -> None:
        """Something has changed in a scene."""
        self._changed = time.monotonic()

    def beat(self, context: Any) -> bool:
        """Take in what has been done, if it is done.

        Args:
            context: Blender's, in a timer.

        Returns:
            Whether anything was taken in.
        """
        if not self._changed:
            return False
        last = _last_operator(context.window_manager)
        if last == self._operator and time.monotonic() - self._changed < REST:
            return False
        window = context.window_manager.windows[0] if context.window_manager.windows else None
        if window is None or _is_dragging(window):
            return False
        self._operator, self._changed = last, 0.0
        done = take_in(window.scene, eye_of(window))
        self._changed = 0.0  # what was put back just now
        return done


def _last_operator(manager: Any) -> tuple[int, str] | None:
    operators = manager.operators
    return (operators[-1].as_pointer(), operators[-1].bl_idname) if operators else None


def _is_dragging(window: Any) -> bool:
    """Whether an operator follows the mouse: told from Blender 4.2 on."""
    running = getattr(window, "modal_operators", ())
    return any(one.bl_idname.startswith(("TRANSFORM", "OBJECT", "VIEW3D")) for one in running)


def eye_of(window: Any) -> np.ndarray | None:
    """(3,) from where a window's largest 3D view looks, metres; None for one in parallel."""
    views = [area for area in window.screen.areas if area.type == "VIEW_3D"]
    if not views:
        return None
    view = max(views, key=lambda area: area.width * area.height).spaces.active.region_3d
    if not view.is_perspective:
        return None
    return np.array(view.view_matrix.inverted().translation)
