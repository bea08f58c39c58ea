"""Sun and sky: attributes to a sun lamp and a world background."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..contract.attributes import choice, number
from ..contract.scene_graph import Node
from .ambient import Ambient, ambient_of
from .shading import components, constant, glow, gradient, show_constants, vector

SUN_ANGLE = math.radians(0.53)  # the sun's disc, where light is traced


@dataclass(frozen=True)
class Weather:
    """Colours of a kind of weather, linear RGB."""

    sun: tuple[float, float, float]
    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]


WEATHERS = {
    "clear": Weather((1.0, 0.95, 0.86), (0.22, 0.42, 0.88), (0.80, 0.90, 1.0)),
    "overcast": Weather((1.0, 0.98, 0.95), (0.80, 0.84, 0.90), (0.95, 0.97, 1.0)),
    "low_sun": Weather((1.0, 0.80, 0.55), (0.34, 0.50, 0.85), (1.0, 0.92, 0.80)),
}


@dataclass(frozen=True)
class SkyLight:
    """The light of a scene.

    Attributes:
        sun_azimuth, sun_elevation: degrees; azimuth 0 is ahead along +Y, anticlockwise.
        sun_strength, sky_strength: as Blender's.
        weather: one of ``WEATHERS``.
    """

    sun_azimuth: float
    sun_elevation: float
    sun_strength: float
    sky_strength: float
    weather: str = "clear"

    def to_sun(self) -> np.ndarray:
        """Unit vector (3,) that points to the sun."""
        azimuth, elevation = math.radians(self.sun_azimuth), math.radians(self.sun_elevation)
        flat = math.cos(elevation)
        return np.array([-math.sin(azimuth) * flat, math.cos(azimuth) * flat, math.sin(elevation)])

    def ambient(self) -> Ambient:
        """What the sky and the ground under it send to surfaces."""
        colours = WEATHERS[self.weather]
        return ambient_of(
            colours.horizon, colours.zenith, self.sky_strength,
            colours.sun, self.sun_strength, self.to_sun(),
        )  # fmt: skip

    def apply(self, sun, world) -> None:
        """Set a bpy sun object and the bpy world of :func:`build_sky`."""
        azimuth, elevation = math.radians(self.sun_azimuth), math.radians(self.sun_elevation)
        sun.rotation_euler = (elevation - math.pi / 2, 0.0, azimuth)
        sun.data.energy = self.sun_strength
        sun.data.color = WEATHERS[self.weather].sun
        show_constants(world.node_tree, self.ambient())


def read_sky(node: Node, street: Node) -> SkyLight:
    """The light of a scene; the weather is an attribute of its street.

    Raises:
        WorldError: when an attribute is missing or wrong.
    """
    return SkyLight(
        number(node, "sun_azimuth"),
        number(node, "sun_elevation"),
        max(number(node, "sun_strength"), 0.0),
        max(number(node, "sky_strength"), 0.0),
        choice(street, "weather", tuple(WEATHERS), "clear"),
    )


def build_sky(world) -> None:
    """Fill a bpy world with a gradient from horizon to zenith and a glow round the sun."""
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputWorld")
    background = tree.nodes.new("ShaderNodeBackground")
    direction = tree.nodes.new("ShaderNodeTexCoord").outputs["Generated"]
    height = components(tree, direction)[2]
    sky = gradient(tree, height, constant(tree, "horizon"), constant(tree, "zenith"))
    round_sun = glow(tree, direction, constant(tree, "sun"))
    sky = vector(tree, "MULTIPLY_ADD", constant(tree, "glow"), round_sun, sky)
    tree.links.new(sky, background.inputs["Color"])
    tree.links.new(background.outputs[0], output.inputs["Surface"])
    settings = getattr(world, "cycles", None)
    if settings is not None:
        # Scattered rays find a smooth sky by themselves: less noise and time than choosing
        # between sun and sky as lamps, and no importance map to build at every change.
        settings.sampling_method = "NONE"
