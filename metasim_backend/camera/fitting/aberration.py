"""Lateral chromatic aberration, from how far red and blue edges stand from green ones.

Where red is imaged larger by a share a, R(p) is G(p / (1 + a)), to first order G - a p·∇G. So
what red's detail has of p·∇G, beside green's own detail, is -a. What renders without aberration
seem to have is taken off.
"""

from __future__ import annotations

import torch
from torch import Tensor

from blender_addon.contract.camera_model import BOUNDS
from metasim_backend.camera import lens
from metasim_backend.camera.fitting.finding import Finding, kept_if_clear
from metasim_backend.camera.numbers import Numbers
from metasim_backend.camera.picture import take_pictures
from metasim_backend.statistics.bootstrap import resampled, standard_error

SMOOTH, WIDE = 0.7, 3.0  # px: detail is what lies between these two blurs


TRIED = 0.004  # an aberration that renders are given, to see how much of it is measured


def fit_aberration(
    photographs: Tensor, light: Tensor, numbers: Numbers, noise: Tensor | None
) -> list[Finding]:
    """``red_aberration`` and ``blue_aberration``.

    Args:
        photographs: [N, 3, H, W] sRGB in [0, 1].
        light: [M, 3, H, W] linear light.
        numbers: the camera found so far.
        noise: [M, 3, H, W] standard normal numbers, for its noise.
    """
    names = ("red_aberration", "blue_aberration")
    rest = {name: v for name, v in numbers.items() if name not in names}
    tried = rest | {name: torch.tensor(TRIED) for name in names}
    sets = [photographs, take_pictures(light, rest, noise), take_pictures(light, tried, noise)]
    findings = []
    for name, channel in zip(names, (0, 2), strict=True):
        seen, without, given = (_sums(pictures, channel) for pictures in sets)
        told = (_share(given) - _share(without)) / TRIED  # noise and blur take a part of it
        source = torch.Generator().manual_seed(0)
        draws = zip(resampled(len(seen), source), resampled(len(light), source), strict=True)
        error = standard_error([_share(seen[a]) - _share(without[b]) for a, b in draws])
        value = (_share(seen) - _share(without)) / max(told, 0.1)
        least, most, *_ = BOUNDS[name]
        remark = "shift of edges against green's, by radius"
        value = min(max(value, least), most)
        findings.append(kept_if_clear(name, value, error / max(told, 0.1), 0.0, remark))
    return findings


def _sums(pictures: Tensor, channel: int) -> Tensor:
    """[N, 5]: of each picture, the normal equations of detail on (green's detail, p·∇green)."""
    smooth, wide = (lens.blur(pictures, torch.tensor(s)) for s in (SMOOTH, WIDE))
    detail = smooth - wide
    green, other = detail[:, 1], detail[:, channel]
    height, width = green.shape[-2:]
    y = torch.arange(height) - (height - 1) / 2
    x = torch.arange(width) - (width - 1) / 2
    down, right = torch.gradient(green, dim=(-2, -1))
    outward = y[:, None] * down + x[None, :] * right
    products = (green * green, green * outward, outward * outward, green * other, outward * other)
    return torch.stack([p.double().mean((-1, -2)) for p in products], dim=1)


def _share(sums: Tensor) -> float:
    a, b, c, d, e = sums.mean(0)
    return float(-(a * e - b * d) / (a * c - b * b).clamp_min(1e-30))
