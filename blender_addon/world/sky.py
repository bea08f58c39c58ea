"""Sun and sky: attributes to a sun lamp and a world background."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..contract.scene_graph import Node
from .attributes import number

SUN_COLOUR = (1.0, 0.95, 0.86)
SUN_ANGLE = math.radians(0.53)  # the sun's disc; a small one keeps shadows, and windows, tight
ZENITH = (0.36, 0.56, 0.95)
HORIZON = (0.86, 0.92, 1.0)


@dataclass(frozen=True)
class SkyLight:
    """Angles in degrees (azimuth 0 is ahead along +Y, anticlockwise); strengths as Blender's."""

    sun_azimuth: float
    sun_elevation: float
    sun_strength: float
    sky_strength: float

    def to_sun(self) -> np.ndarray:
        """Unit vector (3,) that points to the sun."""
        azimuth, elevation = math.radians(self.sun_azimuth), math.radians(self.sun_elevation)
        flat = math.cos(elevation)
        return np.array([-math.sin(azimuth) * flat, math.cos(azimuth) * flat, math.sin(elevation)])

    def apply(self, sun, background) -> None:
        """Set a bpy sun object and the world's Background node."""
        azimuth, elevation = math.radians(self.sun_azimuth), math.radians(self.sun_elevation)
        sun.rotation_euler = (elevation - math.pi / 2, 0.0, azimuth)
        sun.data.energy = self.sun_strength
        background.inputs["Strength"].default_value = self.sky_strength


def read_sky(node: Node) -> SkyLight:
    """Raises WorldError when an attribute is missing or wrong."""
    return SkyLight(
        number(node, "sun_azimuth"),
        number(node, "sun_elevation"),
        max(number(node, "sun_strength"), 0.0),
        max(number(node, "sky_strength"), 0.0),
    )


def build_sky(world) -> object:
    """Fill a bpy world with a gradient from horizon to zenith; returns its Background node."""
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputWorld")
    background = tree.nodes.new("ShaderNodeBackground")
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    split = tree.nodes.new("ShaderNodeSeparateXYZ")
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    first, last = ramp.color_ramp.elements
    first.position, first.color = 0.0, (*HORIZON, 1.0)
    last.position, last.color = 0.6, (*ZENITH, 1.0)
    tree.links.new(coordinates.outputs["Generated"], split.inputs[0])
    tree.links.new(split.outputs["Z"], ramp.inputs[0])
    tree.links.new(ramp.outputs[0], background.inputs["Color"])
    tree.links.new(background.outputs[0], output.inputs["Surface"])
    settings = getattr(world, "cycles", None)
    if settings is not None:
        # Scattered rays find a smooth sky by themselves: less noise and time than choosing
        # between sun and sky as lamps, and no importance map to build at every change.
        settings.sampling_method = "NONE"
    return background
