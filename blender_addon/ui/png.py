"""PNG files without loss: colour of 8 bits, one channel of 8 or 16 bits."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_KINDS = {(3, "uint8"): (8, 2), (2, "uint8"): (8, 0), (2, "uint16"): (16, 0)}


def png(pixels: np.ndarray) -> bytes:
    """A PNG file's bytes (W3C Recommendation, second edition).

    Args:
        pixels: H x W x 3 uint8, H x W uint8 or H x W uint16; the top row first.

    Raises:
        ValueError: for any other array.
    """
    kind = _KINDS.get((pixels.ndim, pixels.dtype.name))
    if kind is None or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(f"An array {pixels.dtype} {pixels.shape} is no picture.")
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">")))
    lines = rows.reshape(height, -1).view(np.uint8)
    unfiltered = np.zeros((height, 1), np.uint8)  # filter 0 before each line
    header = struct.pack(">IIBBBBB", width, height, *kind, 0, 0, 0)
    data = zlib.compress(np.hstack([unfiltered, lines]).tobytes(), 6)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
