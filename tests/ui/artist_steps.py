"""What an artist does in Blender's window with a street, and what has to come of it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import bpy
import numpy as np
from window_hand import (
    FOLDER,
    PLAN,
    Steps,
    close_others,
    idle,
    move,
    note,
    own,
    session,
    shot,
    simulate,
    until,
    view,
    window,
)


def region():
    return next(one for one in view().regions if one.type == "WINDOW")


def load(which: str = "scene") -> None:
    """A street from a file; no backend is needed."""
    with bpy.context.temp_override(window=window(), area=view()):
        bpy.ops.metasim.load_scene(filepath=PLAN[which])
        bpy.ops.ed.undo_push(message="Load Scene Graph")  # as a button does


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


def body(node_id: str):
    return next(one for one in window().scene.objects if one.get("metasim_node") == node_id)


def select(one) -> None:
    for other in window().scene.objects:
        other.select_set(other == one, view_layer=window().view_layer)
    window().view_layer.objects.active = one


def do_reopen() -> Steps:
    """A file is saved and opened: view, selection and the user's work are as they were."""
    load()
    yield 0.5
    body("car_0").modifiers.new("Bevel", "BEVEL")
    select(body("car_0"))
    yield 0.3
    file = str(Path(PLAN["work"]) / "street.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    kept = view().spaces.active.region_3d.view_camera_zoom, view().spaces.active.shading.type
    with bpy.context.temp_override(window=window()):
        bpy.ops.wm.open_mainfile(filepath=file)
    yield 1.0
    node_field("person_0", "along").number += 2.0
    yield 0.5
    shown = view().spaces.active
    assert shown.region_3d.view_perspective == "CAMERA", "the camera's view is lost"
    assert (shown.region_3d.view_camera_zoom, shown.shading.type) == kept
    assert window().view_layer.objects.active == body("car_0"), "the selection is lost"
    assert body("car_0").modifiers, "the modifier is lost"
    assert own().nodes[own().active_node].name == "car_0"
    yield from shot("reopened")
    note("reopened as it was saved")


def middle() -> tuple[int, int]:
    one = region()
    return one.x + one.width // 3, one.y + one.height // 3


def stroke(
    key: str, *, ctrl: bool = False, shift: bool = False, unicode: str | None = None
) -> Steps:
    x, y = middle()
    for value in ("PRESS", "RELEASE"):
        typed = unicode if value == "PRESS" else None
        window().event_simulate(
            type=key, value=value, unicode=typed, x=x, y=y, ctrl=ctrl, shift=shift
        )
        yield 0.05


def drag(key: str, right: int, up: int, *, shift: bool = False) -> Steps:
    """A key that begins to move or turn, some way of the mouse, and a click that ends it."""
    x, y = middle()
    yield from move(x, y)
    yield from stroke(key, shift=shift)
    for share in (0.25, 0.5, 0.75, 1.0):
        yield from move(x + int(share * right), y + int(share * up))
        yield 0.05
    for value in ("PRESS", "RELEASE"):
        simulate("LEFTMOUSE", value, x + right, y + up)
        yield 0.05


def turn_by_30() -> Steps:
    """R, Z and a number of degrees."""
    yield from stroke("R")
    yield from stroke("Z")
    yield from stroke("THREE", unicode="3")
    yield from stroke("ZERO", unicode="0")
    yield from stroke("RET")


def label_of(node_id: str):
    """The matrix by which a node is labelled."""
    street = session().street.current(window().scene)
    return next(one.matrix for one in street.objects() if one.node == node_id)


def stands_as_labelled(node_id: str) -> bool:
    off = np.abs(np.array(body(node_id).matrix_basis) - label_of(node_id)).max()
    return bool(off < 1e-3)


def changes(before: str) -> list[dict]:
    """The nodes that are otherwise than in an earlier scene graph, now and then."""
    now, then = json.loads(own().graph)["nodes"], json.loads(before)["nodes"]
    return [one for one in (*now, *then) if one not in now or one not in then]


def do_hands() -> Steps:
    """G, R, Shift D, X and Ctrl Z in the camera's view: the scene graph and the labels follow."""
    load()
    yield 0.5
    first = own().graph
    select(body("car_0"))
    yield 0.3
    along = node_field("car_0", "along").number
    yield from drag("G", 20, 6)
    yield from until(lambda: own().graph != first, 20, "moved by hand")
    yield 0.3
    assert node_field("car_0", "along").number > along + 0.5, "up in the picture is ahead"
    assert stands_as_labelled("car_0")
    moved = own().graph
    yield from shot("moved")
    yaw = node_field("car_0", "yaw").number
    yield from turn_by_30()
    yield from until(lambda: own().graph != moved, 20, "turned by hand")
    turned = (node_field("car_0", "yaw").number - yaw) % 360
    assert min(abs(turned - 30), abs(turned - 330)) < 0.1, turned
    assert stands_as_labelled("car_0")
    yield from stroke("Z", ctrl=True)
    yield from until(lambda: node_field("car_0", "yaw").number == yaw, 20, "one undo takes it back")
    yield from stroke("Z", ctrl=True)
    yield from until(lambda: own().graph == first, 20, "another undo takes the move back")
    assert stands_as_labelled("car_0")

    select(body("car_0"))
    yield 0.3
    yield from drag("D", 25, 0, shift=True)
    yield from until(lambda: "car_1" in own().nodes, 20, "copied by hand")
    assert stands_as_labelled("car_1") and stands_as_labelled("car_0")
    yield from shot("copied")
    select(body("car_1"))
    yield 0.2
    yield from stroke("DEL")
    yield from until(lambda: "car_1" not in own().nodes, 20, "deleted by hand")
    assert not changes(first), changes(first)

    tree = body("tree_0")
    select(tree)
    place = np.array(tree.matrix_basis)
    yield 0.2
    yield from turn_by_30()
    yield from until(lambda: "no yaw" in session().said.get("scene", ""), 20, "refused in words")
    assert np.allclose(np.array(body("tree_0").matrix_basis), place, atol=1e-5)
    assert not changes(first), changes(first)
    yield from shot("refused")


CHANNELS = (
    ("BOXES", "picture"),
    ("MASKS", "picture"),
    ("CLASSES", "classes"),
    ("DEPTH", "depth"),
)


def do_pictures() -> Steps:
    """Render: the picture comes in a window, with a switch; and where it was written is said."""
    load()
    own().width, own().height, own().render_folder = 320, 192, str(Path(PLAN["work"]) / "frames")
    assert own().preset == "export"
    own().preset = "draft"
    yield 0.5
    with bpy.context.temp_override(window=window(), area=view(), region=region()):
        bpy.ops.metasim.render_labels("INVOKE_DEFAULT")
    yield from until(lambda: "Meta-Sim picture" in bpy.data.images and idle(), 120, "rendered")
    yield 1.0
    street = window().scene
    assert (street.render.resolution_x, street.render.resolution_y) == (320, 192)
    windows = bpy.context.window_manager.windows
    editors = [(one, area) for one in windows for area in one.screen.areas
               if area.type == "IMAGE_EDITOR"]  # fmt: skip
    assert len(editors) == 1 and len(windows) == 2
    shown = editors[0][1].spaces.active
    for channel, name in CHANNELS:
        own().channel = channel
        assert shown.image.name == f"Meta-Sim {name}"
        yield 0.5
        with bpy.context.temp_override(window=editors[0][0], area=editors[0][1]):
            bpy.ops.screen.screenshot(filepath=str(FOLDER / f"picture_{channel.lower()}.png"))
    assert Path(session().written).is_file()
    note("the picture is shown", written=session().written)
    yield from close_others()
