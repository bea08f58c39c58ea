"""Where networks run that look at pictures.

Such a network takes tensors from wherever they are, works on its own device, and answers where its
input came from. So what is outside of it (pictures, readings, distances, scenes) stays on the CPU
and needs to know of no device.
"""

from __future__ import annotations

import torch
from torch import nn


class DeviceError(ValueError):
    """A device that is not there; one sentence."""


def network_device(choice: str) -> torch.device:
    """The device of the setting ``networks.device``.

    Args:
        choice: "auto", "cpu", "cuda" or "mps". Auto is the CPU, which gives the same bits each
            time.

    Raises:
        DeviceError: when torch has no such device here.
    """
    absent = (choice == "cuda" and not torch.cuda.is_available()) or (
        choice == "mps" and not torch.backends.mps.is_available()
    )
    if absent:
        raise DeviceError(
            f"The networks cannot run on {choice!r}, since torch sees no such device here; use "
            "--set networks.device=cpu, or --network-device cpu (a run's is in its config.yaml)."
        )
    return torch.device("cpu" if choice == "auto" else choice)


def device_of(network: nn.Module) -> torch.device:
    """Where a network's parameters are."""
    return next(network.parameters()).device
