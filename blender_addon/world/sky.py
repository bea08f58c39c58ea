"""Sun and sky: attributes to a sun lamp and a world background."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..contract.attributes import choice, number
from ..contract.scene_graph import Node

SUN_ANGLE = math.radians(0.53)  # the sun's disc; a small one keeps shadows, and windows, tight


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
        exposure: stops by which all light is raised, as a camera's longer exposure does. It is put
            into the lamps, since a file of linear light knows no exposure.
    """

    sun_azimuth: float
    sun_elevation: float
    sun_strength: float
    sky_strength: float
    weather: str = "clear"
    exposure: float = 0.0

    def to_sun(self) -> np.ndarray:
        """Unit vector (3,) that points to the sun."""
        azimuth, elevation = math.radians(self.sun_azimuth), math.radians(self.sun_elevation)
        flat = math.cos(elevation)
        return np.array([-math.sin(azimuth) * flat, math.cos(azimuth) * flat, math.sin(elevation)])

    def apply(self, sun, background, ramp) -> None:
        """Set a bpy sun object, and the world's Background and ColorRamp nodes."""
        azimuth, elevation = math.radians(self.sun_azimuth), math.radians(self.sun_elevation)
        sun.rotation_euler = (elevation - math.pi / 2, 0.0, azimuth)
        gain = 2.0**self.exposure
        colours = WEATHERS[self.weather]
        sun.data.energy = self.sun_strength * gain
        sun.data.color = colours.sun
        background.inputs["Strength"].default_value = self.sky_strength * gain
        for element, colour in zip(
            ramp.color_ramp.elements, (colours.horizon, colours.zenith), strict=True
        ):
            element.color = (*colour, 1.0)


def read_sky(node: Node, street: Node, exposure: float = 0.0) -> SkyLight:
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
        exposure,
    )


def build_sky(world) -> tuple:
    """Fill a bpy world with a gradient from horizon to zenith.

    Returns:
        Its Background node and its ColorRamp node.
    """
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputWorld")
    background = tree.nodes.new("ShaderNodeBackground")
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    split = tree.nodes.new("ShaderNodeSeparateXYZ")
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    first, last = ramp.color_ramp.elements
    first.position, last.position = 0.0, 0.6
    tree.links.new(coordinates.outputs["Generated"], split.inputs[0])
    tree.links.new(split.outputs["Z"], ramp.inputs[0])
    tree.links.new(ramp.outputs[0], background.inputs["Color"])
    tree.links.new(background.outputs[0], output.inputs["Surface"])
    settings = getattr(world, "cycles", None)
    if settings is not None:
        # Scattered rays find a smooth sky by themselves: less noise and time than choosing
        # between sun and sky as lamps, and no importance map to build at every change.
        settings.sampling_method = "NONE"
    return background, ramp
