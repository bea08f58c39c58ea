"""Sun and sky: attributes to a sun lamp and a world background."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..contract.attribute_reading import choice, number
from ..contract.scene_graph import Node
from .ambient import Ambient, ambient_of
from .node_trees import new_tree
from .shading import components, constant, glow, gradient, show_constants, vector

SUN_ANGLE = math.radians(0.53)  # the sun's disc, where light is traced


@dataclass(frozen=True)
class Weather:
    """Colours of a kind of weather, linear RGB.

    Attributes:
        sun, zenith, horizon: the sun's at the elevation; the sky's.
        elevation: degrees, of the sun.
    """

    sun: tuple[float, float, float]
    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    elevation: float


WEATHERS = {
    "clear": Weather((1.0, 0.95, 0.86), (0.22, 0.42, 0.88), (0.80, 0.90, 1.0), 48.0),
    "overcast": Weather((1.0, 0.98, 0.95), (0.80, 0.84, 0.90), (0.95, 0.97, 1.0), 48.0),
    "low_sun": Weather((1.0, 0.80, 0.55), (0.34, 0.50, 0.85), (1.0, 0.92, 0.80), 18.0),
}
# What a vertical way through clean air with some haze takes from red, green and blue light:
# exponents of optical depth, Rayleigh's lambda ** -4 and an aerosol's lambda ** -1.3.
_DEPTHS = (0.10, 0.18, 0.37)
_LUMINANCE = (0.2126, 0.7152, 0.0722)


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

    def sun_colour(self) -> tuple[float, float, float]:
        """The sun's light after its way through the air: redder the lower it stands.

        Of the same luminance at every elevation, which the strength alone decides.
        """
        weather = WEATHERS[self.weather]
        way = air_mass(self.sun_elevation) - air_mass(weather.elevation)
        colour = [c * math.exp(-d * way) for c, d in zip(weather.sun, _DEPTHS, strict=True)]
        red, green, blue = (c * _luminance(weather.sun) / _luminance(colour) for c in colour)
        return red, green, blue

    def horizon_colour(self) -> tuple[float, float, float]:
        """The sky's over the horizon: it takes half of the sun's redness."""
        weather, sun = WEATHERS[self.weather], self.sun_colour()
        red, green, blue = (
            h * math.sqrt(s / w) for h, s, w in zip(weather.horizon, sun, weather.sun, strict=True)
        )
        return red, green, blue

    def ambient(self) -> Ambient:
        """What the sky and the ground under it send to surfaces."""
        colours = WEATHERS[self.weather]
        return ambient_of(
            self.horizon_colour(), colours.zenith, self.sky_strength,
            self.sun_colour(), self.sun_strength, self.to_sun(),
        )  # fmt: skip

    def apply(self, sun, world) -> None:
        """Set a bpy sun object and the bpy world of :func:`build_sky`."""
        azimuth, elevation = math.radians(self.sun_azimuth), math.radians(self.sun_elevation)
        sun.rotation_euler = (elevation - math.pi / 2, 0.0, azimuth)
        sun.data.energy = self.sun_strength
        sun.data.color = self.sun_colour()
        show_constants(world.node_tree, self.ambient())


def air_mass(elevation: float) -> float:
    """Way of the sun's light through the air, in vertical ones; elevation in degrees, from 0 on.

    Kasten and Young, "Revised optical air mass tables", Applied Optics 28 (1989), 4735.
    """
    height = max(elevation, 0.0)
    return 1 / (math.sin(math.radians(height)) + 0.50572 * (height + 6.07995) ** -1.6364)


def _luminance(colour: Sequence[float]) -> float:
    return sum(weight * c for weight, c in zip(_LUMINANCE, colour, strict=True))


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
    tree = new_tree(world)
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
