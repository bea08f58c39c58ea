"""What is done in Blender's window with a street: sampled, chosen, rendered, learned."""

from __future__ import annotations

import sys
import time

import bpy
from window_hand import (
    FOLDER,
    PLAN,
    Steps,
    close_others,
    idle,
    note,
    only,
    own,
    press,
    shot,
    sidebar,
    until,
    view,
    window,
)
from window_stalls import STALLS


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
