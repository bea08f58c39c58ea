"""What the lens does to linear light, [B, 3, H, W]: blur, chromatic aberration, vignette."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from blender_addon.contract.camera_constants import kernel_cosines, kernel_radius, squared_radius


def blur(images: Tensor, deviation: Tensor) -> Tensor:
    """Convolve with the discrete Gaussian of this standard deviation (px, 0-d); the edge goes on.

    Differentiable in both, also where the deviation is 0 (where its gradient is 0).
    """
    kernel = blur_kernel(deviation).to(images)
    radius, channels = len(kernel) // 2, images.shape[1]
    sides = (radius, radius)
    rows = kernel[None, None, None, :].expand(channels, 1, 1, -1)
    columns = kernel[None, None, :, None].expand(channels, 1, -1, 1)
    wide = functional.pad(images, (*sides, 0, 0), mode="replicate")
    images = functional.conv2d(wide, rows, groups=channels)
    high = functional.pad(images, (0, 0, *sides), mode="replicate")
    return functional.conv2d(high, columns, groups=channels)


def blur_kernel(deviation: Tensor) -> Tensor:
    """[2 r + 1] float64: the kernel, whose variance is ``deviation**2`` and whose sum is 1."""
    decay, cosines = kernel_cosines(kernel_radius(float(deviation.detach())))
    at = {"dtype": torch.float64, "device": deviation.device}
    spectrum = torch.exp(deviation.double() ** 2 * torch.tensor(decay, **at))  # type: ignore[arg-type]
    kernel = spectrum @ torch.tensor(cosines, **at)  # type: ignore[arg-type]
    return kernel / kernel.sum()


def aberration(images: Tensor, red: Tensor | float, blue: Tensor | float) -> Tensor:
    """Image red and blue larger by these shares than green, about the centre; linear between
    pixels."""
    planes = list(images.unbind(1))
    for channel, share in ((0, red), (2, blue)):
        planes[channel] = _magnified(_magnified(planes[channel], 1 + share, -2), 1 + share, -1)
    return torch.stack(planes, 1)


def _magnified(planes: Tensor, scale: Tensor | float, axis: int) -> Tensor:
    size = planes.shape[axis]
    centre = (size - 1) / 2
    places = torch.arange(size, device=planes.device, dtype=torch.float64)
    at = (centre + (places - centre) / scale).clamp(0, size - 1)
    low = at.detach().long().clamp(max=max(size - 2, 0))
    high = (low + 1).clamp(max=size - 1)
    part = (at - low).to(planes.dtype)
    if axis == -2:
        part = part[:, None]
    return (1 - part) * planes.index_select(axis, low) + part * planes.index_select(axis, high)


def vignette(images: Tensor, loss: Tensor, power: Tensor | float) -> Tensor:
    """Darken by ``1 - loss * r**power``, r = 1 in the corners."""
    squared = torch.from_numpy(squared_radius(*images.shape[-2:])).to(images)
    return images * (1 - loss * squared ** (power / 2))
