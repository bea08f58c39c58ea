"""A user's hand and eye in Blender's window: mouse, keys, buttons, screenshots, patience.

Buttons are found as a user finds them: by moving the mouse over the sidebar and asking Blender
what is under it. Pictures go to the plan's folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import bpy

PLAN = json.loads(Path(os.environ["METASIM_WINDOW_PLAN"]).read_text())
FOLDER = Path(PLAN["folder"])
RESULTS: dict = {"steps": [], "stalls": {}, "failed": {}}
TICK = 0.03
FULL, SMALL = (1280, 960), (512, 384)
Steps = Generator[float, None, object]
BEGAN = time.monotonic()


def session():
    return sys.modules["metasim.ui.session"].session()


def window():
    return bpy.context.window_manager.windows[0]


def view():
    return next(area for area in window().screen.areas if area.type == "VIEW_3D")


def sidebar():
    return next(region for region in view().regions if region.type == "UI")


def own():
    return bpy.context.window_manager.windows[0].scene.metasim


def note(what: str, **more: object) -> None:
    RESULTS["steps"].append({"what": what, "at": round(time.monotonic() - BEGAN, 2), **more})
    print("WINDOW", what, more, flush=True)


def simulate(kind: str, value: str, x: int, y: int) -> None:
    window().event_simulate(type=kind, value=value, x=x, y=y)


def move(x: int, y: int) -> Steps:
    simulate("MOUSEMOVE", "NOTHING", x - 1, y)
    simulate("MOUSEMOVE", "NOTHING", x, y)
    yield TICK


def click(x: int, y: int) -> Steps:
    yield from move(x, y)
    simulate("LEFTMOUSE", "PRESS", x, y)
    yield TICK
    simulate("LEFTMOUSE", "RELEASE", x, y)
    yield TICK


def key(name: str) -> Steps:
    region = sidebar()
    x, y = region.x + region.width // 2, region.y + region.height // 2
    simulate(name, "PRESS", x, y)
    yield TICK
    simulate(name, "RELEASE", x, y)
    yield TICK


def under_mouse() -> str:
    """The Python call of the button that the mouse is over; empty for none."""
    manager = bpy.context.window_manager
    manager.clipboard = ""
    with bpy.context.temp_override(window=window(), area=view(), region=sidebar()):
        if bpy.ops.ui.copy_python_command_button.poll():
            bpy.ops.ui.copy_python_command_button()
    return manager.clipboard


def find(call: str) -> Steps:
    """Where a button is, by scanning the sidebar from top to bottom.

    Args:
        call: how the button's Python call begins, after ``bpy.ops.metasim.``.
    """
    region = sidebar()
    for y in range(region.y + region.height - 8, region.y + 4, -13):
        for share in (0.12, 0.3, 0.6, 0.78):
            x = region.x + int(region.width * share)
            yield from move(x, y)
            if under_mouse().startswith(f"bpy.ops.metasim.{call}"):
                return x, y
    raise LookupError(f"There is no button {call} in the sidebar.")


def press(call: str) -> Steps:
    x, y = yield from find(call)
    yield from click(x, y)
    note(f"pressed {call}")


def slowness() -> float:
    """How much longer work may take here now than on a machine that does nothing else."""
    return max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def until(condition, seconds: float, what: str) -> Steps:
    """Wait for a condition; other programs on the machine lengthen the patience, never shorten it.

    Args:
        seconds: enough where nothing else runs.
    """
    began, slower = time.monotonic(), slowness()
    while not condition():
        slower = max(slower, slowness())
        if time.monotonic() - began > seconds * slower:
            raise TimeoutError(
                f"{what}: not within {seconds * slower:.0f} s; said {session().said}"
            )
        yield 0.05
    note(what)


def idle() -> bool:
    return not session().busy


def close_others() -> Steps:
    """Close the windows that came beside the first, which would lie over it."""
    yield 0.7
    for other in list(bpy.context.window_manager.windows)[1:]:
        with bpy.context.temp_override(window=other):
            bpy.ops.wm.window_close()
    yield 0.3


def shot(name: str) -> Steps:
    """A picture of the whole window, and one of the sidebar alone."""
    yield from move(view().x + 60, view().y + 60)
    yield 0.4
    path = str(FOLDER / f"{name}.png")
    with bpy.context.temp_override(window=window()):
        bpy.ops.screen.screenshot(filepath=path)
    region = sidebar()
    RESULTS.setdefault("sidebars", {})[name] = [region.x, region.y, region.width, region.height]
    yield 0.1


def resize(width: int, height: int) -> Steps:
    """Give Blender's window another size."""
    size = map(str, (width, height))
    subprocess.run(["xdotool", "search", "--class", "blender", "windowsize", *size], check=True)
    yield from until(lambda: window().width == width, 10, f"the window is {width} wide")
    yield 1.0


def open_tab() -> Steps:
    """Click the sidebar's tabs from top to bottom until Meta-Sim's panels are drawn."""
    drawn = []
    panel = bpy.types.METASIM_PT_backend
    draw = panel.draw

    def watched(self, context):
        drawn.append(1)
        draw(self, context)

    panel.draw = watched
    with bpy.context.temp_override(window=window(), area=view()):
        view().spaces.active.show_region_ui = True
    yield 0.5
    region = sidebar()
    x = region.x + region.width - 10
    for y in range(region.y + region.height - 30, region.y + 60, -35):
        yield from click(x, y)
        yield 0.2
        if drawn:
            panel.draw = draw
            note("opened the tab")
            return
    raise LookupError("There is no tab Meta-Sim.")


OPEN: set[str] = {"Backend", "Scene"}


def only(*titles: str) -> Steps:
    """Leave only these panels, opened; the sidebar is too low for all at once."""
    classes = sys.modules["metasim.ui"].CLASSES
    panels = [one for one in classes if issubclass(one, bpy.types.Panel)]
    roots = {one.__name__ for one in panels if one.bl_label in titles}
    for one in reversed(panels):
        if one.is_registered:
            bpy.utils.unregister_class(one)
    for one in panels:
        if {one.__name__, getattr(one, "bl_parent_id", "")} & roots:
            bpy.utils.register_class(one)
    sidebar().tag_redraw()
    yield 0.4
    for title in titles:
        if title not in OPEN:  # its header is the topmost line
            region = sidebar()
            yield from click(region.x + region.width // 3, region.y + region.height - 24)
            OPEN.add(title)
            yield 0.4
            note(f"opened the panel {title}")
