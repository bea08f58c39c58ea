"""Operators that wait for another program: without freezing a window, blocking in a script.

An operator's ``steps`` is a generator that yields futures and gets their results. A button runs
it as a modal operator that looks at the future from time to time, so that Blender goes on and ESC
ends the waiting; a script, or Blender without a window, waits for each future in turn.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import CancelledError
from typing import Any, Protocol

import bpy

from .redraw import redraw_panels
from .sentences import sentence_of
from .session import session

EVERY = 0.05  # seconds between two looks
Steps = Generator["Awaited", Any, None]


class Awaited(Protocol):
    """What a step waits for; ``concurrent.futures.Future`` is one."""

    def done(self) -> bool: ...
    def result(self) -> Any: ...
    def cancel(self) -> Any: ...


class Waiting:
    """Mixin of operators whose ``steps(context)`` is a generator.

    Attributes:
        panel: whose sentence an error becomes.
        doing: what the panel says meanwhile.
    """

    panel = "backend"
    doing = "Working"

    def steps(self, context: Any) -> Steps:
        raise NotImplementedError

    def execute(self, context: Any) -> set[str]:
        """To the end, blocking."""
        session().said.pop(self.panel, None)
        steps = self.steps(context)
        try:
            awaited = next(steps)
            while True:
                try:
                    result = awaited.result()
                except ValueError as error:
                    awaited = steps.throw(error)
                else:
                    awaited = steps.send(result)
        except StopIteration:
            return {"FINISHED"}
        except (ValueError, OSError, RuntimeError) as error:
            return self._fail(error)

    def invoke(self, context: Any, event: Any) -> set[str]:
        """In a window: modal."""
        if bpy.app.background:
            return self.execute(context)
        now = session()
        if now.busy:
            self.report({"WARNING"}, f"{now.busy}; wait, or press ESC.")  # type: ignore[attr-defined]
            return {"CANCELLED"}
        now.said.pop(self.panel, None)
        self._steps = self.steps(context)
        try:
            self._awaited = next(self._steps)
        except StopIteration:
            return {"FINISHED"}
        except (ValueError, OSError, RuntimeError) as error:
            return self._fail(error)
        now.busy, now.busy_share = self.doing, 0.0
        manager = context.window_manager
        self._timer = manager.event_timer_add(EVERY, window=context.window)
        manager.modal_handler_add(self)
        redraw_panels()
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Look whether the next result is there."""
        if event.type == "ESC" and event.value == "PRESS":
            self._awaited.cancel()
            self._leave(context)
            session().said[self.panel] = f"{self.doing}: cancelled."
            return {"CANCELLED", "PASS_THROUGH"}  # a render of Blender's own waits for it too
        if event.type != "TIMER" or not self._awaited.done():
            return {"PASS_THROUGH"}
        try:
            try:
                result = self._awaited.result()
            except ValueError as error:
                self._awaited = self._steps.throw(error)
            else:
                self._awaited = self._steps.send(result)
        except StopIteration:
            self._leave(context)
            return {"FINISHED"}
        except (ValueError, OSError, RuntimeError, CancelledError) as error:
            self._leave(context)
            return self._fail(error)
        except BaseException:
            self._leave(context)
            raise
        return {"PASS_THROUGH"}

    def cancel(self, context: Any) -> None:
        """Blender ends, or opens another file."""
        self._leave(context)

    def _leave(self, context: Any) -> None:
        self._steps.close()
        context.window_manager.event_timer_remove(self._timer)
        session().busy = ""
        redraw_panels()

    def _fail(self, error: Exception) -> set[str]:
        sentence = sentence_of(error)
        session().said[self.panel] = sentence
        redraw_panels()
        # A button's error stands in the panel; a script gets it as an exception.
        waited = self.options.is_invoke  # type: ignore[attr-defined]
        self.report({"WARNING" if waited else "ERROR"}, sentence)  # type: ignore[attr-defined]
        return {"CANCELLED"}
