"""The camera's frame in a 3D view: where it lies, and how it is brought between the bars."""

from __future__ import annotations

import math
from typing import Any

MARGIN = 12  # pixels at scale 1 between the frame and what lies round it
_LEAST_ZOOM, _MOST_ZOOM = -30.0, 600.0  # Blender's own bounds
Rectangle = tuple[float, float, float, float]  # left, bottom, right, top; pixels of the region


def frame_in_region(scene: Any, region: Any, view: Any) -> Rectangle | None:
    """Where the camera's frame lies in a 3D view; None when there is none.

    Args:
        scene: Blender's.
        region: of type ``"WINDOW"``.
        view: its ``bpy.types.RegionView3D``.
    """
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    camera = scene.camera
    if camera is None:
        return None
    corners = camera.data.view_frame(scene=scene)
    # Blender brings matrix_world up to date late where a scene has only now come to a window.
    free = camera.parent is None and not camera.constraints
    to_world = camera.matrix_basis if free else camera.matrix_world
    places = [location_3d_to_region_2d(region, view, to_world @ p) for p in corners]
    if any(place is None for place in places):
        return None
    xs, ys = [p.x for p in places], [p.y for p in places]
    return min(xs), min(ys), max(xs), max(ys)


def visible_part(area: Any) -> Rectangle:
    """The part of a 3D view's region that no sidebar, toolbar or header covers."""
    whole = next(one for one in area.regions if one.type == "WINDOW")
    left, bottom, right, top = 0.0, 0.0, float(whole.width), float(whole.height)
    for one in area.regions:
        if one.type == "WINDOW" or one.width <= 1 or one.height <= 1:
            continue
        x0, y0 = one.x - whole.x, one.y - whole.y
        if one.alignment == "RIGHT":
            right = min(right, x0)
        elif one.alignment == "LEFT":
            left = max(left, x0 + one.width)
        elif one.alignment == "TOP":
            top = min(top, y0)
        elif one.alignment == "BOTTOM":
            bottom = max(bottom, y0 + one.height)
    return left, bottom, right, top


def fit_frame(context: Any, area: Any, scene: Any) -> None:
    """Zoom and move a view through the camera until the frame fills the part that is visible.

    Args:
        context: Blender's, with a window.
        area: a 3D view that looks through the scene's camera.
        scene: what it shows.
    """
    region = next(one for one in area.regions if one.type == "WINDOW")
    view = area.spaces.active.region_3d
    margin = MARGIN * context.preferences.system.ui_scale
    left, bottom, right, top = visible_part(area)
    if right - left < 4 * margin or top - bottom < 4 * margin:
        return
    scene.view_layers[0].update()  # the camera may have been placed just now
    view.view_camera_zoom, view.view_camera_offset = 0.0, (0.0, 0.0)
    frame = _measured(scene, region, view)
    if frame is None:
        return
    wide, high = frame[2] - frame[0], frame[3] - frame[1]
    ratio = min((right - left - 2 * margin) / wide, (top - bottom - 2 * margin) / high)
    view.view_camera_zoom = min(max(_zoom(ratio), _LEAST_ZOOM), _MOST_ZOOM)
    frame = _measured(scene, region, view)
    view.view_camera_offset = (0.1, 0.1)
    moved = _measured(scene, region, view)
    # How far the frame goes for an offset is linear, and Blender knows it better than we do.
    offset = []
    for axis, wanted in enumerate(((left + right) / 2, (bottom + top) / 2)):
        middle = (frame[axis] + frame[axis + 2]) / 2
        pixels = (moved[axis] + moved[axis + 2]) / 2 - middle
        offset.append(0.1 * (wanted - middle) / pixels if pixels else 0.0)
    view.view_camera_offset = offset
    view.update()


def _measured(scene: Any, region: Any, view: Any) -> Any:
    view.update()
    return frame_in_region(scene, region, view)


def _zoom(factor: float) -> float:
    """Blender's camera zoom that makes the frame so many times as large as zoom 0 does."""
    start = math.sqrt(2.0) / 2.0
    return 50.0 * (2.0 * math.sqrt(factor) * start - math.sqrt(2.0))
