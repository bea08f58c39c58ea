"""Maps of a frame as PNG files, in the forms that other programs know.

========== =============================================================================
instances  16-bit grey, the label's index; 0 is everything unlabelled
depth      16-bit grey, metres x 256 as in KITTI; 0 where there is none
semantic   8-bit grey, Cityscapes' label ids
normals    16-bit RGB, (n + 1) / 2 x 65535 for x right, y down, z forward; black for the sky
flow       16-bit RGB as in KITTI: u x 64 + 2^15, v x 64 + 2^15, 1 where known (else all 0)
========== =============================================================================
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from blender_addon.contract.frames import Frame

DEPTH_SCALE = 256
FLOW_SCALE, FLOW_ZERO = 64, 2**15
FOLDERS = ("instances", "depth", "semantic", "normals", "flow")


def maps_of(frame: Frame) -> dict[str, bytes]:
    """The maps that a frame has: folder's name, of :data:`FOLDERS`, -> PNG file."""
    found = {"instances": map_png(frame.index.astype(np.uint16)), "depth": depth_png(frame.depth)}
    if frame.semantic is not None:
        found["semantic"] = map_png(frame.semantic)
    if frame.normal is not None:
        found["normals"] = normal_png(frame.normal)
    if frame.flow is not None:
        found["flow"] = flow_png(frame.flow)
    return found


def depth_png(depth: np.ndarray) -> bytes:
    """H x W metres; what is infinite becomes 0, what is too far the largest number."""
    scaled = np.where(np.isfinite(depth), depth, 0) * DEPTH_SCALE
    return map_png(np.clip(np.rint(scaled), 0, 65535).astype(np.uint16))


def normal_png(normal: np.ndarray) -> bytes:
    """H x W x 3 unit vectors, 0 for the sky."""
    some = (normal != 0).any(axis=-1, keepdims=True)
    scaled = np.rint((np.clip(normal, -1, 1) + 1) * (65535 / 2))
    return map_png(np.where(some, scaled, 0).astype(np.uint16))


def flow_png(flow: np.ndarray) -> bytes:
    """H x W x 2 pixels, NaN where unknown; what the form cannot hold (512 or more) is unknown."""
    scaled = np.rint(flow.astype(np.float64) * FLOW_SCALE) + FLOW_ZERO
    known = ((scaled >= 0) & (scaled <= 65535)).all(axis=-1)  # False for NaN
    values = np.zeros((*known.shape, 3), np.uint16)
    values[known, :2] = scaled[known]
    values[known, 2] = 1
    return map_png(values)


def map_png(values: np.ndarray) -> bytes:
    """A PNG of H x W or H x W x 3 uint8 or uint16; Pillow writes no 16-bit colours.

    The same values give the same bytes.
    """
    height, width = values.shape[:2]
    depth = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 16}[values.dtype]
    colour = 2 if values.ndim == 3 else 0
    rows = values.astype(values.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    # Each row is told as its difference to the row above (PNG's filter 2): maps change slowly.
    differences = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint8))
    filtered = np.concatenate([np.full((height, 1), 2, np.uint8), differences], axis=1)
    head = struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
