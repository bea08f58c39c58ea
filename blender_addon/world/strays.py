"""Which of a stage's objects a hand has moved, and how they are put back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

from ..contract.placement import Placement
from .camera import CameraView
from .sky import SkyLight

NEAR = 5e-4  # metres, and parts of 1 in directions: more than single precision errs


def world_matrix(body: bpy.types.Object) -> np.ndarray:
    """4 x 4 float64, object to world, of a body as its user sees it now."""
    if body.parent is None and not body.constraints and body.animation_data is None:
        return np.array(body.matrix_basis)  # matrix_world is brought up to date late
    return np.array(body.matrix_world)


def has_strayed(body: bpy.types.Object, matrix: np.ndarray) -> bool:
    """Whether a body stands elsewhere than this matrix has it, or will not keep to it."""
    if body.parent is not None or body.constraints or body.animation_data is not None:
        return True
    return not np.allclose(np.array(body.matrix_basis), matrix, rtol=0.0, atol=NEAR)


def put_back(body: bpy.types.Object, placement: Placement) -> None:
    """Place a body, without anything that would move it elsewhere."""
    free(body)
    body.location = (placement.x, placement.y, placement.z)
    body.rotation_mode = "XYZ"
    body.rotation_euler = placement.euler()
    turn_less(body)
    body.scale = placement.scale


def turn_less(body: bpy.types.Object) -> None:
    """Turn a body by less than half a turn instead of a whole one more: a user reads the angle."""
    body.rotation_euler.z = math.remainder(body.rotation_euler.z, math.tau)


def free(body: bpy.types.Object) -> None:
    """Take from a body what moves it besides its own place."""
    if body.parent is not None:
        body.parent = None
    if body.constraints:
        body.constraints.clear()
    if body.animation_data is not None:
        body.animation_data_clear()
    for name, plain in (
        ("delta_location", (0.0, 0.0, 0.0)),
        ("delta_rotation_euler", (0.0, 0.0, 0.0)),
        ("delta_scale", (1.0, 1.0, 1.0)),
    ):
        if tuple(getattr(body, name)) != plain:
            setattr(body, name, plain)


def camera_numbers(camera: bpy.types.Object) -> dict[str, float]:
    """What a camera's node says of it, as a hand has it now: metres and degrees."""
    matrix = world_matrix(camera)
    ahead = -matrix[:3, 2] / np.linalg.norm(matrix[:3, 2])
    lens = camera.data
    return {
        "height": float(matrix[2, 3]),
        "pitch": float(np.degrees(np.arcsin(np.clip(ahead[2], -1.0, 1.0)))),
        "yaw": float(np.degrees(np.arctan2(-ahead[0], ahead[1]))),
        "fov": float(np.degrees(2 * np.arctan(lens.sensor_width / 2 / lens.lens))),
    }


def camera_is_askew(camera: bpy.types.Object) -> bool:
    """Whether it has left the road's start, or is tilted sideways: no node says that."""
    matrix = world_matrix(camera)
    return bool(np.abs(matrix[:2, 3]).max() > NEAR or abs(matrix[2, 0]) > 10 * NEAR)


def camera_has_strayed(camera: bpy.types.Object, view: CameraView) -> bool:
    """Whether a hand has moved the camera, or changed its lens."""
    now = camera_numbers(camera)
    return camera_is_askew(camera) or any(
        abs(value - getattr(view, name)) > 0.01 for name, value in now.items()
    )


def sun_numbers(sun: bpy.types.Object) -> dict[str, float]:
    """What a sky's node says of the sun, as a hand has it now: degrees, and Blender's strength."""
    towards = world_matrix(sun)[:3, 2]
    towards = towards / np.linalg.norm(towards)
    return {
        "sun_azimuth": float(np.degrees(np.arctan2(-towards[0], towards[1]))),
        "sun_elevation": float(np.degrees(np.arcsin(np.clip(towards[2], -1.0, 1.0)))),
        "sun_strength": float(sun.data.energy),
    }


def sun_has_strayed(sun: bpy.types.Object, light: SkyLight) -> bool:
    """Whether a hand has turned the sun, or changed its strength."""
    now, shown = sun_numbers(sun), light.to_sun()
    towards = world_matrix(sun)[:3, 2]
    off = float(np.abs(towards / np.linalg.norm(towards) - shown).max())
    return off > 10 * NEAR or abs(now["sun_strength"] - light.sun_strength) > 1e-3


Strays = Mapping[str, Any]
"""Node -> the Blender object that shows it and that a hand has moved."""
