"""The vignette, from mean brightness over the frame.

What stands in a street depends on the height in the picture far more than on the side, so each
band of rows is compared with itself: only how brightness goes from the middle to the sides counts.
A lens darkens all bands alike, and contents do not; so the bands' median is taken, and how far they
disagree is its error.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from blender_addon.contract.camera_constants import squared_radius
from metasim_backend.camera.fitting.finding import Finding, kept_if_clear
from metasim_backend.camera.numbers import Numbers
from metasim_backend.camera.picture import developed, exposed
from metasim_backend.statistics.bootstrap import resampled, standard_error

ROWS, COLUMNS = 6, 16
LOSSES = torch.linspace(0, 0.9, 13)


def fit_vignette(photographs: Tensor, light: Tensor, numbers: Numbers) -> Finding:
    """The share of light that the corners lose, with r squared.

    Args:
        photographs: [N, 3, H, W] sRGB in [0, 1].
        light: [M, 3, H, W] linear light.
        numbers: the rest of the camera; its exposure and tones are used.
    """
    seen = _maps(photographs)
    small = functional.adaptive_avg_pool2d(light, (4 * ROWS, 4 * COLUMNS))
    squared = torch.from_numpy(squared_radius(4 * ROWS, 4 * COLUMNS)).float()
    simulated = torch.stack(
        [
            _maps(developed(exposed(small * (1 - loss * squared), numbers, None), numbers))
            for loss in LOSSES
        ]
    )  # [losses, M, ROWS, COLUMNS]
    by_band = _best(seen.mean(0), simulated.mean(1))
    value = float(by_band.median())
    source = torch.Generator().manual_seed(0)
    draws = zip(resampled(len(seen), source), resampled(len(light), source), strict=True)
    drawn = [float(_best(seen[a].mean(0), simulated[:, b].mean(1)).median()) for a, b in draws]
    error = max(standard_error(drawn), float(by_band.std()))
    return kept_if_clear("vignette", value, error, 0.0, "brightness by column, row by row")


def _maps(pictures: Tensor) -> Tensor:
    """[B, ROWS, COLUMNS] mean value of each part of the frame, both halves alike."""
    found = functional.adaptive_avg_pool2d(pictures.mean(1, keepdim=True), (ROWS, COLUMNS))[:, 0]
    return (found + found.flip(-1)) / 2


def _best(seen: Tensor, simulated: Tensor) -> Tensor:
    """[ROWS]: of each band the loss whose brightness differs least from the one seen, but for a
    constant."""
    gap = simulated - seen
    gap = gap - gap.mean(-1, keepdim=True)
    costs = gap.square().sum(-1)
    return torch.tensor([lowest(LOSSES, costs[:, row]) for row in range(ROWS)])


def lowest(places: Tensor, costs: Tensor) -> float:
    """Where a curve that is known at even places is lowest, by a parabola through three."""
    i = int(costs.argmin())
    if i in (0, len(costs) - 1):
        return float(places[i])
    left, middle, right = (float(costs[j]) for j in (i - 1, i, i + 1))
    bend = left - 2 * middle + right
    part = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return float(places[i]) + part * float(places[1] - places[0])
