"""The camera of large pictures, from that of small ones."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.camera.fitting.fit import fit_camera

MIDDLE = 200
"""Pixels of the middle of large pictures' sides, in which blur and noise are read."""


def enlarged_camera(small: CameraModel, photographs: Tensor, light: Tensor) -> CameraModel:
    """The camera of a larger picture: blur, sharpening and noise are in its own pixels, and read
    in the middle of the pictures; all else does not depend on the size.

    Args:
        small: fitted in smaller pictures.
        photographs, light: of the larger size, as for :func:`.fit_camera`.
    """
    rows, columns = (
        slice((size - part) // 2, (size - part) // 2 + part)
        for size in photographs.shape[-2:]
        for part in [min(size, MIDDLE)]
    )
    near = fit_camera(photographs[..., rows, columns], light[..., rows, columns]).camera
    return replace(
        small,
        blur=near.blur,
        sharpening=near.sharpening,
        shot_noise=near.shot_noise,
        read_noise=near.read_noise,
    )
