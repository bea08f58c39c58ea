"""The sky's light against integrals over the sphere that know nothing of its formulae."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.world.ambient import GLOW_POWER, Ambient, ambient_of, glow_shares

BLACK = (0.0, 0.0, 0.0)
UP = np.array([0.0, 0.0, 1.0])
NORMALS = np.array([(0, 0, 1), (1, 0, 0), (0, -1, 0), (0.6, 0, 0.8), (0, 0.8, -0.6), (0, 0, -1)])


def sphere(count: int = 200_000) -> np.ndarray:
    n = np.arange(count)
    z = 1 - 2 * (n + 0.5) / count
    turn = n * (np.pi * (3 - np.sqrt(5)))
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=-1)


def sent_back(radiance: np.ndarray, directions: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Of a matte white surface: the integral of radiance times cosine, over pi."""
    cosine = np.maximum(directions @ normal, 0)
    return (radiance * cosine[:, None]).mean(axis=0) * 4


def light(**changes) -> Ambient:
    values = {"horizon": (0.8, 0.9, 1.0), "zenith": (0.2, 0.4, 0.9), "glow": BLACK,
              "ground": BLACK, "walls": BLACK, "to_sun": (0.0, 0.8, 0.6)}  # fmt: skip
    return Ambient(**{**values, **changes})


def test_an_even_sky_over_an_even_ground_is_exact_for_every_normal():
    even = light(horizon=(0.5, 0.6, 0.7), zenith=(0.5, 0.6, 0.7), ground=(0.1, 0.2, 0.05))
    directions = sphere()
    radiance = np.where(directions[:, 2:] > 0, (0.5, 0.6, 0.7), (0.1, 0.2, 0.05))
    for normal, found in zip(NORMALS, even.on(NORMALS), strict=True):
        np.testing.assert_allclose(found, sent_back(radiance, directions, normal), atol=2e-3)


def test_a_gradient_is_exact_for_level_and_upright_surfaces_and_close_between():
    gradient = light()
    directions = sphere()
    radiance = gradient.sky(directions) * (directions[:, 2:] > 0)
    for normal, found in zip(NORMALS, gradient.on(NORMALS), strict=True):
        level = normal[2] in (-1, 0, 1)
        expected = sent_back(radiance, directions, normal)
        np.testing.assert_allclose(found, expected, atol=2e-3 if level else 0.03)


def test_the_glows_shares_are_its_first_two_harmonics():
    directions = sphere()
    lobe = ((1 + directions @ UP) / 2) ** GLOW_POWER
    mean = lobe.mean()
    slope = 3 * (lobe * (directions @ UP)).mean()
    # A cosine lobe keeps 1 of the order 0 and 2/3 of the order 1.
    assert glow_shares() == pytest.approx((mean, slope * 2 / 3), abs=1e-3)
    glowing = light(horizon=BLACK, zenith=BLACK, glow=(1.0, 1.0, 1.0), to_sun=(0.0, 0.0, 1.0))
    for normal in (UP, np.array([0.6, 0.0, 0.8])):
        expected = sent_back(lobe[:, None] * np.ones(3), directions, normal)
        np.testing.assert_allclose(glowing.on(normal[None])[0], expected, atol=0.075)


def test_openness_takes_its_share_of_sky_and_ground_apart():
    one = light(ground=(0.3, 0.2, 0.1))
    whole, sky, ground = (one.on(NORMALS, *o) for o in ((1, 1), (1, 0), (0, 1)))
    np.testing.assert_allclose(sky + ground, whole)
    np.testing.assert_allclose(one.on(NORMALS, 0.5, 0.25), 0.5 * sky + 0.25 * ground)


def test_strengths_are_as_blenders_and_the_ground_is_brighter_under_a_higher_sun():
    colours = ((0.8, 0.9, 1.0), (0.2, 0.4, 0.9), 0.5, (1.0, 0.9, 0.8))
    low, high = (
        ambient_of(*colours, 4.0, np.array([0, c, s])) for c, s in ((0.98, 0.2), (0.6, 0.8))
    )
    assert low.horizon == pytest.approx((0.4, 0.45, 0.5))
    assert all(h > 1.5 * g for h, g in zip(high.ground, low.ground, strict=True))
    dark = ambient_of(*colours, 0.0, UP)
    assert dark.glow == BLACK and dark.ground < low.ground
