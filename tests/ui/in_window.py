"""Runs inside Blender with a window: presses the panels' buttons as a user does, and looks.

Blender is started with ``--enable-event-simulate`` and this file; a plan in JSON says what to do.
Results go to ``results.json`` in the plan's folder, pictures beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

import artist_steps
import failure_steps
import street_steps
import training_steps
from window_hand import (
    FOLDER,
    PLAN,
    RESULTS,
    Steps,
    idle,
    note,
    only,
    open_tab,
    own,
    press,
    session,
    until,
)
from window_stalls import STALLS

STEPS = (street_steps, training_steps, failure_steps, artist_steps)


def run_plan() -> Steps:
    import addon_utils

    addon_utils.enable("metasim", default_set=True)
    bpy.context.preferences.addons["metasim"].preferences.python = PLAN["python"]
    yield 1.0
    if PLAN["press"]:
        yield from open_tab()
    for name in PLAN["do"]:
        try:
            step = next(getattr(one, f"do_{name}") for one in STEPS if hasattr(one, f"do_{name}"))
            yield from step()
        except Exception as error:  # the next ones are tried all the same
            RESULTS["failed"][name] = traceback.format_exc()
            print(RESULTS["failed"][name], flush=True)
            bpy.ops.screen.screenshot(filepath=str(FOLDER / f"failed_in_{name}.png"))
            note(f"{name} failed", error=str(error))
            if PLAN["press"]:
                yield from recover()


def recover() -> Steps:
    """After a failure: no job runs, the backend is there, and a street is shown."""
    if session().training.active:
        yield from only("Train")
        with contextlib.suppress(LookupError):  # it has ended while the button was looked for
            yield from press("train_stop()")
        yield from until(lambda: not session().training.active, 60, "no training runs")
    yield from until(idle, 60, "no job runs")
    yield from only("Backend", "Scene")
    if session().link.state != "connected":
        yield from press("backend_start()")
        yield from until(lambda: session().link.state == "connected", 60, "the backend is there")
    if not own().graph:
        yield from press("sample()")
        yield from until(lambda: own().graph and idle(), 60, "a street is there")


def main() -> None:
    plan = run_plan()

    def tick():
        try:
            return next(plan)
        except StopIteration:
            RESULTS["done"] = True
        except BaseException as error:
            RESULTS["error"] = f"{type(error).__name__}: {error}"
            RESULTS["traceback"] = traceback.format_exc()
            print(RESULTS["traceback"], flush=True)
            try:
                bpy.ops.screen.screenshot(filepath=str(FOLDER / "failed.png"))
            except Exception:
                traceback.print_exc()
        (FOLDER / "results.json").write_text(json.dumps(RESULTS, indent=1))
        session().close()
        os._exit(0)

    bpy.app.timers.register(tick, first_interval=1.0, persistent=True)
    bpy.app.timers.register(STALLS, first_interval=0.1)


bpy.context.preferences.view.show_splash = False
bpy.context.preferences.system.viewport_aa = "OFF"  # slow without a graphics card
main()
