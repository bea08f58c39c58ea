"""Maps as PNG files, read back by other programs' means."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from street_frames import frame

from metasim_backend.datasets.map_files import (
    depth_png,
    flow_png,
    map_png,
    maps_of,
    normal_png,
)


def by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return np.array(picture)


def by_hand(data: bytes) -> np.ndarray:
    """H x W x 3 of a 16-bit RGB file whose rows have filter 2, after the PNG specification.

    Pillow reads such files, but with 8 bits.
    """
    width, height = (int.from_bytes(data[n : n + 4], "big") for n in (16, 20))
    assert tuple(data[24:26]) == (16, 2)
    size = int.from_bytes(data[33:37], "big")
    assert data[37:41] == b"IDAT"
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + size]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 2).all()
    whole = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)
    return whole.reshape(-1).view(">u2").reshape(height, width, 3).astype(np.uint16)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 64)])
def test_grey_maps_come_back_exactly(dtype, shape):
    values = np.random.default_rng(3).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    np.testing.assert_array_equal(by_pillow(map_png(values)), values)


def test_colours_of_8_bits_come_back_by_pillow_and_of_16_by_hand():
    values = np.random.default_rng(4).integers(0, 65536, (6, 9, 3), np.uint16)
    np.testing.assert_array_equal(by_hand(map_png(values)), values)
    assert by_pillow(map_png(values)).shape == (6, 9, 3)  # checksums hold
    small = (values >> 8).astype(np.uint8)
    np.testing.assert_array_equal(by_pillow(map_png(small)), small)


def test_depth_is_metres_times_256():
    depth = np.array([[1.0, 0.5, np.inf, 1000.0]], np.float32)
    np.testing.assert_array_equal(by_pillow(depth_png(depth)), [[256, 128, 0, 65535]])


def test_flow_has_kittis_form():
    flow = np.array([[[0, 0], [1.5, -2.25], [np.nan, 0], [600, 0]]], np.float32)
    zero = 2**15
    np.testing.assert_array_equal(
        by_hand(flow_png(flow)),
        [[[zero, zero, 1], [zero + 96, zero - 144, 1], [0, 0, 0], [0, 0, 0]]],
    )


def test_normals_come_back_within_a_thirty_thousandth_and_the_sky_is_black():
    normal = np.random.default_rng(5).normal(size=(4, 6, 3))
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    normal[0, 0] = 0
    normal[0, 1] = (0, -1, 0)
    found = by_hand(normal_png(normal.astype(np.float32)))
    assert (found[0, 0] == 0).all() and tuple(found[0, 1]) == (32768, 0, 32768)
    back = found / (65535 / 2) - 1
    np.testing.assert_allclose(back.reshape(-1, 3)[1:], normal.reshape(-1, 3)[1:], atol=2e-5)


def test_a_frame_has_only_the_maps_that_were_asked_for():
    plain = frame()
    assert set(maps_of(plain)) == {"instances", "depth"}
    h, w = plain.index.shape
    rich = replace(
        plain,
        semantic=np.full((h, w), 7, np.uint8),
        normal=np.zeros((h, w, 3), np.float32),
        flow=np.zeros((h, w, 2), np.float32),
    )
    found = maps_of(rich)
    assert set(found) == {"instances", "depth", "semantic", "normals", "flow"}
    np.testing.assert_array_equal(by_pillow(found["instances"]), plain.index)
    semantic = by_pillow(found["semantic"])
    assert semantic.dtype == np.uint8 and (semantic == 7).all()
    assert maps_of(rich) == found
