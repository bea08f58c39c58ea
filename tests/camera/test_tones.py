"""Tone curves, exposure, gains and noise, against closed forms and today's pixels."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from blender_addon.camera.tones import srgb as addon_srgb
from blender_addon.camera.tones import to_uint8
from blender_addon.contract.camera_model import CameraModel
from metasim_backend.camera import tones
from metasim_backend.camera.numbers import numbers_of
from metasim_backend.camera.picture import developed, exposed, noise_of, take_pictures

HALVES = np.arange(0x7C00, dtype=np.uint16).view(np.float16)
"""Every finite float16 that is not below 0: all that a renderer's linear light can be."""
CURVES = [
    CameraModel(black=0.05, gamma=0.5, highlights=0.5, contrast=1.0),
    CameraModel(black=-0.05, gamma=2.2, highlights=0.05, contrast=-1.0),
    CameraModel(highlights=0.9),
    CameraModel(black=0.2, contrast=-0.5),
]


def numbers(camera):
    return numbers_of(camera, torch.zeros((), dtype=torch.float64))


def test_the_identity_gives_todays_pixels_bit_for_bit():
    light = torch.from_numpy(HALVES.astype(np.float32)).expand(1, 3, 1, -1)
    picture = take_pictures(light, CameraModel(), torch.ones_like(light))
    found = (tones.to_8_bits(picture) * 255).round().to(torch.uint8)
    np.testing.assert_array_equal(found[0, 0, 0], to_uint8(addon_srgb(HALVES.astype(np.float32))))
    assert found.unique().numel() == 256


def test_linear_undoes_srgb():
    values = torch.linspace(0, 1, 256, dtype=torch.float64)
    np.testing.assert_allclose(tones.srgb(tones.linear(values)), values, atol=1e-6)


@pytest.mark.parametrize("camera", CURVES)
def test_no_curve_ever_falls_or_leaves_the_range(camera):
    light = torch.cat([torch.linspace(-0.1, 2, 4000), torch.logspace(0.31, 4, 400)]).double()
    found = tones.tone_curve(light, numbers(camera))
    assert float(found.diff().min()) >= -1e-9
    assert float(found.min()) >= 0 and float(found.max()) <= 1
    assert found.unique().numel() > 100


def test_ends_of_the_scale_stay_and_black_is_lifted():
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    found = tones.tone_curve(ends, numbers(CameraModel(gamma=1.7, contrast=0.8)))
    np.testing.assert_allclose(found, ends, atol=1e-7)
    veiled = tones.tone_curve(ends, numbers(CameraModel(black=0.1)))
    np.testing.assert_allclose(veiled, tones.srgb(torch.tensor([0.1, 1.0]).double()), atol=1e-9)


def test_roll_off_has_no_kink_and_leaves_what_is_below_it():
    part = torch.tensor(0.4, dtype=torch.float64)
    light = torch.linspace(0, 3, 3001, dtype=torch.float64)
    found = tones.roll_off(light, part)
    np.testing.assert_array_equal(found[light <= 0.6], light[light <= 0.6])
    slopes = found.diff() / light.diff()
    assert float(slopes.diff().abs().max()) < 0.01
    assert float(found.max()) < 1


def test_contrast_has_the_slope_that_it_says():
    image = torch.tensor([0.5 - 1e-4, 0.5 + 1e-4], dtype=torch.float64)
    found = tones.tone_curve(tones.linear(image), numbers(CameraModel(contrast=0.6)))
    assert float(found.diff() / image.diff()) == pytest.approx(1.3, abs=1e-4)


def test_exposure_doubles_and_gains_multiply():
    light = torch.full((1, 3, 1, 1), 0.1, dtype=torch.float64)
    camera = CameraModel(
        exposure=1.0, red_gain=1.5, blue_gain=0.5, colour_matrix=[[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    )
    found = tones.linear(take_pictures(light, camera))[0, :, 0, 0]
    np.testing.assert_allclose(found, [0.2, 0.3, 0.1], atol=1e-7)


@pytest.mark.parametrize("signal", [0.05, 0.4])
def test_noise_has_the_variance_that_it_says(signal):
    camera = CameraModel(exposure=1.0, shot_noise=2e-3, read_noise=0.01)
    light = torch.full((1, 3, 200, 300), signal / 2, dtype=torch.float64)
    found = exposed(light, numbers(camera), noise_of([3], 200, 300).double())
    expected = 2e-3 * signal + 0.01**2
    # 180,000 values: the variance's relative standard error is 0.33 %.
    assert float(found.var()) == pytest.approx(expected, rel=0.015)
    assert float(found.mean()) == pytest.approx(signal, abs=4 * (expected / 180_000) ** 0.5)


def test_gradients_are_exact_between_the_kinks():
    source = torch.Generator().manual_seed(4)
    light = (torch.rand(1, 3, 3, 4, generator=source) * 0.6 + 0.1).double().requires_grad_()
    noise = torch.randn(1, 3, 3, 4, generator=source).double()
    camera = CameraModel(
        exposure=0.2,
        shot_noise=1e-3,
        read_noise=1e-3,
        red_gain=1.1,
        blue_gain=0.9,
        colour_matrix=[[1.1, -0.1, 0], [0, 1, 0], [0, -0.1, 1.1]],
        black=0.01,
        gamma=1.2,
        highlights=0.4,
        contrast=0.3,
    )
    names = list(camera.changes())
    values = [v.requires_grad_() for v in numbers(camera).values()]

    def whole(light, *values):
        given = dict(zip(names, values, strict=True))
        return developed(exposed(light, given, noise), given)

    assert gradcheck(whole, (light, *values))


def test_black_light_has_a_finite_gradient():
    light = torch.zeros(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    values = {k: v.requires_grad_() for k, v in numbers(CURVES[0]).items()}
    values |= numbers(CameraModel(shot_noise=1e-3))
    take_pictures(light, values, torch.ones_like(light)).sum().backward()
    assert torch.isfinite(light.grad).all()
    assert all(torch.isfinite(v.grad) for v in values.values() if v.requires_grad)
