"""Blender's own clock and handlers: what the link brings reaches the panels, undo is followed."""

from __future__ import annotations

import traceback

import bpy
from bpy.app.handlers import persistent

from . import selection
from .hand_watch import HandWatch
from .redraw import redraw_panels
from .session import session

EVERY = 0.1  # seconds
_hands = HandWatch()


def _beat() -> float:
    now = session()
    changed = now.pump()
    drawn = now.icons is not None and bool(now.training.state) and now.icons.follow(now.training)
    now.views.follow(bpy.context.window_manager.windows)
    if not now.busy and _hands_did():
        changed.add("scene")
    if changed or drawn or now.busy:
        redraw_panels()
    return EVERY


def _hands_did() -> bool:
    """Whether hands have done something to the street."""
    try:
        return _hands.beat(bpy.context)
    except Exception:  # Blender takes a timer that raises out of use, and all panels would stand
        traceback.print_exc()
        return False


@persistent
def _changed(scene: bpy.types.Scene, *_: object) -> None:
    if scene.metasim.graph:
        _hands.note()


@persistent
def _undone(*_: object) -> None:
    session().street.forget()
    _hands.note()


@persistent
def _opened(*_: object) -> None:
    session().street.forget()
    session().views.forget()
    session().said.clear()
    selection.stop_listening()
    selection.listen()


_HANDLERS = (
    ("undo_post", _undone),
    ("redo_post", _undone),
    ("load_post", _opened),
    ("depsgraph_update_post", _changed),
)


def start() -> None:
    """Begin to beat, and follow undo and the opening of files."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    if not bpy.app.background:
        bpy.app.timers.register(_beat, first_interval=EVERY, persistent=True)
        selection.listen()


def stop() -> None:
    """Undo :func:`start`."""
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    if bpy.app.timers.is_registered(_beat):
        bpy.app.timers.unregister(_beat)
    selection.stop_listening()
