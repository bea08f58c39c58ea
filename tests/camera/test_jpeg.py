"""Compression against Pillow's, at the same quality; the gradient that goes through it."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from metasim_backend.camera.jpeg import jpeg
from metasim_backend.camera.tones import to_8_bits


def street(height=93, width=141):
    """[1, 3, H, W] float32 in 8-bit steps: soft colours, hard edges and texture, of odd size."""
    y, x = np.mgrid[:height, :width]
    source = np.random.default_rng(0)
    image = np.stack([0.5 + 0.4 * np.sin(x / 17), y / height, 0.5 + 0.3 * np.cos(y / 9)], -1)
    image[30:60, 20:90] = (0.8, 0.2, 0.1)
    image += 0.04 * source.standard_normal(image.shape)
    image = np.rint(np.clip(image, 0, 1) * 255) / 255
    return torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]


def pillows(image, quality):
    pixels = (image[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file)).astype(float)


@pytest.mark.parametrize("quality", [20, 50, 75, 95])
def test_is_what_pillow_makes_of_it(quality):
    """libjpeg transforms in whole numbers, so that now and then a coefficient falls into the next
    step: a tenth of the whole change, and far less than another quality makes."""
    image = street()
    found = jpeg(image, torch.tensor(float(quality)))[0].permute(1, 2, 0).numpy() * 255
    expected = pillows(image, quality)
    original = image[0].permute(1, 2, 0).numpy() * 255
    changed = np.abs(expected - original).mean()
    assert changed > 1
    error = np.abs(found - expected)
    assert error.mean() < 0.1 * changed, (error.mean(), changed)
    assert np.median(error) <= 1
    other = np.abs(found - pillows(image, quality - 10)).mean()
    assert error.mean() < 0.4 * other


def test_quality_0_is_no_compression():
    image = street()
    assert jpeg(image, torch.tensor(0.0)) is image


def test_the_gradient_goes_straight_through():
    image = street().double().requires_grad_()
    weights = torch.randn(image.shape, generator=torch.Generator().manual_seed(0)).double()
    smooth = torch.nn.functional.avg_pool2d(weights, 9, 1, 4)
    (jpeg(image, torch.tensor(95.0)) * smooth).sum().backward()
    inside = (image > 0.02) & (image < 0.98)
    cosine = torch.nn.functional.cosine_similarity(image.grad[inside], smooth[inside], 0)
    assert float(cosine) > 0.95


def test_descending_the_gradient_of_the_quality_finds_it():
    """Its own gradient is one of rounding errors; what counts is that it leads to the truth."""
    image = street()
    target = jpeg(image, torch.tensor(30.0))
    sides = {}
    for quality in (20.0, 60.0):
        learned = torch.tensor(quality, requires_grad=True)
        loss = (jpeg(image, learned) - image).square().mean()
        loss.backward()
        sides[quality] = float(learned.grad)
    assert all(value < 0 for value in sides.values())  # more quality, less of a difference
    assert float((target - image).abs().mean()) > 0.005


def test_8_bits_are_steps_with_a_gradient():
    image = torch.linspace(0, 1, 1000, requires_grad=True)
    found = to_8_bits(image)
    assert (found * 255).round().unique().numel() == 256
    np.testing.assert_allclose((found * 255).detach(), (found * 255).round().detach(), atol=1e-4)
    found.sum().backward()
    np.testing.assert_array_equal(image.grad, np.ones(1000))
