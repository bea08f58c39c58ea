"""The whole way from scene-linear light to the picture that a camera takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.camera_constants import FAINTEST, SHARPENING_RADIUS, sensor_noise
from blender_addon.contract.camera_model import CameraModel
from metasim_backend.camera import lens
from metasim_backend.camera.jpeg import jpeg
from metasim_backend.camera.numbers import Numbers, numbers_of
from metasim_backend.camera.tones import tone_curve


def take_pictures(
    light: Tensor, camera: CameraModel | Numbers, noise: Tensor | None = None
) -> Tensor:
    """Pictures [B, 3, H, W] in [0, 1], sRGB, not yet rounded to 8 bits unless by JPEG.

    Differentiable in the light and in every parameter. Given as tensors, only those that are there
    take part; with no parameter at all it is the plain sRGB curve.

    Args:
        light: [B, 3, H, W] scene-linear light.
        camera: its parameters, as numbers or as tensors.
        noise: [B, 3, H, W] standard normal numbers, see :func:`noise_of`; None: no noise.
    """
    numbers = numbers_of(camera, light) if isinstance(camera, CameraModel) else camera
    if "blur" in numbers:
        light = lens.blur(light, numbers["blur"])
    if "red_aberration" in numbers or "blue_aberration" in numbers:
        red, blue = numbers.get("red_aberration", 0.0), numbers.get("blue_aberration", 0.0)
        light = lens.aberration(light, red, blue)
    if "vignette" in numbers:
        light = lens.vignette(light, numbers["vignette"], numbers.get("vignette_power", 2.0))
    image = developed(exposed(light, numbers, noise), numbers)
    if "sharpening" in numbers:
        image = sharpened(image, numbers["sharpening"])
    return jpeg(image, numbers["jpeg_quality"]) if "jpeg_quality" in numbers else image


def exposed(light: Tensor, numbers: Numbers, noise: Tensor | None) -> Tensor:
    """What the sensor measures: the light times 2**exposure, with its noise.

    The noise has the variance ``shot_noise * signal + read_noise**2`` and comes before the gains,
    which amplify it, as in a camera. The Gaussian form of Foi et al., Practical
    Poissonian-Gaussian noise modeling and fitting for single-image raw-data (IEEE TIP 17(10),
    2008).
    """
    if "exposure" in numbers:
        light = light * 2 ** numbers["exposure"]
    if noise is None or not ("shot_noise" in numbers or "read_noise" in numbers):
        return light
    variance = light.new_zeros(())
    if "shot_noise" in numbers:
        variance = variance + numbers["shot_noise"] * light.clamp_min(0)
    if "read_noise" in numbers:
        variance = variance + numbers["read_noise"] ** 2
    deviation = torch.where(variance > FAINTEST, variance.clamp_min(FAINTEST).sqrt(), 0.0)
    return light + deviation * noise


def developed(signal: Tensor, numbers: Numbers) -> Tensor:
    """What the camera makes of its sensor's signal, pixel by pixel: [..., 3, H, W] in [0, 1]."""
    if "red_gain" in numbers or "blue_gain" in numbers:
        one = signal.new_ones(())
        gains = [numbers.get("red_gain", one), one, numbers.get("blue_gain", one)]
        signal = signal * torch.stack(gains)[:, None, None]
    if "colour_matrix" in numbers:
        signal = torch.einsum("dc,...chw->...dhw", numbers["colour_matrix"], signal)
    return tone_curve(signal, numbers)


def sharpened(images: Tensor, weight: Tensor) -> Tensor:
    """An unsharp mask of 1 px on the picture, clipped to [0, 1]."""
    radius = torch.tensor(SHARPENING_RADIUS, dtype=torch.float64, device=images.device)
    return (images + weight * (images - lens.blur(images, radius))).clamp(0, 1)


def noise_of(seeds: Sequence[int], height: int, width: int) -> Tensor:
    """[B, 3, height, width] float32: each frame's sensor noise is a function of its seed."""
    drawn = np.stack([sensor_noise(seed, height, width) for seed in seeds])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2)
