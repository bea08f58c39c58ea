"""3D views that a street fills: in daylight, through its camera, with the whole frame to be seen.

A view belongs to the window, not to the scene. So what the user had chosen for it is put back when
the window shows another scene, and the street's look comes back with the street.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import bpy

from .camera_frame import fit_frame

_LIGHT = ("use_scene_lights", "use_scene_world")
_SOLID = (
    "light",
    "color_type",
    "background_type",
    "show_cavity",
    "cavity_type",
    "show_object_outline",
)
_REGION = (
    "view_perspective",
    "view_location",
    "view_rotation",
    "view_distance",
    "view_camera_zoom",
    "view_camera_offset",
)
# Renderers of OpenGL without a graphics card: Material Preview takes them half a minute to begin
# with, and seconds for each redraw.
_SLOW = ("llvmpipe", "softpipe", "swrast", "swiftshader", "basic render", "software")


@dataclass(frozen=True)
class Look:
    """How a 3D view shows a scene: its shading, and from where it is seen."""

    shading: str
    light: tuple[Any, ...]
    solid: tuple[Any, ...]
    region: tuple[Any, ...]
    relationship_lines: bool

    @classmethod
    def of(cls, space: Any) -> Look:
        """That of a ``bpy.types.SpaceView3D``."""
        shading = space.shading
        kind = shading.type
        return cls(
            kind,
            tuple(getattr(shading, name) for name in _LIGHT),
            tuple(getattr(shading, name) for name in _SOLID) if kind == "SOLID" else (),
            tuple(_copied(getattr(space.region_3d, name)) for name in _REGION),
            space.overlay.show_relationship_lines,
        )

    def apply(self, space: Any) -> None:
        """Give it to a view."""
        space.shading.type = self.shading
        for target, names, values in (
            (space.shading, _LIGHT, self.light),
            (space.shading, _SOLID, self.solid),
            (space.region_3d, _REGION, self.region),
        ):
            for name, value in zip(names, values, strict=False):
                setattr(target, name, value)
        space.overlay.show_relationship_lines = self.relationship_lines


@dataclass(eq=False)
class _Filled:
    """A view that a street has filled: the look that it has not now, and for which scenes."""

    other: Look
    in_street: bool = True


class StreetViews:
    """The views that streets have filled, as long as Blender runs."""

    def __init__(self) -> None:
        self._filled: dict[int, _Filled] = {}

    def fill(self, context: Any, scene: Any) -> None:
        """Show a street in the 3D view where the user is, else in the window's largest.

        Where the user had chosen a shading other than Blender's own first one, it stays.

        Args:
            context: Blender's, with a window.
            scene: the street's, which the window shows by now.
        """
        area = _chosen_area(context)
        if area is None:
            return
        space = area.spaces.active
        if area.as_pointer() not in self._filled:
            self._filled[area.as_pointer()] = _Filled(Look.of(space))
        if space.shading.type == "SOLID":
            be_daylight(space.shading)
        space.region_3d.view_perspective = "CAMERA"
        space.overlay.show_relationship_lines = False
        fit_frame(context, area, scene)

    def fit(self, context: Any, scene: Any) -> None:
        """Fit the frame again where it is looked at, when it has another shape."""
        for window in context.window_manager.windows:
            for area in window.screen.areas:
                if window.scene != scene or area.as_pointer() not in self._filled:
                    continue
                if area.spaces.active.region_3d.view_perspective == "CAMERA":
                    fit_frame(context, area, scene)

    def follow(self, windows: Any) -> None:
        """Exchange the looks of views whose windows have come to show another kind of scene."""
        for window in windows:
            in_street = bool(window.scene.metasim.graph)
            for area in window.screen.areas:
                filled = self._filled.get(area.as_pointer())
                if filled is None or area.type != "VIEW_3D" or filled.in_street == in_street:
                    continue
                space = area.spaces.active
                before = Look.of(space)
                filled.other.apply(space)
                filled.other, filled.in_street = before, in_street

    def forget(self) -> None:
        """Another file was opened: its views are its own."""
        self._filled.clear()


def be_daylight(shading: Any) -> None:
    """Shade a view by the scene's own sun and sky, or where that is slow in their brightness."""
    if has_graphics_card():
        shading.type = "MATERIAL"
        shading.use_scene_lights = shading.use_scene_world = True
        return
    shading.type, shading.light = "SOLID", "FLAT"
    shading.color_type, shading.background_type = "MATERIAL", "WORLD"
    shading.show_cavity, shading.cavity_type = True, "SCREEN"  # by far the cheaper
    shading.show_object_outline = False  # it goes round dark contacts on the ground too


@cache
def has_graphics_card() -> bool:
    """Whether a graphics card draws Blender's window."""
    import gpu

    renderer = gpu.platform.renderer_get().lower()
    return not any(name in renderer for name in _SLOW)


def _chosen_area(context: Any) -> Any:
    if context.area is not None and context.area.type == "VIEW_3D":
        return context.area
    areas = [area for area in context.window.screen.areas if area.type == "VIEW_3D"]
    return max(areas, key=lambda area: area.width * area.height, default=None)


def _copied(value: Any) -> Any:
    """A value that does not follow Blender's."""
    if hasattr(value, "copy"):
        return value.copy()
    return tuple(value) if isinstance(value, bpy.types.bpy_prop_array) else value
