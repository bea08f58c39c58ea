"""Read the uncompressed scan-line OpenEXR files that Blender writes, with numpy alone.

Only what Blender needs is read: compression NONE, scan lines, one or several parts, channels of
uint32, float16 or float32 without subsampling. Layout after the OpenEXR 2 file specification
("OpenEXR File Layout", openexr.com).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

_MAGIC = 20000630
_TILED, _DEEP, _MULTIPART = 0x200, 0x800, 0x1000
_TYPES = (np.dtype("<u4"), np.dtype("<f2"), np.dtype("<f4"))
_MAX_PIXELS = 2**28


class ExrError(ValueError):
    """A file that is not an OpenEXR file of the kind read here."""


@dataclass(frozen=True)
class _Part:
    channels: tuple[tuple[str, np.dtype], ...]  # in the file's order, which is by name
    width: int
    height: int
    top: int


def read(data: bytes) -> dict[str, np.ndarray]:
    """All channels of an OpenEXR file.

    Args:
        data: the file's bytes.

    Returns:
        Channel name (such as ``"ViewLayer.Combined.R"``) -> H x W array of the channel's own
        type, top row first, of the data window's size. Read-only views where possible.

    Raises:
        ExrError: when it is not such a file, or is cut short.
    """
    try:
        return _read(data)
    except (struct.error, IndexError, ValueError, UnicodeDecodeError) as error:
        if isinstance(error, ExrError):
            raise
        raise ExrError(f"The OpenEXR file is damaged or cut short: {error}.") from None


def channel(
    channels: Mapping[str, np.ndarray], passes: tuple[str, ...], component: str
) -> np.ndarray:
    """The channel of a render pass, whatever the view layer is called.

    Args:
        channels: what :func:`read` returned.
        passes: the pass's names in different versions of Blender, such as
            ``("IndexOB", "Object Index")``.
        component: ``"R"``, ``"Z"``, ...; an empty string takes a pass's only channel.

    Raises:
        ExrError: when there is no such channel.
    """
    for name, values in channels.items():
        parts = name.split(".")
        if len(parts) >= 2 and parts[-2] in passes and component in ("", parts[-1]):
            return values
    raise ExrError(f"The render wrote no pass {passes[0]!r}; it wrote {', '.join(channels)}.")


def _read(data: bytes) -> dict[str, np.ndarray]:
    magic, version = struct.unpack_from("<iI", data, 0)
    if magic != _MAGIC:
        raise ExrError("The file is not an OpenEXR file.")
    if version & (_TILED | _DEEP):
        raise ExrError("The OpenEXR file holds tiles or deep data; scan lines were expected.")
    multipart = bool(version & _MULTIPART)
    parts, at = [], 8
    while True:
        attributes, at = _header(data, at)
        parts.append(_part(attributes))
        if not multipart:
            break
        if data[at] == 0:  # an empty header ends the list
            at += 1
            break
    found: dict[str, np.ndarray] = {}
    for part in parts:
        offsets = np.frombuffer(data, "<u8", part.height, at).astype(np.int64)
        at += 8 * part.height
        found.update(_scan_lines(data, part, offsets, 4 if multipart else 0))
    return found


def _header(data: bytes, at: int) -> tuple[dict[str, bytes], int]:
    attributes = {}
    while data[at] != 0:
        name, at = _text(data, at)
        _, at = _text(data, at)
        (size,) = struct.unpack_from("<i", data, at)
        if not 0 <= size <= len(data) - at - 4:
            raise ExrError(f"The OpenEXR attribute {name!r} has a size of {size} bytes.")
        attributes[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return attributes, at + 1


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8"), end + 1


def _part(attributes: dict[str, bytes]) -> _Part:
    for name in ("channels", "compression", "dataWindow"):
        if name not in attributes:
            raise ExrError(f"The OpenEXR file has no attribute {name!r}.")
    if attributes["compression"] != b"\0":
        raise ExrError("The OpenEXR file is compressed; it has to be written with codec NONE.")
    x0, y0, x1, y1 = struct.unpack("<4i", attributes["dataWindow"])
    width, height = x1 - x0 + 1, y1 - y0 + 1
    if width < 1 or height < 1 or width * height > _MAX_PIXELS:
        raise ExrError(f"The OpenEXR file's data window is {width} x {height} pixels.")
    return _Part(tuple(_channel_list(attributes["channels"])), width, height, y0)


def _channel_list(raw: bytes) -> Iterator[tuple[str, np.dtype]]:
    at = 0
    while raw[at] != 0:
        name, at = _text(raw, at)
        kind, _, x_step, y_step = struct.unpack_from("<iI2i", raw, at)
        if (x_step, y_step) != (1, 1) or not 0 <= kind < len(_TYPES):
            raise ExrError(f"The OpenEXR channel {name!r} is of an unsupported kind.")
        yield name, _TYPES[kind]
        at += 16


def _scan_lines(
    data: bytes, part: _Part, offsets: np.ndarray, prefix: int
) -> dict[str, np.ndarray]:
    """Channels of one part; ``offsets`` point at each line's chunk, top line first."""
    line = part.width * sum(dtype.itemsize for _, dtype in part.channels)
    head = prefix + 8  # part number, y, size
    if offsets.min() < 0 or offsets.max() + head + line > len(data):
        raise ExrError("The OpenEXR file is damaged or cut short: it lacks scan lines.")
    steps = np.diff(offsets)
    if len(steps) == 0 or (steps[0] > 0 and (steps == steps[0]).all()):
        # As Blender writes them: in order and without gaps, so a strided view will do.
        step = int(steps[0]) if len(steps) else head + line
        shape = (part.height, head + line)
        lines: np.ndarray = np.ndarray(shape, np.uint8, data, int(offsets[0]), (step, 1))
    else:
        lines = np.stack([np.frombuffer(data, np.uint8, head + line, o) for o in offsets])
    heads = np.ascontiguousarray(lines[:, prefix:head]).view("<i4")
    if (heads[:, 0] != part.top + np.arange(part.height)).any() or (heads[:, 1] != line).any():
        raise ExrError("The OpenEXR file's scan lines are not where its table says.")
    found, at = {}, head
    for name, dtype in part.channels:
        size = part.width * dtype.itemsize
        found[name] = np.ascontiguousarray(lines[:, at : at + size]).view(dtype)
        at += size
    return found
