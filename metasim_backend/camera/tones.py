"""From linear light to the numbers of a picture: the tone curve, the sRGB curve, and back."""

from __future__ import annotations

import torch
from torch import Tensor

from metasim_backend.camera.numbers import Numbers

LINEAR_PART = 0.0031308  # of the sRGB curve, below which it is straight
DARKEST = 1e-8  # where a power's slope is still finite


def srgb(linear: Tensor) -> Tensor:
    """Linear light to sRGB in [0, 1]; IEC 61966-2-1, clipped at both ends.

    In float32 it rounds to the same 8 bits as the add-on's, for every light that float16 holds.
    """
    light = linear.clamp(0, 1)
    curve = 1.055 * light.clamp_min(LINEAR_PART) ** (1 / 2.4) - 0.055
    return torch.where(light <= LINEAR_PART, 12.92 * light, curve)


def linear(images: Tensor) -> Tensor:
    """sRGB in [0, 1] to linear light: the inverse of :func:`srgb`."""
    curve = ((images.clamp_min(0.04) + 0.055) / 1.055) ** 2.4
    return torch.where(images <= 0.04045, images / 12.92, curve)


def tone_curve(light: Tensor, numbers: Numbers) -> Tensor:
    """Linear light of any shape, at any brightness, to the picture's values in [0, 1].

    Never falls where the light rises, for every camera within its bounds.
    """
    light = light.clamp_min(0)
    if "black" in numbers:
        light = (numbers["black"] + (1 - numbers["black"]) * light).clamp_min(0)
    if "gamma" in numbers:
        light = light.clamp_min(DARKEST) ** numbers["gamma"]
    if "highlights" in numbers:
        light = roll_off(light, numbers["highlights"])
    image = srgb(light)
    if "contrast" in numbers:
        image = image + numbers["contrast"] * image * (1 - image) * (2 * image - 1)
    return image


def roll_off(light: Tensor, part: Tensor) -> Tensor:
    """Above 1 - part, bend the light so that it nears 1 and does not reach it; no kink."""
    part = part.clamp_min(1e-6)
    knee = 1 - part
    above = (light - knee).clamp_min(0) / part
    return torch.minimum(light, knee) + part * -torch.expm1(-above)


def rounded(values: Tensor) -> Tensor:
    """To whole numbers; the gradient goes straight through (Bengio et al., arXiv:1308.3432)."""
    return values + (values.round() - values).detach()


def to_8_bits(images: Tensor) -> Tensor:
    """[0, 1] in steps of 1/255; the gradient goes straight through."""
    steps = (images.detach() * 255 + 0.5).floor() / 255
    return images + (steps - images).detach()
