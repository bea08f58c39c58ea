"""A street's light in a window's 3D views, which trace no ray.

Material Preview has sun and sky by itself, and the exposure from the scene's colour management.
Solid view knows neither: there each material's colour is as bright as it is on average.
Pictures need none of this, and their exposure is the film's; so each is set up before it is made.
"""

from __future__ import annotations

import math
from typing import Any

import bpy

from .camera import CameraView
from .materials import Materials
from .sky import WEATHERS, SkyLight

_SHARE = 0.8  # of a level surface's light: what walls and cars get of it on average
_HAZE = 0.5  # between the sky's colours at the horizon (0) and in the zenith (1)


def light_views(
    scene: bpy.types.Scene, light: SkyLight, camera: CameraView, materials: Materials
) -> None:
    """Have 3D views show a scene's light and exposure."""
    gain = 2.0**camera.exposure
    _set(scene.cycles, "film_exposure", 1.0)  # or Cycles' own view would have it twice
    _set(scene.view_settings, "view_transform", "Standard")
    _set(scene.view_settings, "exposure", min(max(camera.exposure, -10.0), 10.0))
    _set(scene.world, "color", tuple(min(gain * c, 1.0) for c in _sky_colour(light)))
    materials.brighten(_SHARE * gain * _level_light(light))


def light_pictures(scene: bpy.types.Scene, camera: CameraView, materials: Materials) -> None:
    """Take that back: pictures are exposed by the film, and Workbench shows plain colours."""
    _set(scene.view_settings, "exposure", 0.0)
    camera.expose(scene)
    materials.brighten(1.0)


def _sky_colour(light: SkyLight) -> tuple[float, ...]:
    zenith = WEATHERS[light.weather].zenith
    pairs = zip(light.horizon_colour(), zenith, strict=True)
    return tuple(light.sky_strength * ((1 - _HAZE) * h + _HAZE * z) for h, z in pairs)


def _level_light(light: SkyLight) -> float:
    """What a level white surface sends out, as a share of white."""
    sun = light.sun_strength * max(math.sin(math.radians(light.sun_elevation)), 0.0) / math.pi
    return sun + sum(_sky_colour(light)) / 3


def _set(target: Any, name: str, value: Any) -> None:
    """Set what differs: setting tags the scene as changed."""
    before = getattr(target, name)
    if (tuple(before) if isinstance(value, tuple) else before) != value:
        setattr(target, name, value)
