"""The EXR reader against files that Blender wrote and against files made by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from blender_addon.capture import exr


def made_by_hand(channels, lines, *, codec=0, parts=1, reverse=False) -> bytes:
    """A scan-line file after the specification; channels [(name, type)], lines y -> bytes."""
    listing = b"".join(
        name.encode() + b"\0" + struct.pack("<iI2i", kind, 0, 1, 1) for name, kind in channels
    )
    width = 3
    window = struct.pack("<4i", 0, 5, width - 1, 5 + len(lines) - 1)
    header = b""
    for name, kind, value in (
        ("channels", "chlist", listing + b"\0"),
        ("compression", "compression", bytes([codec])),
        ("dataWindow", "box2i", window),
    ):
        header += name.encode() + b"\0" + kind.encode() + b"\0"
        header += struct.pack("<i", len(value)) + value
    header += b"\0"
    start = struct.pack("<iI", 20000630, 2 | (0x1000 if parts > 1 else 0)) + header * parts
    start += b"\0" if parts > 1 else b""
    begin = len(start) + 8 * len(lines) * parts
    body, tables = b"", []
    for part in range(parts):
        offsets = {}
        for n in reversed(range(len(lines))) if reverse else range(len(lines)):
            offsets[n] = begin + len(body)
            body += struct.pack("<i", part) if parts > 1 else b""
            body += struct.pack("<ii", 5 + n, len(lines[n])) + lines[n]
        tables += [offsets[n] for n in range(len(lines))]
    return start + struct.pack(f"<{len(tables)}Q", *tables) + body


HALF = np.array([[0.5, 1, 2], [3, 4, 5]], np.float16)
UINT = np.array([[7, 8, 9], [1, 2, 2**31]], np.uint32)
LINES = [HALF[n].tobytes() + UINT[n].tobytes() for n in range(2)]
CHANNELS = [("L.A.Y", 1), ("L.IndexOB.X", 0)]


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("reverse", [False, True])
def test_half_and_uint_channels_are_read_in_any_line_order(parts, reverse):
    found = exr.read(made_by_hand(CHANNELS, LINES, parts=parts, reverse=reverse))
    np.testing.assert_array_equal(found["L.A.Y"], HALF)
    np.testing.assert_array_equal(found["L.IndexOB.X"], UINT)
    assert exr.channel(found, ("Object Index", "IndexOB"), "") is found["L.IndexOB.X"]


def test_a_missing_pass_is_named():
    with pytest.raises(exr.ExrError, match="no pass 'Depth'"):
        exr.channel(exr.read(made_by_hand(CHANNELS, LINES)), ("Depth",), "Z")


def test_a_compressed_file_is_refused():
    with pytest.raises(exr.ExrError, match="compressed"):
        exr.read(made_by_hand(CHANNELS, LINES, codec=3))


def test_a_file_cut_anywhere_is_refused():
    data = made_by_hand(CHANNELS, LINES)
    for length in range(len(data)):
        with pytest.raises(exr.ExrError):
            exr.read(data[:length])


def test_a_picture_that_blender_wrote_comes_back_exactly(tmp_path):
    bpy = pytest.importorskip("bpy", reason="bpy is not installed")
    width, height = 7, 5
    known = np.random.default_rng(0).normal(size=(height, width, 4)).astype(np.float32)
    known[..., 3] = 1
    image = bpy.data.images.new("known", width, height, alpha=True, float_buffer=True)
    scene = bpy.data.scenes.new("exr")
    try:
        image.pixels.foreach_set(known[::-1].ravel())  # Blender counts rows from the bottom
        scene.render.image_settings.file_format = "OPEN_EXR"
        scene.render.image_settings.exr_codec = "NONE"
        scene.render.image_settings.color_depth = "32"
        path = tmp_path / "known.exr"
        image.save_render(str(path), scene=scene)
        found = exr.read(path.read_bytes())
    finally:
        bpy.data.images.remove(image)
        bpy.data.scenes.remove(scene)
    for n, name in enumerate("RGB"):
        np.testing.assert_array_equal(found[name], known[..., n])
