"""An optimiser whose learning rate rises and falls over a training of known length."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn


def rise_and_fall(step: int, steps: int) -> float:
    """The share of the peak learning rate: rises for a tenth of the steps, then falls to 0."""
    rise = max(1, steps // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def adamw(
    parameters: Iterable[nn.Parameter], peak: float, weight_decay: float, steps: int
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW, and the schedule of :func:`rise_and_fall` for it, to be stepped after each step."""
    optimiser = torch.optim.AdamW(parameters, peak, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rise_and_fall(step, steps))
    return optimiser, schedule
