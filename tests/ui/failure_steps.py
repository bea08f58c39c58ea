"""What can go wrong in Blender's window, and what has to be said of it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import bpy
from window_hand import (
    PLAN,
    RESULTS,
    Steps,
    idle,
    note,
    only,
    own,
    press,
    session,
    shot,
    sidebar,
    slowness,
    until,
    view,
    window,
)


def do_death() -> Steps:
    """The backend is killed: said within 5 s, the scene is kept, Start mends it."""
    yield from only("Backend", "Scene")
    kept = own().graph
    process = session().link._talk._process
    began = time.monotonic()
    os.kill(process.pid, 9)
    yield from until(lambda: session().said.get("backend"), 5, "death said in the panel")
    seconds = round(time.monotonic() - began, 2)
    note("death", seconds=seconds, slowness=slowness(), said=session().said["backend"])
    yield from shot("dead")
    yield from press("backend_start()")
    yield from until(lambda: session().link.state == "connected", 60, "started again")
    assert own().graph == kept


def do_escape() -> Steps:
    """A render that takes long is ended by ESC; the key comes from the window system.

    Blender's renders listen to no simulated key, so this plan is for a Blender that simulates none.
    """
    bpy.ops.metasim.load_scene(filepath=PLAN["scene"])
    own().width, own().height, own().preset = 640, 384, "export"
    yield 1.0
    with bpy.context.temp_override(window=window(), area=view(), region=sidebar()):
        bpy.ops.metasim.render_labels("INVOKE_DEFAULT")
    yield from until(lambda: bpy.app.is_job_running("RENDER"), 20, "a long render has begun")
    yield 1.0
    began = time.monotonic()
    keys = ["xdotool", "search", "--class", "blender", "windowfocus", "key", "Escape"]
    subprocess.run(keys, check=True)
    yield from until(lambda: idle() and not bpy.app.is_job_running("RENDER"), 60, "no render runs")
    seconds = round(time.monotonic() - began, 2)
    note("escape", seconds=seconds, slowness=slowness(), said=session().said.get("render"))


def failure(panel: str, call: str, seconds: float = 20) -> Steps:
    """Press a button that must fail, and note the sentence in its panel."""
    session().said.pop(panel, None)
    yield from press(call)
    yield from until(lambda: session().said.get(panel) and idle(), seconds, f"{panel} says why")
    return session().said[panel]


def do_failures() -> Steps:
    """What can go wrong: each has its sentence, and the scene stays."""
    kept, said = own().graph, RESULTS.setdefault("said", {})
    wanted = bpy.context.preferences.addons["metasim"].preferences

    yield from only("Scene")
    own().grammar = PLAN["wrong_grammar"]
    said["a grammar with an error"] = yield from failure("scene", "sample()")
    yield from shot("failed_grammar")
    own().grammar = ""

    yield from only("Dataset")
    own().dataset_folder = PLAN["unwritable"]
    said["an unwritable folder for a data set"] = yield from failure("dataset", "dataset_start()")
    yield from only("Train")
    own().target, own().run = PLAN["target"], PLAN["unwritable"]
    said["an unwritable folder for a run"] = yield from failure("train", "train_start()")
    yield from shot("failed_folder")

    yield from only("Backend", "Scene")
    wanted.how, wanted.host = "DIAL", "127.0.0.1"
    for what, place in PLAN["dial"].items():
        if session().link.state == "connected":
            yield from press("backend_stop()")
            yield from until(lambda: session().link.state == "off", 20, "hung up")
            yield 0.7  # panels move to their new places
        wanted.port, wanted.token = place["port"], place["token"]
        if "pull" not in place:
            said[what] = yield from failure("backend", "backend_start()")
        else:
            yield from press("backend_start()")
            yield from until(lambda: session().link.state == "connected", 20, "connected")
            Path(place["pull"]).touch()
            began = time.monotonic()
            yield from until(lambda: session().said.get("backend"), 10, "the silence is noticed")
            said[what] = session().said["backend"]
            note("pulled", seconds=round(time.monotonic() - began, 2), slowness=slowness())
        yield from shot("failed_" + what.split()[-1])
        assert own().graph == kept, f"after {what} the scene is another"

    wanted.port, wanted.token = PLAN["right"]["port"], PLAN["right"]["token"]
    yield from press("sample(step=1)")
    yield from until(lambda: own().graph != kept and idle(), 60, "Blender goes on")
