"""Pictures as many cameras would have taken them, so that a reader depends on no camera's tones.

A reader that has seen renders alone takes tones, colours, noise and sharpness of a renderer for
what pictures look like. Domain randomisation (Tobin et al., arXiv:1703.06907), of the camera and of
how brightly the parts of a picture are lit.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.camera.picture import take_pictures
from metasim_backend.camera.tones import linear

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Of linear sRGB."""
UNEVEN = 0.35
"""Standard deviation of the logarithm of the light, from place to place."""
PATCHES = (3, 8)
"""How many places, down and across."""


def draw_camera(source: torch.Generator) -> CameraModel:
    """One of the cameras that a photograph may come from."""

    def normal(deviation: float) -> float:
        return deviation * float(torch.randn((), generator=source))

    def uniform(least: float, greatest: float) -> float:
        return least + (greatest - least) * float(torch.rand((), generator=source))

    saturation = uniform(0.5, 1.4)
    grey = [[share * (1 - saturation) for share in LUMINANCE] for _ in range(3)]
    for place in range(3):
        grey[place][place] += saturation
    sharp = uniform(0, 1) < 0.5
    return CameraModel(
        blur=0.0 if sharp else uniform(0, 1.2),
        vignette=max(0.0, uniform(-0.3, 0.4)),
        exposure=max(-1.5, min(1.5, normal(0.5))),
        shot_noise=10 ** uniform(-5, -2.7),
        read_noise=10 ** uniform(-3.5, -1.8),
        red_gain=2 ** max(-0.5, min(0.5, normal(0.15))),
        blue_gain=2 ** max(-0.5, min(0.5, normal(0.15))),
        colour_matrix=(tuple(grey[0]), tuple(grey[1]), tuple(grey[2])),  # type: ignore[arg-type]
        black=uniform(-0.02, 0.03),
        gamma=2 ** max(-0.6, min(0.6, normal(0.25))),
        highlights=uniform(0, 0.6),
        contrast=uniform(-0.3, 0.7),
        sharpening=uniform(0, 1.5) if sharp else 0.0,
    )


@torch.no_grad()
def taken_by_any(images: Tensor, source: torch.Generator) -> Tensor:
    """Each of the pictures [N, 3, H, W] uint8 as a camera of its own might have taken it.

    The light is that of the picture, so what was white in it stays of one brightness.
    """
    out = torch.empty_like(images)
    for number, image in enumerate(images.split(1)):
        light = linear(image.float() / 255)
        uneven = UNEVEN * torch.randn(1, 1, *PATCHES, generator=source)
        uneven = functional.interpolate(
            uneven, size=light.shape[-2:], mode="bilinear", align_corners=True
        )
        noise = torch.randn(light.shape, generator=source)
        picture = take_pictures(light * uneven.exp(), draw_camera(source), noise)
        out[number] = (picture[0].clamp(0, 1) * 255).round().to(torch.uint8)
    return out
