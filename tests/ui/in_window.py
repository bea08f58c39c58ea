"""Runs inside Blender with a window: presses the panels' buttons as a user does, and looks.

Blender is started with ``--enable-event-simulate`` and this file; a plan in JSON says what to do.
Results go to ``results.json`` in the plan's folder, pictures beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

import artist_steps
from window_hand import (
    FOLDER,
    FULL,
    PLAN,
    RESULTS,
    SMALL,
    TICK,
    Steps,
    close_others,
    idle,
    note,
    only,
    open_tab,
    own,
    press,
    resize,
    session,
    shot,
    sidebar,
    slowness,
    until,
    view,
    window,
)


class Stalls:
    """The longest pause between two turns of Blender's main loop."""

    def __init__(self) -> None:
        self.name = ""
        self.last = 0.0

    def begin(self, name: str) -> None:
        self.name, self.last = name, 0.0
        RESULTS["stalls"].setdefault(name, [])

    def end(self) -> None:
        self.name = ""

    def __call__(self) -> float:
        now = time.perf_counter()
        if self.name and self.last:
            RESULTS["stalls"][self.name].append(round(1000 * (now - self.last), 1))
        self.last = now
        return 0.002 if self.name else TICK


STALLS = Stalls()


def watch_own_work() -> None:
    """Measure how long the add-on itself holds the main thread: its events and its panels.

    As the clock on the wall has it, and as the main thread was at work, which other programs on the
    same processor do not lengthen.
    """
    now = session()
    spent = RESULTS.setdefault("own_work", [])
    worked = RESULTS.setdefault("own_processor_time", [])

    def timed(function):
        def call(*arguments):
            began, working = time.perf_counter(), time.thread_time()
            try:
                return function(*arguments)
            finally:
                if STALLS.name == "training":
                    spent.append(round(1000 * (time.perf_counter() - began), 2))
                    worked.append(round(1000 * (time.thread_time() - working), 2))

        return call

    now.pump, now.icons.follow = timed(now.pump), timed(now.icons.follow)
    for one in sys.modules["metasim.ui"].CLASSES:
        if issubclass(one, bpy.types.Panel):
            one.draw = _as_method(timed(one.draw))


def _as_method(function):
    """A plain function, as Blender asks of a panel's methods."""

    def draw(self, context):
        function(self, context)

    return draw


def bare_redraws(name: str) -> Steps:
    """What one drawing of the sidebar costs here, with nothing new to show."""
    STALLS.begin(name)
    for _ in range(10):
        sidebar().tag_redraw()
        yield 0.3
    STALLS.end()


def run_plan() -> Steps:
    import addon_utils

    addon_utils.enable("metasim", default_set=True)
    bpy.context.preferences.addons["metasim"].preferences.python = PLAN["python"]
    yield 1.0
    if PLAN["press"]:
        yield from open_tab()
    for name in PLAN["do"]:
        try:
            step = getattr(artist_steps, f"do_{name}", None) or globals()[f"do_{name}"]
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


def do_scene() -> Steps:
    yield from only("Backend", "Scene")
    yield from shot("empty")
    yield from press("sample()")
    yield from until(lambda: own().graph and idle(), 60, "sampled at the first click")
    yield 1.0
    yield from shot("scene")
    names = [node.name for node in own().nodes]
    yield from press("sample(step=1)")
    yield from until(lambda: own().seed == 1 and idle(), 20, "next seed")
    yield 1.0
    assert [node.name for node in own().nodes] != names
    yield from press("sample(step=-1)")
    yield from until(lambda: own().seed == 0 and idle(), 20, "previous seed")
    assert [node.name for node in own().nodes] == names


def do_undo() -> Steps:
    before = own().graph
    yield from press("sample(step=1)")
    yield from until(lambda: own().seed == 1 and idle(), 20, "next seed")
    with bpy.context.temp_override(window=window(), area=view(), region=view().regions[-1]):
        bpy.ops.ed.undo()
    yield 0.5
    assert own().graph == before, "undo did not bring the scene before back"
    note("undo brought the scene back", seed=own().seed)


def do_node() -> Steps:
    """Select an object in the viewport's scene: its node's attributes are shown."""
    car = next(body for body in window().scene.objects
               if str(body.get("metasim_node", "")).startswith("car"))  # fmt: skip
    with bpy.context.temp_override(window=window(), area=view()):
        window().view_layer.objects.active = car
        car.select_set(True)
    yield 0.5
    chosen = own().nodes[own().active_node]
    assert chosen.name == car["metasim_node"], (chosen.name, car["metasim_node"])
    place = tuple(car.location)
    chosen.attributes["along"].number += 3.0
    yield 0.3
    assert tuple(car.location) != place
    name = chosen.name
    with bpy.context.temp_override(window=window(), area=view(), region=view().regions[-1]):
        bpy.ops.ed.undo_push(message="moved a car")
        bpy.ops.ed.undo()
    yield 0.3
    car = next(b for b in window().scene.objects if b.get("metasim_node") == name)
    assert tuple(car.location) == place, "undo did not move the car back"
    own().nodes[name].attributes["along"].number += 3.0
    own().active_node = own().nodes.find(name)
    yield 0.3
    assert tuple(car.location) != place, "after an undo the objects do not follow"
    note("objects follow their attributes, before and after an undo")
    yield from only("Scene")
    yield from shot("node")


