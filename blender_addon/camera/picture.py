"""The whole way from scene-linear light to the picture that a camera takes."""

from __future__ import annotations

import numpy as np

from ..contract.camera_constants import FAINTEST, SHARPENING_RADIUS
from ..contract.camera_model import CameraModel
from . import lens
from .jpeg import jpeg
from .tones import tone_curve


def take_picture(
    light: np.ndarray, camera: CameraModel, noise: np.ndarray | None = None
) -> np.ndarray:
    """The picture, H x W x 3 float32 in [0, 1], sRGB; :func:`.tones.to_uint8` makes 8 bits of it.

    Args:
        light: H x W x 3 scene-linear light, any kind of float.
        camera: its parameters.
        noise: H x W x 3 standard normal numbers
            (:func:`blender_addon.contract.camera_constants.sensor_noise`); None: no noise.
    """
    light = np.asarray(light, np.float32)
    if camera.blur:
        light = lens.blur(light, camera.blur)
    if camera.red_aberration or camera.blue_aberration:
        light = lens.aberration(light, camera.red_aberration, camera.blue_aberration)
    if camera.vignette:
        light = lens.vignette(light, camera.vignette, camera.vignette_power)
    if camera.exposure:
        light = light * np.float32(2.0**camera.exposure)
    if noise is not None and camera.has_noise:
        light = sensed(light, camera, noise)
    if camera.red_gain != 1 or camera.blue_gain != 1:
        light = light * np.array([camera.red_gain, 1, camera.blue_gain], np.float32)
    if "colour_matrix" in camera.changes():
        light = light @ np.array(camera.colour_matrix, np.float32).T
    image = tone_curve(light, camera)
    if camera.sharpening:
        image = sharpened(image, camera.sharpening)
    return jpeg(image, camera.jpeg_quality) if camera.jpeg_quality else image


def sensed(light: np.ndarray, camera: CameraModel, noise: np.ndarray) -> np.ndarray:
    """Light with noise whose variance is ``shot_noise * light + read_noise**2``.

    The Gaussian form of Foi et al., Practical Poissonian-Gaussian noise modeling and fitting for
    single-image raw-data (IEEE TIP 17(10), 2008).
    """
    variance = np.float32(camera.shot_noise) * np.maximum(light, 0) + np.float32(
        camera.read_noise**2
    )
    return light + np.where(variance > FAINTEST, np.sqrt(variance), np.float32(0)) * noise


def sharpened(image: np.ndarray, weight: float) -> np.ndarray:
    """An unsharp mask of 1 px on the picture, clipped to [0, 1]."""
    detail = image - lens.blur(image, SHARPENING_RADIUS)
    return np.clip(image + np.float32(weight) * detail, 0, 1)
