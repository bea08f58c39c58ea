"""Samples on a circle as tensors, for networks that are scaled by them."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def offsets_from_mean(turns: Tensor) -> tuple[Tensor, Tensor]:
    """Mean direction and the signed way from it to each value, the short way round.

    Args:
        turns: [N] values on a circle of period 1.

    Returns:
        A scalar in (-1/2, 1/2] and [N] in [-1/2, 1/2]. The offsets' ordinary deviation is a scale
        for a network. What reports show is ``circular.circular_standard_deviation``.
    """
    angle = 2 * math.pi * turns
    mean = torch.atan2(angle.sin().mean(), angle.cos().mean()) / (2 * math.pi)
    offset = turns - mean
    return mean, offset - offset.round()
