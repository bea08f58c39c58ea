"""A camera's parameters as tensors, so that a gradient can reach them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from blender_addon.contract.camera_model import BOUNDS, CameraModel

Numbers = Mapping[str, Tensor]
"""Parameters of :class:`CameraModel` by name: 0-d tensors, and ``colour_matrix`` [3, 3]. What is
not among them is the identity's, and its step is left out."""


def numbers_of(camera: CameraModel, like: Tensor | None = None) -> dict[str, Tensor]:
    """The parameters that are not the identity's, on the device and in the kind of a tensor."""
    kind: dict[str, Any] = {} if like is None else {"dtype": like.dtype, "device": like.device}
    return {name: torch.tensor(value, **kind) for name, value in camera.changes().items()}


def camera_of(numbers: Numbers) -> CameraModel:
    """Inverse of :func:`numbers_of`; values out of bounds are brought to them."""
    values: dict[str, Any] = {}
    for name, tensor in numbers.items():
        least, greatest, *_ = BOUNDS[name]
        values[name] = tensor.detach().double().clamp(least, greatest).cpu().tolist()
    return CameraModel.from_dict(values)
