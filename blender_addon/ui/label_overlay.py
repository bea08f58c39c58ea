"""Boxes, masks and names of the last rendered picture, over it and over the camera's view; over
the latter while it shows what was rendered."""

from __future__ import annotations

from typing import Any

import bpy

from .camera_frame import frame_in_region
from .frame_images import CLASSES, MASKS, NAMES, PICTURE, SEEN, image_labels, shows
from .label_colours import CITYSCAPES_COLOURS, colour
from .sentences import ui_scale
from .street_in_file import settings_of

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
    frame = frame_in_region(context.scene, region, view)
    if frame is None:
        return
    left, bottom, right, top = frame
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
    if image.name == CLASSES:
        _draw_legend([name for name in str(image.get(SEEN, "")).split(";") if name])
        return
    _draw(
        settings_of(context),
        image,
        lambda x, y: to_region(x / width, 1.0 - y / height, clip=False),
    )


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


def _draw_legend(names: list[str]) -> None:
    """Which colour is which class, from the left lower corner up."""
    import blf

    scale = ui_scale()
    _set_size(scale)
    line, x, y = 18 * scale, 12 * scale, 12 * scale
    wide = max((blf.dimensions(0, name)[0] for name in names), default=0.0)
    plate = (x - 6 * scale, y - 6 * scale, x + wide + 30 * scale, y + len(names) * line + 2 * scale)
    import gpu

    gpu.state.blend_set("ALPHA")
    _draw_rectangles([plate], (0.1, 0.1, 0.1, 0.8))
    for number, name in enumerate(reversed(names)):
        low = y + number * line
        rgb = tuple(value / 255 for value in CITYSCAPES_COLOURS[name])
        _draw_rectangles([(x, low, x + 14 * scale, low + 14 * scale)], (*rgb, 1.0))
        blf.color(0, 1.0, 1.0, 1.0, 1.0)
        blf.position(0, x + 20 * scale, low + 3 * scale, 0)
        blf.draw(0, name)
    gpu.state.blend_set("NONE")


def _set_size(scale: float) -> None:
    import blf

    if bpy.app.version >= (4, 0):
        blf.size(0, TEXT * scale)
    else:
        blf.size(0, int(TEXT * scale), 72)


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

    _set_size(ui_scale())
    wide, high = blf.dimensions(0, text)
    _draw_rectangles([(x - LINE / 2, y, x + wide + 6, y + high + 6)], rgba)
    dark = 0.3 * rgba[0] + 0.59 * rgba[1] + 0.11 * rgba[2] > 0.5
    blf.color(0, *((0.0, 0.0, 0.0) if dark else (1.0, 1.0, 1.0)), 1.0)
    blf.position(0, x + 3, y + 3, 0)
    blf.draw(0, text)
