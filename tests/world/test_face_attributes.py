"""The bytes of a mesh's corners give back each finish, and the openness that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.world.face_attributes import (  # noqa: E402
    COLOUR,
    LARGEST_GRAIN,
    OPEN,
    stuff_of,
    write_attributes,
)
from blender_addon.world.finishes import WALLS  # noqa: E402
from blender_addon.world.materials import surfaces  # noqa: E402
from blender_addon.world.occlusion import Openness  # noqa: E402

HALF_A_BYTE = 0.505 / 255  # and float32's rounding
FINISHES = [*surfaces().values(), *WALLS.values()]


@pytest.fixture(scope="module")
def mesh():
    """A triangle of each finish, one corner in the open, one half open, one dark."""
    mesh = bpy.data.meshes.new("finishes")
    count = len(FINISHES)
    points = [(x, y, 0.0) for x in range(count) for y in (0.0, 0.4, 0.8)]
    mesh.from_pydata(points, [], [(3 * i, 3 * i + 1, 3 * i + 2) for i in range(count)])
    above = np.tile([1.0, 0.5, 0.0], count)
    write_attributes(mesh, FINISHES, np.arange(count), Openness(above, 1 - above))
    yield mesh
    bpy.data.meshes.remove(mesh)


def read(mesh, name: str) -> np.ndarray:
    """[faces, 3, 4], linear as shaders have it."""
    values = np.empty(4 * len(mesh.loops), np.float32)
    mesh.attributes[name].data.foreach_get("color", values)
    return values.reshape(-1, 3, 4)


def srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1: bytes are equally spaced in it."""
    high = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, high)


def test_colours_and_openness_are_right_to_half_a_byte(mesh):
    colours = np.array([finish.colour for finish in FINISHES])[:, None].repeat(3, axis=1)
    np.testing.assert_allclose(srgb(read(mesh, COLOUR)[..., :3]), srgb(colours), atol=HALF_A_BYTE)
    light = srgb(read(mesh, OPEN))
    for k, wanted in enumerate(([1.0, 0.5, 0.0], [0.0, 0.5, 1.0])):
        expected = srgb(np.tile(wanted, (len(FINISHES), 1)))
        np.testing.assert_allclose(light[..., k], expected, atol=HALF_A_BYTE)


def test_no_grain_is_larger_than_a_byte_can_say_and_each_comes_back(mesh):
    roughness, grain, size = np.array([stuff_of(finish) for finish in FINISHES]).T
    assert size.max() <= LARGEST_GRAIN
    root = read(mesh, COLOUR)[:, 0, 3]
    np.testing.assert_allclose(root, np.sqrt(size / LARGEST_GRAIN), atol=HALF_A_BYTE)
    np.testing.assert_allclose(read(mesh, OPEN)[:, 0, 3], grain, atol=HALF_A_BYTE)
    np.testing.assert_allclose(srgb(read(mesh, OPEN)[:, 0, 2]), srgb(roughness), atol=HALF_A_BYTE)
