"""Where a rendered picture is seen: an image editor, in a window of its own where there is none."""

from __future__ import annotations

from typing import Any

import bpy

from .frame_images import CLASSES, DEPTH, NAMES, PICTURE

FIRST_DRAWN = 0.3  # seconds until a new window has its size
CHANNELS = {
    # name: label, tooltip, image, boxes with names, masks
    "PICTURE": ("Picture", "The picture alone", PICTURE, False, False),
    "BOXES": ("Boxes", "The picture with visible boxes and classes", PICTURE, True, False),
    "MASKS": ("Masks", "The picture with each object's pixels tinted", PICTURE, False, True),
    "CLASSES": ("Classes", "Cityscapes' classes in its own colours", CLASSES, False, False),
    "DEPTH": ("Depth", "The nearer, the brighter", DEPTH, False, False),
}


def show_channel(own: Any) -> None:
    """Have all image editors with a rendered picture show what the switch says.

    Args:
        own: the scene's settings.
    """
    _, _, name, boxes, masks = CHANNELS[own.channel]
    own.show_boxes = own.show_names = boxes
    own.show_masks = masks
    image = bpy.data.images.get(name)
    if image is None:
        return
    for area in _image_editors():
        if _is_ours(area):
            area.spaces.active.image = image
            area.tag_redraw()


def open_picture(context: Any, own: Any) -> None:
    """Bring the rendered picture in front of the user.

    Args:
        context: Blender's; without a window nothing happens.
        own: the scene's settings.
    """
    if context.window is None or bpy.app.background:
        return
    free = [area for area in _image_editors() if area.spaces.active.image is None]
    if not any(_is_ours(area) for area in _image_editors()):
        area = free[0] if free else _new_window(context)
        area.spaces.active.image = bpy.data.images[PICTURE]
        bpy.app.timers.register(_fill_editors, first_interval=FIRST_DRAWN)
    show_channel(own)


def _fill_editors() -> None:
    """Zoom the image editors so that the picture fills them."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type != "IMAGE_EDITOR" or not _is_ours(area):
                continue
            region = next(one for one in area.regions if one.type == "WINDOW")
            with bpy.context.temp_override(window=window, area=area, region=region):
                bpy.ops.image.view_all(fit_view=True)


def _new_window(context: Any) -> Any:
    """A window with an image editor alone."""
    before = set(context.window_manager.windows)
    bpy.ops.wm.window_new()
    (window,) = set(context.window_manager.windows) - before
    area = window.screen.areas[0]
    area.type = "IMAGE_EDITOR"
    return area


def _image_editors() -> list[Any]:
    windows = bpy.context.window_manager.windows
    areas = [area for window in windows for area in window.screen.areas]
    return [area for area in areas if area.type == "IMAGE_EDITOR" and area.ui_type != "UV"]


def _is_ours(area: Any) -> bool:
    image = area.spaces.active.image
    return image is not None and image.name in NAMES


def draw_switch(header: Any, context: Any) -> None:
    """The switch, in the header of an image editor that shows a rendered picture."""
    from .street_in_file import settings_of

    if _is_ours(context.area):
        header.layout.row(align=True).prop(settings_of(context), "channel", expand=True)
