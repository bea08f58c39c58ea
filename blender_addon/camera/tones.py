"""From linear light to the numbers of a picture: the tone curve, the sRGB curve, 8 bits."""

from __future__ import annotations

import numpy as np

from ..contract.camera_model import CameraModel


def srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light to sRGB in [0, 1], float32; IEC 61966-2-1, clipped at both ends."""
    light = np.clip(linear, np.float32(0), np.float32(1))
    curve = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= np.float32(0.0031308), np.float32(12.92) * light, curve)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Float pixels in [0, 1] to uint8, rounded."""
    return (image * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def tone_curve(light: np.ndarray, camera: CameraModel) -> np.ndarray:
    """Linear light of any shape, at any brightness, to the picture's values in [0, 1].

    Never falls where the light rises, for every camera within its bounds.
    """
    light = np.maximum(light, np.float32(0))
    if camera.black:
        black = np.float32(camera.black)
        light = np.maximum(black + (1 - black) * light, np.float32(0))
    if camera.gamma != 1:
        light = light ** np.float32(camera.gamma)
    if camera.highlights:
        light = roll_off(light, camera.highlights)
    image = srgb(light)
    if camera.contrast:
        image = image + np.float32(camera.contrast) * image * (1 - image) * (2 * image - 1)
    return image


def roll_off(light: np.ndarray, part: float) -> np.ndarray:
    """Above 1 - part, bend the light so that it nears 1 and does not reach it; no kink."""
    knee = np.float32(1 - part)
    above = np.maximum(light - knee, np.float32(0)) / np.float32(part)
    return np.minimum(light, knee) + np.float32(part) * -np.expm1(-above)
