"""What JPEG leaves of a picture: quantised blocks of its cosine transform (ITU-T T.81).

Rounding is passed by the gradient as if it were not there (straight through), so that of the
picture is nearly the identity's, and that of the quality is the rounding's error, coefficient by
coefficient (as in Esser et al., Learned step size quantization, ICLR 2020).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from blender_addon.contract.camera_constants import (
    BLOCK,
    CHROMA_BLOCK,
    CHROMINANCE_TABLE,
    FROM_YCC,
    LUMINANCE_TABLE,
    TO_YCC,
    chroma_bias,
    dct_matrix,
)
from metasim_backend.camera.tones import rounded


def jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """[B, 3, H, W] in [0, 1] after compression at this quality (0-d), in steps of 1/255.

    As libjpeg does it: 8-bit input, chroma halved in both directions and made larger again by a
    triangle filter, the standard tables. Quality 0 is no compression.
    """
    if float(quality.detach()) <= 0:
        return images
    height, width = images.shape[-2:]
    sides = (0, -width % CHROMA_BLOCK, 0, -height % CHROMA_BLOCK)
    pixels = rounded(functional.pad(images, sides, mode="replicate") * 255)
    ycc = torch.einsum("dc,bchw->bdhw", torch.from_numpy(TO_YCC).to(pixels), pixels)
    ycc = rounded(ycc + ycc.new_tensor([0, 128, 128])[:, None, None])
    luma = _quantised(ycc[:, :1], _table(LUMINANCE_TABLE, quality, ycc))
    small = functional.avg_pool2d(ycc[:, 1:], 2)
    bias = torch.from_numpy(chroma_bias(small.shape[-1])).to(small)
    small = small + ((small + bias).floor() - small).detach()
    small = _quantised(small, _table(CHROMINANCE_TABLE, quality, ycc))
    chroma = functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    whole = torch.cat([luma, rounded(chroma) - 128], dim=1)[..., :height, :width]
    rgb = torch.einsum("dc,bchw->bdhw", torch.from_numpy(FROM_YCC).to(whole), whole)
    return rounded(rgb.clamp(0, 255)) / 255


def _table(table, quality: Tensor, like: Tensor) -> Tensor:
    """[8, 8]: libjpeg's scaling of a quantisation table."""
    quality = quality.to(like)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    steps = (torch.from_numpy(table).to(like) * scale + 50) / 100
    return (steps + (steps.floor() - steps).detach()).clamp(1, 255)


def _quantised(planes: Tensor, steps: Tensor) -> Tensor:
    """[B, C, H, W] in 0 to 255, with the coefficients of each block in whole steps ([8, 8])."""
    batch, channels, height, width = planes.shape
    dct = torch.from_numpy(dct_matrix()).to(planes)
    blocks = (planes - 128).reshape(batch, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    found = torch.einsum("ky,...bycx,lx->...bkcl", dct, blocks, dct)
    steps = steps[:, None, :]
    found = rounded(found / steps) * steps
    back = torch.einsum("ky,...bkcl,lx->...bycx", dct, found, dct)
    return rounded((back.reshape(planes.shape) + 128).clamp(0, 255))
