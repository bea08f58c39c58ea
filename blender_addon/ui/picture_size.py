"""The size of a street's pictures: the panel's, which the camera's frame in 3D views shows too."""

from __future__ import annotations

from typing import Any

from ..capture.engines import assign


def size_picture(scene: Any) -> None:
    """Give a street's Blender scene the panel's size, in square pixels."""
    own = scene.metasim
    assign(
        scene.render,
        resolution_x=own.width,
        resolution_y=own.height,
        resolution_percentage=100,
        pixel_aspect_x=1.0,
        pixel_aspect_y=1.0,
    )
