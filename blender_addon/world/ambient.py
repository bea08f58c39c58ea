"""The sky as light without a random ray: what it sends to a surface, in closed form. No bpy.

A sky of radiance L above level ground of radiance G lights a matte white surface of normal n, in
the open, with

    A(n) = (1 + n_z)/2 (across + along n_z)  +  max(0, glow_0 + glow_1 n.s)  +  (1 - n_z)/2 G

in units of the radiance that it then sends back. The first term is right for surfaces that face
up, sideways and down, and for an even sky everywhere; the second is the light round the sun s, as
far as spherical harmonics of order one tell it (Ramamoorthi and Hanrahan, "An Efficient
Representation for Irradiance Environment Maps", 2001, equation 5); the third an even ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]

HORIZON_TO_ZENITH = 0.6  # height (sine of the elevation) at which the sky has its zenith's colour
GLOW_POWER = 8.0  # the sky's light round the sun falls off as ((1 + cos) / 2) ** this
GLOW = 0.25  # its radiance at the sun, by the sun's strength: an aureole of thin haze
GROUND_ALBEDO: Colour = (0.125, 0.12, 0.105)  # asphalt, grass and paving, all in all
SUNLIT = 0.6  # share of the ground that the sun reaches
WALLS: Colour = (0.20, 0.19, 0.17)  # reflectance of what stands along a street, seen in a mirror
_STEPS = 512


@dataclass(frozen=True)
class Ambient:
    """The light of sky and ground. Colours are linear RGB radiances.

    Attributes:
        horizon, zenith: of the sky without the glow.
        glow: at the sun itself.
        ground: of level ground.
        walls: of the band that houses and trees make along the horizon, seen in a mirror.
        to_sun: unit vector.
    """

    horizon: Colour
    zenith: Colour
    glow: Colour
    ground: Colour
    walls: Colour
    to_sun: Colour

    @property
    def across(self) -> Colour:
        """What the sky sends to an upright surface, twice."""
        return _colour(2 * _upright(np.array(self.horizon), np.array(self.zenith)))

    @property
    def along(self) -> Colour:
        """What it sends to a level surface, less :attr:`across`."""
        level = _level(np.array(self.horizon), np.array(self.zenith))
        return _colour(level - np.array(self.across))

    def sky(self, directions: np.ndarray) -> np.ndarray:
        """Radiance of the sky, N x 3, in unit directions N x 3; the horizon's below it."""
        height = np.clip(directions[:, 2] / HORIZON_TO_ZENITH, 0, 1)[:, None]
        gradient = np.array(self.horizon) * (1 - height) + np.array(self.zenith) * height
        towards = np.clip((1 + directions @ np.array(self.to_sun)) / 2, 0, 1)[:, None]
        return gradient + np.array(self.glow) * towards**GLOW_POWER

    def on(
        self, normals: np.ndarray, open_above: float | np.ndarray = 1.0,
        open_below: float | np.ndarray = 1.0,
    ) -> np.ndarray:  # fmt: skip
        """What matte white surfaces send back, N x 3.

        Args:
            normals: N x 3, unit.
            open_above, open_below: how much of the sky's and of the ground's light reaches them.
        """
        above = np.broadcast_to(open_above, len(normals))[:, None]
        below = np.broadcast_to(open_below, len(normals))[:, None]
        up = normals[:, 2:]
        half = (1 + up) / 2
        level, tilt = glow_shares()
        round_sun = np.maximum(level + tilt * (normals @ np.array(self.to_sun))[:, None], 0)
        sky = half * (np.array(self.across) + np.array(self.along) * up)
        return above * (sky + np.array(self.glow) * round_sun) + below * (1 - half) * self.ground


def ambient_of(
    horizon: Colour, zenith: Colour, sky_strength: float,
    sun: Colour, sun_strength: float, to_sun: np.ndarray,
) -> Ambient:  # fmt: skip
    """The light of a weather's colours at these strengths (as Blender's sun and background)."""
    glow = GLOW * sun_strength * np.array(sun)
    low, high = sky_strength * np.array(horizon), sky_strength * np.array(zenith)
    level, tilt = glow_shares()
    elevation = max(float(to_sun[2]), 0.0)
    skylight = _level(low, high) + glow * max(level + tilt * elevation, 0.0)
    direct = SUNLIT * sun_strength * np.array(sun) * elevation / np.pi
    lit = skylight + direct
    return Ambient(
        _colour(low),
        _colour(high),
        _colour(glow),
        _colour(np.array(GROUND_ALBEDO) * lit),
        _colour(np.array(WALLS) * 0.5 * lit),
        _colour(to_sun),
    )


def glow_shares() -> tuple[float, float]:
    """(level, tilt): a glow of radiance 1 at its centre lights a normal at cosine c with
    level + tilt c; the harmonics of order 0 and 1 of ((1 + c) / 2) ** GLOW_POWER."""
    k = GLOW_POWER
    return 1 / (k + 1), 2 * k / ((k + 1) * (k + 2))


def _level(horizon: np.ndarray, zenith: np.ndarray) -> np.ndarray:
    """What the gradient sends to a level surface: the integral of 2 z L(z) over heights z."""
    z = (np.arange(_STEPS) + 0.5) / _STEPS
    return _between(horizon, zenith, 2 * z / _STEPS)


def _upright(horizon: np.ndarray, zenith: np.ndarray) -> np.ndarray:
    """To an upright one: the integral of (2 / pi) sqrt(1 - z^2) L(z)."""
    z = (np.arange(_STEPS) + 0.5) / _STEPS
    weights = np.sqrt(1 - z**2)
    return _between(horizon, zenith, 0.5 * weights / weights.sum())


def _between(horizon: np.ndarray, zenith: np.ndarray, weights: np.ndarray) -> np.ndarray:
    z = (np.arange(_STEPS) + 0.5) / _STEPS
    share = np.minimum(z / HORIZON_TO_ZENITH, 1.0)
    return horizon * (weights @ (1 - share)) + zenith * (weights @ share)


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
