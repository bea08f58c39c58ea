"""Exposure, white balance, saturation and tone curve, from the distribution of colours.

The photographs' colours and those of the renders through the camera are compared by their sorted
values along fixed directions (sliced Wasserstein distance, Bonneel et al., Journal of Mathematical
Imaging and Vision 51, 2015) and along one that is not linear, the saturation. Where the
distributions leave a parameter open, a weak pull to the identity decides.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from metasim_backend.camera.numbers import Numbers
from metasim_backend.camera.picture import developed, exposed
from metasim_backend.statistics.wasserstein import wasserstein_on_line

STEPS = 150
RATE = 0.05
QUANTILES = 256
LUMA = (0.299, 0.587, 0.114)
# Rows: directions in RGB and their weights. Differences of channels are narrower than channels.
DIRECTIONS = (
    ((1.0, 0.0, 0.0), 1.0),
    ((0.0, 1.0, 0.0), 1.0),
    ((0.0, 0.0, 1.0), 1.0),
    (LUMA, 1.0),
    ((1.0, -1.0, 0.0), 2.0),
    ((0.0, -1.0, 1.0), 2.0),
)
# Of the pull: what a parameter may well be away from the identity by.
USUAL = {"gains": 0.3, "black": 0.03, "gamma": 0.3, "highlights": 0.3, "contrast": 0.4}
USUAL_SATURATION = 0.4
PULL = 1e-4


def fit_tones(photographs: Tensor, light: Tensor) -> dict[str, Tensor]:
    """The pixel-wise parameters that give the light's pixels the photographs' colours.

    Args:
        photographs: [P, 3] sRGB in [0, 1].
        light: [L, 3] linear light behind the lens, before exposure.

    Returns:
        exposure, red_gain, blue_gain, colour_matrix, black, gamma, highlights, contrast.
    """
    wanted = _quantiles(photographs)
    raw = {name: torch.zeros((), requires_grad=True) for name in _NAMES}
    with torch.no_grad():
        raw["exposure"].fill_(_first_exposure(photographs, light))
        raw["highlights"].fill_(-2.0)
    optimiser = torch.optim.Adam(list(raw.values()), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, RATE / 20)
    for _ in range(STEPS):
        numbers = _numbers(raw)
        found = _quantiles(pixels_seen(light, numbers))
        loss = (found - wanted).square().mean() + PULL * _oddity(raw, numbers)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return {name: tensor.detach() for name, tensor in _numbers(raw).items()}


def pixels_seen(light: Tensor, numbers: Numbers) -> Tensor:
    """[L, 3] sRGB of [L, 3] linear light, without lens, noise and JPEG."""
    return developed(exposed(light.T[..., None], numbers, None), numbers)[..., 0].T


def distance(photographs: Tensor, pictures: Tensor) -> float:
    """Mean over the channels of the pixels' Wasserstein-1 distance, in steps of 8 bits.

    Args:
        photographs, pictures: [P, 3] and [L, 3] sRGB in [0, 1].
    """
    channels = zip(photographs.numpy().T, pictures.numpy().T, strict=True)
    return 255 * sum(wasserstein_on_line(a, b) for a, b in channels) / photographs.shape[1]


_NAMES = (
    *("exposure", "red_gain", "blue_gain", "saturation"),
    *("black", "gamma", "highlights", "contrast"),
)


def _numbers(raw: dict[str, Tensor]) -> dict[str, Tensor]:
    """Free numbers as parameters within their bounds, at the identity where they are 0."""
    grey = torch.tensor(LUMA).expand(3, 3)
    amount = raw["saturation"].exp()
    return {
        "exposure": raw["exposure"],
        "red_gain": raw["red_gain"].exp(),
        "blue_gain": raw["blue_gain"].exp(),
        "colour_matrix": amount * torch.eye(3) + (1 - amount) * grey,
        "black": 0.1 * torch.tanh(raw["black"]),
        "gamma": raw["gamma"].clamp(-1, 1).exp(),
        "highlights": 0.9 * torch.sigmoid(raw["highlights"]),
        "contrast": torch.tanh(raw["contrast"]),
    }


def _oddity(raw: dict[str, Tensor], numbers: dict[str, Tensor]) -> Tensor:
    return (
        (raw["red_gain"].square() + raw["blue_gain"].square()) / USUAL["gains"] ** 2
        + (raw["saturation"] / USUAL_SATURATION).square()
        + (raw["gamma"] / USUAL["gamma"]).square()
        + sum(
            (
                (numbers[name] / USUAL[name]).square()
                for name in ("black", "highlights", "contrast")
            ),
            torch.zeros(()),
        )
    )


def _first_exposure(photographs: Tensor, light: Tensor) -> float:
    """Stops that give the middle pixel the middle pixel's brightness."""
    from metasim_backend.camera.tones import linear

    luma = torch.tensor(LUMA)
    wanted = float((linear(photographs) @ luma).median())
    return math.log2(max(wanted, 1e-3) / max(float((light @ luma).median()), 1e-3))


def _levels(values: Tensor) -> Tensor:
    """[Q, D]: the sorted values of [N, D] at Q even ranks."""
    ordered = values.sort(0).values
    ranks = (torch.arange(QUANTILES) + 0.5) / QUANTILES * (len(ordered) - 1)
    low = ranks.long()
    part = (ranks - low)[:, None]
    return ordered[low] * (1 - part) + ordered[(low + 1).clamp(max=len(ordered) - 1)] * part


def _quantiles(pixels: Tensor) -> Tensor:
    """[Q, 7]: along every direction, weighted, and of the saturation."""
    rows = torch.tensor([[w * v for v in direction] for direction, w in DIRECTIONS])
    saturation = pixels.amax(1, keepdim=True) - pixels.amin(1, keepdim=True)
    return _levels(torch.cat([pixels @ rows.T, 2 * saturation], dim=1))
