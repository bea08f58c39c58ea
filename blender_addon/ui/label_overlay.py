"""Boxes, masks and names of the last rendered picture, over it and over the camera's view; over
the latter while it shows what was rendered."""

from __future__ import annotations

from typing import Any

import bpy

from .frame_images import MASKS, NAMES, PICTURE, image_labels, shows
from .label_colours import colour

_handles: list[tuple[Any, Any]] = []
LINE = 2.0
TEXT = 12


def start() -> None:
    """Begin to draw; nothing is drawn without a window."""
    if bpy.app.background:
        return
    for space, draw in (
        (bpy.types.SpaceView3D, _draw_view),
        (bpy.types.SpaceImageEditor, _draw_image),
    ):
        _handles.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))


def stop() -> None:
    """End drawing."""
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "WINDOW")


def _draw_view() -> None:
    context = bpy.context
    own = context.scene.metasim
    region, view = context.region, context.region_data
    if not own.graph or view is None or view.view_perspective != "CAMERA":
        return
    picture = bpy.data.images.get(PICTURE)
    if picture is None or not shows(picture, own.graph):
        return
    corners = _camera_frame(context.scene, region, view)
    if corners is None:
        return
    (left, bottom), (right, top) = corners
    width, height = picture.size
    across, up = (right - left) / width, (top - bottom) / height
    _draw(own, picture, lambda x, y: (left + x * across, bottom + (height - y) * up))


def _draw_image() -> None:
    context = bpy.context
    image = context.space_data.image
    if image is None or image.name not in NAMES:
        return
    to_region = context.region.view2d.view_to_region
    width, height = image.size
    _draw(
        context.scene.metasim,
        image,
        lambda x, y: to_region(x / width, 1.0 - y / height, clip=False),
    )


def _camera_frame(scene: Any, region: Any, view: Any) -> tuple | None:
    """Left bottom and right top corner of the camera's frame in a 3D view, pixels."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    camera = scene.camera
    if camera is None:
        return None
    frame = camera.data.view_frame(scene=scene)
    places = [location_3d_to_region_2d(region, view, camera.matrix_world @ p) for p in frame]
    if any(place is None for place in places):
        return None
    xs, ys = [p.x for p in places], [p.y for p in places]
    return (min(xs), min(ys)), (max(xs), max(ys))


def _draw(own: Any, picture: Any, place: Any) -> None:
    """Draw what the toggles ask for.

    Args:
        own: the scene's settings.
        picture: the image that has the labels.
        place: picture's pixel (x, y) to the region's.
    """
    import gpu

    width, height = picture.size
    masks = bpy.data.images.get(MASKS)
    gpu.state.blend_set("ALPHA")
    if own.show_masks and masks is not None and tuple(masks.size) == (width, height):
        _draw_texture(masks, place(0, height), place(width, 0))
    for label in image_labels(picture):
        box = label["visible_box"]
        if box is None:
            continue
        low, high = place(box[0], box[3]), place(box[2], box[1])
        rgba = (*colour(label["index"]), 1.0)
        if own.show_boxes:
            _draw_box(low, high, rgba)
        if own.show_names:
            _draw_name(label["class_name"], low[0], high[1], rgba)
    gpu.state.blend_set("NONE")


def _shader(name: str) -> Any:
    """A built-in shader; its name has no 2D_ from Blender 4.0 on."""
    import gpu

    return gpu.shader.from_builtin(name if bpy.app.version >= (4, 0) else f"2D_{name}")


def _draw_box(low: tuple, high: tuple, rgba: tuple) -> None:
    (x0, y0), (x1, y1) = low, high
    half = LINE / 2
    _draw_rectangles(
        [
            (x0 - half, y0 - half, x1 + half, y0 + half),
            (x0 - half, y1 - half, x1 + half, y1 + half),
            (x0 - half, y0 - half, x0 + half, y1 + half),
            (x1 - half, y0 - half, x1 + half, y1 + half),
        ],
        rgba,
    )


def _draw_rectangles(rectangles: list, rgba: tuple) -> None:
    from gpu_extras.batch import batch_for_shader

    corners = []
    for x0, y0, x1, y1 in rectangles:
        corners += [(x0, y0), (x1, y0), (x1, y1), (x0, y0), (x1, y1), (x0, y1)]
    shader = _shader("UNIFORM_COLOR")
    batch = batch_for_shader(shader, "TRIS", {"pos": corners})
    shader.bind()
    shader.uniform_float("color", rgba)
    batch.draw(shader)


def _draw_texture(image: Any, low: tuple, high: tuple) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    (x0, y0), (x1, y1) = low, high
    shader = _shader("IMAGE")
    batch = batch_for_shader(
        shader,
        "TRI_FAN",
        {
            "pos": ((x0, y0), (x1, y0), (x1, y1), (x0, y1)),
            "texCoord": ((0, 0), (1, 0), (1, 1), (0, 1)),
        },
    )
    shader.bind()
    shader.uniform_sampler("image", gpu.texture.from_image(image))
    batch.draw(shader)


def _draw_name(text: str, x: float, y: float, rgba: tuple) -> None:
    """A class's name on a plate of its colour, over the box's left upper corner."""
    import blf

    scale = bpy.context.preferences.system.ui_scale
    if bpy.app.version >= (4, 0):
        blf.size(0, TEXT * scale)
    else:
        blf.size(0, int(TEXT * scale), 72)
    wide, high = blf.dimensions(0, text)
    _draw_rectangles([(x - LINE / 2, y, x + wide + 6, y + high + 6)], rgba)
    dark = 0.3 * rgba[0] + 0.59 * rgba[1] + 0.11 * rgba[2] > 0.5
    blf.color(0, *((0.0, 0.0, 0.0) if dark else (1.0, 1.0, 1.0)), 1.0)
    blf.position(0, x + 3, y + 3, 0)
    blf.draw(0, text)
