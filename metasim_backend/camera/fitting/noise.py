"""The sensor's noise, from the smoothest patches of each brightness.

Detail is measured by the mask that is blind to planes (Immerkaer, Fast noise variance estimation,
Computer Vision and Image Understanding 64(2), 1996). The smoothest patches of a brightness have
hardly anything but noise; what fine texture is left even there counts as noise too, so the noise
found is an upper bound. The same is measured on renders through the camera, with the noise that
makes both alike: so tone curve, sharpening, JPEG and rounding need no theory.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from blender_addon.contract.camera_model import BOUNDS
from metasim_backend.camera.fitting.finding import Finding
from metasim_backend.camera.numbers import Numbers
from metasim_backend.camera.picture import take_pictures
from metasim_backend.camera.tones import to_8_bits

PATCH = 8
SMOOTHEST = 0.1  # the quantile of patches that is compared
EDGES = torch.tensor([0.04, 0.1, 0.17, 0.25, 0.35, 0.45, 0.55, 0.68, 0.82, 0.95])
FEWEST = 40  # patches of a brightness
MASK = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]]) / 6
SHOTS = (0.0, 2e-4, 1e-3, 5e-3)
READS = (0.0, 2e-3, 5e-3, 1.2e-2, 3e-2)
ROUNDS = 6


def fit_noise(photographs: Tensor, light: Tensor, numbers: Numbers, noise: Tensor) -> list[Finding]:
    """``shot_noise`` and ``read_noise``.

    Args:
        photographs: [N, 3, H, W] sRGB in [0, 1].
        light: [M, 3, H, W] linear light.
        numbers: the rest of the camera.
        noise: [M, 3, H, W] standard normal numbers.
    """
    wanted, weights = roughness(photographs)
    rest = {name: v for name, v in numbers.items() if name not in ("shot_noise", "read_noise")}
    known: dict[tuple[float, float], float] = {}

    def cost(shot: float, read: float) -> float:
        if (shot, read) not in known:
            tried = {"shot_noise": torch.tensor(shot), "read_noise": torch.tensor(read)}
            found, counts = roughness(take_pictures(light, rest | tried, noise))
            both = (weights * counts).sqrt()
            gap = torch.where(both > 0, found - wanted, 0.0)
            known[shot, read] = float((both * gap.square()).sum() / both.sum().clamp_min(1e-9))
        return known[shot, read]

    # By their roots, in which the noise of dark and of bright parts is even.
    best = min((cost(s, r), s**0.5, r) for s in SHOTS for r in READS)
    step_shot, step_read = max(best[1] / 2, 5e-3), max(best[2] / 2, 1e-3)
    most_shot, most_read = BOUNDS["shot_noise"].greatest ** 0.5, BOUNDS["read_noise"].greatest
    for _ in range(ROUNDS):
        roots = {min(max(best[1] + a * step_shot, 0.0), most_shot) for a in (-1, 0, 1)}
        reads = {min(max(best[2] + a * step_read, 0.0), most_read) for a in (-1, 0, 1)}
        better = min((cost(root**2, read), root, read) for root in roots for read in reads)
        if better[0] < best[0]:
            best = better
        else:
            step_shot, step_read = step_shot / 2, step_read / 2
    remark = "smoothest patches by brightness; fine texture counts too"
    if best[1:] == (0.0, 0.0):
        remark = "no rougher than the renders' own smoothest patches"
    return [
        Finding("shot_noise", best[1] ** 2, remark=remark),
        Finding("read_noise", best[2], remark=remark),
    ]


def roughness(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Noise of the smoothest patches (in values of the picture, after rounding to 8 bits) of each
    brightness, and the square root of how many patches there are; 0 where there are too few."""
    planes = to_8_bits(pictures).flatten(0, 1)[:, None]
    detail = functional.conv2d(planes, MASK[None, None]).square()
    # The mask reaches one pixel further, so a patch's own detail is that of its inside.
    whole = functional.unfold(functional.pad(detail, (1, 1, 1, 1)), PATCH, stride=PATCH)
    inside = whole.unflatten(1, (PATCH, PATCH))[:, 1 : PATCH - 1, 1 : PATCH - 1]
    rough = inside.mean((1, 2)).sqrt().flatten()
    level = functional.avg_pool2d(planes, PATCH).flatten()
    bins = torch.bucketize(level, EDGES)
    found, weights = torch.zeros(len(EDGES) - 1), torch.zeros(len(EDGES) - 1)
    for i in range(len(EDGES) - 1):
        own = rough[bins == i + 1]
        if len(own) >= FEWEST:
            found[i] = own.kthvalue(1 + int(SMOOTHEST * (len(own) - 1))).values
            weights[i] = len(own) ** 0.5
    return found, weights
