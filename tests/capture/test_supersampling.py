"""The grid of rays and its filter."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.capture import supersampling
from blender_addon.contract.frames import RenderSettings


@pytest.mark.parametrize(("samples", "k"), [(1, 1), (3, 1), (4, 2), (8, 2), (9, 3), (64, 8)])
def test_a_grid_has_at_most_the_samples_asked_for(samples, k):
    assert supersampling.grid(RenderSettings(samples=samples)) == k


def test_only_cycles_direct_light_is_sampled_on_a_grid():
    assert supersampling.grid(RenderSettings(samples=4, lighting="traced")) == 0
    assert supersampling.grid(RenderSettings(samples=4, engine="eevee")) == 0


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_one_ray_goes_through_each_pixels_centre(k):
    at = (supersampling.centre(k) + 0.5) / k + supersampling.shift(k)
    assert at == pytest.approx(0.5)


@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_an_even_picture_stays_as_it_is_and_a_ramp_keeps_its_place(k):
    even = np.full((6 * k, 9 * k, 3), 0.3, np.float32)
    np.testing.assert_allclose(supersampling.reconstruct(even, k), 0.3, rtol=1e-6)
    rays = (np.arange(9 * k) + 0.5) / k + supersampling.shift(k)
    ramp = np.broadcast_to(rays[None, :, None], (6 * k, 9 * k, 1)).astype(np.float32)
    found = supersampling.reconstruct(ramp, k)[:, 1:-1, 0]
    np.testing.assert_allclose(found, np.broadcast_to(np.arange(1, 8) + 0.5, (6, 7)), rtol=1e-5)


def test_more_rays_come_nearer_to_the_filter_in_closed_form():
    # An edge at x = e, seen through a Gaussian cut off at REACH, which leaves 2.6 %.
    edge, sigma = 4.37, supersampling.SIGMA
    fine = np.linspace(-supersampling.REACH, supersampling.REACH, 20_001)
    weights = np.exp(-0.5 * (fine / sigma) ** 2)
    pixels = np.arange(9) + 0.5
    expected = np.array([(weights * (x + fine > edge)).sum() / weights.sum() for x in pixels])
    for k in (1, 2, 4, 16):
        rays = (np.arange(9 * k) + 0.5) / k + supersampling.shift(k)
        light = np.broadcast_to((rays > edge)[None, :, None], (9 * k, 9 * k, 1)).astype(np.float32)
        error = np.abs(supersampling.reconstruct(light, k)[4, :, 0] - expected).max()
        # At most half a ray's weight: the density at the Gaussian's middle, and what is cut off.
        assert error < 0.5 / k / (sigma * np.sqrt(2 * np.pi)) / 0.97 + 0.005


def test_maps_are_taken_at_the_centres():
    values = np.arange(36).reshape(6, 6)
    np.testing.assert_array_equal(supersampling.centres(values, 3), [[7, 10], [25, 28]])
    np.testing.assert_array_equal(supersampling.centres(values, 2), values[::2, ::2])
