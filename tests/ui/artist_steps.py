"""What an artist does in Blender's window with a street, and what has to come of it."""

from __future__ import annotations

import importlib

import bpy
from window_hand import PLAN, Steps, note, own, shot, view, window


def region():
    return next(one for one in view().regions if one.type == "WINDOW")


def load(which: str = "scene") -> None:
    """A street from a file; no backend is needed."""
    with bpy.context.temp_override(window=window(), area=view()):
        bpy.ops.metasim.load_scene(filepath=PLAN[which])


def frame() -> dict:
    """Where the camera's frame lies in the region, and what of that is to be seen."""
    camera_frame = importlib.import_module("metasim.ui.camera_frame")
    shown = view().spaces.active.region_3d
    return {
        "frame": camera_frame.frame_in_region(window().scene, region(), shown),
        "visible": camera_frame.visible_part(view()),
        "region": [region().x, region().y],
    }


def node_field(node_id: str, name: str):
    return own().nodes[node_id].attributes[name]


def do_daylight() -> Steps:
    """The first street stands in daylight, wholly to be seen; its light follows its attributes."""
    view().spaces.active.show_region_ui = True
    users = window().scene
    before = view().spaces.active.shading.type, view().spaces.active.shading.light
    yield 0.5
    load()
    yield 1.0
    street = window().scene
    note("daylight", **frame(), size=[street.render.resolution_x, street.render.resolution_y],
         asked=[own().width, own().height])  # fmt: skip
    yield from shot("daylight")
    node_field("camera", "exposure").number = 1.5
    yield 0.5
    yield from shot("daylight_exposed")
    node_field("camera", "exposure").number = 0.0
    node_field("sky", "sky_strength").number = 0.3
    node_field("sky", "sun_strength").number = 0.5
    yield 0.5
    yield from shot("daylight_dim")
    own().width, own().height = 500, 600
    yield 0.5
    note("another size", **frame())
    window().scene = users
    yield 0.5
    shading = view().spaces.active.shading
    assert (shading.type, shading.light) == before, (shading.type, shading.light)
    assert view().spaces.active.region_3d.view_perspective == "PERSP"
    window().scene = street
    yield 0.5
    assert view().spaces.active.region_3d.view_perspective == "CAMERA"
    note("the user's view was put back")


def do_daylight_preview() -> Steps:
    """As with a graphics card."""
    views = importlib.import_module("metasim.ui.street_views")
    views.has_graphics_card = lambda: True
    view().spaces.active.show_region_ui = True
    yield 0.5
    load()
    yield 1.0
    assert view().spaces.active.shading.type == "MATERIAL"
    for name, changes in (
        ("preview", {}),
        ("preview_exposed", {("camera", "exposure"): 1.5}),
        ("preview_dim", {("camera", "exposure"): 0.0, ("sky", "sky_strength"): 0.3,
                         ("sky", "sun_strength"): 0.5}),
    ):  # fmt: skip
        for (node_id, attribute), value in changes.items():
            node_field(node_id, attribute).number = value
        yield 20.0 if name == "preview" else 1.0  # it compiles shaders beside
        yield from shot(name)
    note("previewed", **frame())
