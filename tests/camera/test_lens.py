"""What the lens does, against closed forms: impulse, shift and fall-off."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from metasim_backend.camera import lens

DOUBLE = {"dtype": torch.float64}


def test_impulse_becomes_a_gaussian_of_the_deviation():
    image = torch.zeros(1, 1, 41, 41, **DOUBLE)
    image[0, 0, 20, 20] = 1
    found = lens.blur(image, torch.tensor(1.7, **DOUBLE))[0, 0]
    places = torch.arange(41, **DOUBLE) - 20
    assert float(found.sum()) == pytest.approx(1, abs=1e-12)
    for axis in (0, 1):
        profile = found.sum(axis)
        assert float((profile * places).sum()) == pytest.approx(0, abs=1e-12)
        assert float((profile * places**2).sum()) == pytest.approx(1.7**2, rel=2e-3)
    sampled = torch.exp(-(places**2) / (2 * 1.7**2))
    gaussian = torch.outer(sampled, sampled) / sampled.sum() ** 2
    assert float((found - gaussian).abs().max()) < 0.13 * float(gaussian.max())


def test_two_blurs_add_their_variances():
    """What a Gaussian is known by (Lindeberg 1990)."""
    image = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0), **DOUBLE)
    twice = lens.blur(lens.blur(image, torch.tensor(0.6, **DOUBLE)), torch.tensor(0.8, **DOUBLE))
    once = lens.blur(image, torch.tensor(1.0, **DOUBLE))
    inner = (..., slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(twice[inner], once[inner], atol=2e-4)


def test_an_even_picture_stays_even_up_to_the_edge():
    image = torch.full((1, 3, 10, 12), 0.7, **DOUBLE)
    np.testing.assert_allclose(lens.blur(image, torch.tensor(3.0, **DOUBLE)), image, atol=1e-12)


def test_aberration_scales_about_the_centre():
    """A ramp shows where a pixel comes from: position / (1 + share), from the centre."""
    ramp = (torch.arange(101, **DOUBLE) - 50).expand(1, 3, 61, 101)
    red, blue = torch.tensor(0.01, **DOUBLE), torch.tensor(-0.02, **DOUBLE)
    found = lens.aberration(ramp, red, blue)[0, :, 30]
    places = ramp[0, 0, 0]
    np.testing.assert_allclose(found[0], places / 1.01, atol=1e-9)
    np.testing.assert_array_equal(found[1], places)
    inside = slice(2, -2)  # beyond the frame there is nothing to be seen
    np.testing.assert_allclose(found[2][inside], (places / 0.98)[inside], atol=1e-9)


def test_vignette_loses_its_share_in_the_corners():
    image = torch.ones(1, 1, 200, 300, **DOUBLE)
    found = lens.vignette(image, torch.tensor(0.6, **DOUBLE), torch.tensor(4.0, **DOUBLE))[0, 0]
    assert float(found[0, 0]) == pytest.approx(0.4, abs=0.02)
    assert float(found[100, 150]) == pytest.approx(1, abs=1e-6)
    # Half-way to the corner: r = 1/2, r**4 = 1/16.
    assert float(found[50, 75]) == pytest.approx(1 - 0.6 / 16, abs=2e-3)


def test_gradients_are_exact():
    image = torch.rand(1, 3, 6, 7, generator=torch.Generator().manual_seed(1), **DOUBLE)
    image.requires_grad_()

    def number(value):
        return torch.tensor(value, requires_grad=True, **DOUBLE)

    assert gradcheck(lens.blur, (image, number(0.9)))
    assert gradcheck(lens.aberration, (image, number(0.013), number(-0.007)))
    assert gradcheck(lens.vignette, (image, number(0.5), number(2.5)))


def test_blur_has_a_gradient_down_to_nothing():
    deviation = torch.tensor(1e-3, requires_grad=True, **DOUBLE)
    kernel = lens.blur_kernel(deviation)
    kernel[len(kernel) // 2].backward()
    # To first order in the variance t the centre is 1 - t.
    assert float(deviation.grad) == pytest.approx(-2e-3, rel=1e-3)
