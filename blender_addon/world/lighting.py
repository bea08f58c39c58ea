"""Sun, sky and the ambient term of a street, as one thing that follows a scene's light."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from .shading import LightGroups
from .sky import SUN_ANGLE, SkyLight, build_sky
from .stage_parts import SKY, SUN, mark

# Rays that no surface needs to meet where light takes no second way.
_SCATTERED = ("visible_diffuse", "visible_glossy", "visible_transmission")


class StreetLight:
    """The lamp, the world and the shared groups of all materials.

    Args:
        groups: of the materials.
        world, sun: those that there are; else new ones.

    Attributes:
        sun: the lamp's object.
        world: the bpy world.
    """

    def __init__(self, groups: LightGroups, world: Any = None, sun: Any = None) -> None:
        self._groups = groups
        self.world = world or _new_world()
        self.sun = sun or _new_sun()
        self._direct: bool | None = None
        self._shown: SkyLight | None = None

    @property
    def shown(self) -> SkyLight | None:
        """The light now shown."""
        return self._shown

    def show(self, light: SkyLight) -> None:
        """Set sun, sky and, where it is used, the ambient term."""
        if light == self._shown:
            return
        self._shown = light
        self.apply()
        if self._direct:
            self._groups.show(light.ambient())

    def apply(self) -> None:
        """Set sun and sky to the light shown."""
        if self._shown is not None:
            self._shown.apply(self.sun, self.world)

    def use(self, lighting: str, bodies: Iterable[bpy.types.Object]) -> None:
        """Light by the ambient term ("direct"), or by Blender's rays alone ("traced").

        Args:
            bodies: all that stands in the street.
        """
        direct = lighting == "direct"
        if direct == self._direct:
            return
        self._direct = direct
        # A sun without a disc casts edges without a random number; a disc softens them.
        self.sun.data.angle = 0.0 if direct else SUN_ANGLE
        _see_world(self.world, scattered=not direct)
        for body in bodies:
            self.fit(body)
        self._groups.show(self._shown.ambient() if direct and self._shown else None)

    def fit(self, body: bpy.types.Object) -> None:
        """Let scattered rays meet an object, or pass it, as the way of lighting asks."""
        if body.type != "MESH":
            return  # a lamp that scattered rays do not see would light nothing
        for name in _SCATTERED:
            wanted = not self._direct
            if getattr(body, name) != wanted:
                setattr(body, name, wanted)

    def resume(self, light: SkyLight) -> None:
        """Take it that this light is shown already."""
        self._shown = light

    def clear(self) -> None:
        """Remove lamp and world from Blender."""
        lamp = self.sun.data
        bpy.data.batch_remove([self.sun])
        bpy.data.batch_remove([lamp, self.world])


def _new_world() -> Any:
    world = bpy.data.worlds.new("metasim sky")
    mark(world, SKY)
    build_sky(world)
    return world


def _new_sun() -> Any:
    sun = bpy.data.objects.new("metasim sun", bpy.data.lights.new("metasim sun", "SUN"))
    mark(sun, SUN)
    return sun


def _see_world(world: Any, *, scattered: bool) -> None:
    """Whether rays that surfaces scatter see the sky."""
    visibility = getattr(world, "cycles_visibility", None)
    for name in ("diffuse", "glossy", "transmission", "scatter"):
        if hasattr(visibility, name) and getattr(visibility, name) != scattered:
            setattr(visibility, name, scattered)
