"""Other looks of a picture by the amplitudes of its Fourier transform; its phases, and so what
stands where, stay, and labels stay valid.

FDA: Yang and Soatto, FDA: Fourier domain adaptation for semantic segmentation (CVPR 2020).
PASTA: Chattopadhyay et al., PASTA: proportional amplitude spectrum training augmentation for
syn-to-real domain generalization (ICCV 2023).
"""

from __future__ import annotations

import torch
from torch import Tensor

SWAPPED = 0.01
"""Half width of the window of swapped frequencies, as a share of the shorter side (FDA, β)."""
SCATTER, RISE, FLOOR = 3.0, 2.0, 0.25
"""PASTA's α, k and β, as published."""


def with_amplitudes_of(picture: Tensor, other: Tensor, share: float = SWAPPED) -> Tensor:
    """FDA: a picture with the lowest frequencies' amplitudes of another.

    Args:
        picture, other: [3, H, W] uint8 of one size.
        share: see :data:`SWAPPED`.
    """
    own, its = (torch.fft.fftshift(torch.fft.fft2(p.float()), dim=(1, 2)) for p in (picture, other))
    height, width = picture.shape[-2:]
    reach = int(share * min(height, width))
    window = (
        slice(None),
        slice(height // 2 - reach, height // 2 + reach + 1),
        slice(width // 2 - reach, width // 2 + reach + 1),
    )
    amplitudes = own.abs()
    amplitudes[window] = its.abs()[window]
    return _picture(torch.polar(amplitudes, own.angle()))


def with_scattered_amplitudes(picture: Tensor, source: torch.Generator) -> Tensor:
    """PASTA: a picture whose amplitudes are multiplied by normal numbers about 1, which scatter the
    more the higher the frequency; all colours by the same.

    Args:
        picture: [3, H, W] uint8.
        source: draws the numbers.
    """
    own = torch.fft.fft2(picture.float())
    height, width = picture.shape[-2:]
    down = torch.fft.fftfreq(height)[:, None] * height
    across = torch.fft.fftfreq(width)[None, :] * width
    radius = ((down.square() + across.square()) / (height**2 + width**2)).sqrt()
    spread = (2 * SCATTER * radius) ** RISE + FLOOR
    factors = 1 + spread * torch.randn(height, width, generator=source)
    # The mean colour is no texture: scattered by a quarter it would be another exposure.
    factors[0, 0] = 1
    return _picture(torch.fft.fftshift(own * factors, dim=(1, 2)))


def _picture(shifted: Tensor) -> Tensor:
    """The real part of the inverse transform, as uint8: that of symmetrised amplitudes."""
    values = torch.fft.ifft2(torch.fft.ifftshift(shifted, dim=(1, 2))).real
    return values.round().clamp(0, 255).to(torch.uint8)
