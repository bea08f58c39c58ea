"""What JPEG leaves of a picture: quantised blocks of its cosine transform (ITU-T T.81)."""

from __future__ import annotations

import numpy as np

from ..contract.camera_constants import (
    BLOCK,
    CHROMA_BLOCK,
    CHROMINANCE_TABLE,
    FROM_YCC,
    LUMINANCE_TABLE,
    TO_YCC,
    chroma_bias,
    dct_matrix,
)

_DCT = dct_matrix().astype(np.float32)


def jpeg(image: np.ndarray, quality: float) -> np.ndarray:
    """H x W x 3 in [0, 1] after compression at this quality, in steps of 1/255, float32.

    As libjpeg does it: 8-bit input, chroma halved in both directions and made larger again by a
    triangle filter, the standard tables.
    """
    height, width = image.shape[:2]
    below, right = -height % CHROMA_BLOCK, -width % CHROMA_BLOCK
    pixels = np.rint(np.pad(image, ((0, below), (0, right), (0, 0)), mode="edge") * 255)
    ycc = np.rint(pixels @ TO_YCC.T.astype(np.float32) + np.array([0, 128, 128], np.float32))
    small = ycc[..., 1:].reshape(ycc.shape[0] // 2, 2, ycc.shape[1] // 2, 2, 2).mean((1, 3))
    small = np.floor(small + chroma_bias(small.shape[1])[:, None].astype(np.float32))
    luma = _quantised(ycc[..., 0], LUMINANCE_TABLE, quality)
    chroma = [_quantised(small[..., c], CHROMINANCE_TABLE, quality) for c in (0, 1)]
    chroma = [np.rint(_doubled(_doubled(c).T).T) - 128 for c in chroma]
    rgb = np.stack([luma, *chroma], axis=-1) @ FROM_YCC.T.astype(np.float32)
    return (np.rint(np.clip(rgb[:height, :width], 0, 255)) / 255).astype(np.float32)


def table_at(table: np.ndarray, quality: float) -> np.ndarray:
    """8 x 8: libjpeg's scaling of a quantisation table."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return np.clip(np.floor((table * scale + 50) / 100), 1, 255).astype(np.float32)


def _quantised(plane: np.ndarray, table: np.ndarray, quality: float) -> np.ndarray:
    height, width = plane.shape
    steps = table_at(table, quality)[:, None, :]
    blocks = (plane - 128).reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    found = np.einsum("ky,bycx,lx->bkcl", _DCT, blocks.astype(np.float32), _DCT)
    found = np.rint(found / steps) * steps
    back = np.einsum("ky,bkcl,lx->bycx", _DCT, found, _DCT).reshape(height, width)
    return np.rint(np.clip(back + 128, 0, 255))


def _doubled(plane: np.ndarray) -> np.ndarray:
    """Twice as high: each new row is 3/4 of the nearer old one and 1/4 of the other."""
    wide = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
    out = np.empty((2 * plane.shape[0], plane.shape[1]), np.float32)
    out[::2] = 0.75 * plane + 0.25 * wide[:-2]
    out[1::2] = 0.75 * plane + 0.25 * wide[2:]
    return out