def do_switch() -> Steps:
    yield from only("Scene")
    own().run = PLAN["run"]
    bodies = {str(b["metasim_node"]): b for b in window().scene.objects if b.get("metasim_node")}
    places = {name: tuple(body.location) for name, body in bodies.items()}
    yield from press("switch(to='LEARNED')")
    yield from until(lambda: own().shown == "LEARNED" and idle(), 60, "learned")
    yield 0.5
    moved = [n for n, body in bodies.items() if tuple(body.location) != places[n]]
    assert moved and all(body["metasim_node"] == n for n, body in bodies.items())
    note("objects moved in place", moved=len(moved))
    yield from shot("learned")
    yield from press("switch(to='PRIOR')")
    yield from until(lambda: own().shown == "PRIOR" and idle(), 20, "prior again")
    assert all(tuple(body.location) == places[n] for n, body in bodies.items())


def do_render() -> Steps:
    yield from only("Render")
    own().width, own().height = 320, 192
    own().preset = "draft"
    STALLS.begin("render")
    yield from press("render_labels()")
    yield from until(lambda: "Meta-Sim picture" in bpy.data.images and idle(), 120, "rendered")
    STALLS.end()
    yield from close_others()
    own().show_masks = True
    yield from shot("render")
    area = view()
    area.ui_type = "IMAGE_EDITOR"
    area.spaces.active.image = bpy.data.images["Meta-Sim picture"]
    yield 0.8
    bpy.ops.screen.screenshot(filepath=str(FOLDER / "image_editor.png"))
    area.ui_type = "VIEW_3D"
    yield 0.8


def do_many_renders() -> Steps:
    """Render after render beside a panel that takes long to draw, and a write after each."""

    class BusyPanel(bpy.types.Panel):
        bl_idname = "VIEW3D_PT_busy"
        bl_label = "Busy"
        bl_space_type = "VIEW_3D"
        bl_region_type = "UI"
        bl_category = "Item"

        def draw(self, context):
            end = time.perf_counter() + 0.02
            while time.perf_counter() < end:
                self.layout.label(text="busy")

    bpy.utils.register_class(BusyPanel)
    view().spaces.active.show_region_ui = True
    render_job = sys.modules["metasim.ui.render_job"]
    scene = window().scene
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.cycles.use_denoising = False  # some builds have no denoiser
    scene.render.resolution_x = scene.render.resolution_y = 64
    scene.render.image_settings.file_format = "OPEN_EXR"
    before = sys.getswitchinterval()
    for _ in range(PLAN["renders"]):
        job = render_job.RenderJob(scene)
        while not job.done():
            sidebar().tag_redraw()
            yield 0.01
        assert job.result()[:4] == b"v/1\x01", "no EXR"
        assert sys.getswitchinterval() == before
        own().show_masks = not own().show_masks
    note("many renders")


def do_train() -> Steps:
    yield from only("Train")
    own().target, own().run = PLAN["target"], PLAN["new_run"]
    own().overrides = PLAN["overrides"]
    watch_own_work()
    yield from press("train_start()")
    training = lambda: session().training  # noqa: E731
    yield from until(lambda: training().state in ("running", "failed"), 120, "training runs")
    # Without a graphics card each drawing costs as much as the window has pixels.
    yield from resize(*SMALL)
    yield from bare_redraws("bare redraw")
    STALLS.begin("training")
    yield from until(
        lambda: training().pictures >= 2 and training().curve("mmd2")
        or training().state in ("failed", "finished"), PLAN["train_seconds"], "frames arrive",
    )  # fmt: skip
    STALLS.end()
    yield from shot("train_small")
    yield from training_without_panel(training)
    yield from resize(*FULL)
    yield from shot("train")
    if training().active:
        yield from press("train_pause()")
        yield from until(lambda: training().state == "paused", 30, "paused")
        yield from press("train_resume()")
        yield from until(lambda: training().state == "running", 30, "resumed")
        yield from press("train_stop()")
        yield from until(lambda: not training().active, 60, "stopped")
    note("training", state=training().state, sentence=training().sentence,
         pictures=training().pictures, points=len(training().curve("mmd2")))  # fmt: skip
    yield from shot("trained")


def training_without_panel(training) -> Steps:
    """The same with the sidebar closed: all is taken in, and nothing drawn."""
    view().spaces.active.show_region_ui = False
    yield 1.0
    known = training().pictures
    STALLS.begin("training, sidebar closed")
    yield from until(
        lambda: training().pictures > known or not training().active, 120, "another frame arrives"
    )
    STALLS.end()
    view().spaces.active.show_region_ui = True
    yield 0.5


def do_dataset() -> Steps:
    yield from only("Dataset")
    own().dataset_folder, own().dataset_count = PLAN["dataset"], 3
    own().width, own().height, own().dataset_preset = 160, 96, "draft"
    yield from press("dataset_start()")
    yield from until(lambda: session().dataset.done >= 1, 180, "first picture")
    yield from shot("dataset")
    yield from until(lambda: not session().dataset.active and idle(), 180, "data set")
    assert session().dataset.state == "finished", session().dataset.sentence
    yield from shot("dataset_done")


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


def do_score() -> Steps:
    """The task phase: its score becomes a curve."""
    yield from only("Train")
    own().run, own().validation = PLAN["task_run"], PLAN["labelled"]
    own().phases, own().overrides = {"pretrain", "task"}, PLAN["task_overrides"]
    yield from press("train_start()")
    yield from until(
        lambda: session().training.run == PLAN["task_run"]
        and (session().training.curve("score") or session().training.state == "failed"),
        PLAN["train_seconds"], "the score is a curve",
    )  # fmt: skip
    assert session().training.curve("score"), session().training.sentence
    yield 1.0
    yield from shot("score")
    if session().training.active:
        yield from press("train_stop()")
        yield from until(lambda: not session().training.active, 60, "the task phase stopped")
    own().phases, own().validation = {"pretrain", "match"}, ""


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
