"""The shapes' sizes, budgets and repeatability."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.world.shapes import box, grid, tube


def test_primitives_enclose_what_they_should():
    cube = box((0, 0, 0), (1, 2, 3), "x")
    assert _volume(cube) == pytest.approx(6)
    prism = tube([(0, 0, 0), (0, 0, 2)], [1.0, 1.0], "x", sides=64)
    assert abs(_volume(prism)) == pytest.approx(2 * np.pi, rel=2e-3)
    sheet = grid(np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0, 2.0], [0.0]), -1)[:, :, 0], "x")
    assert len(sheet.faces) == 2


def _volume(shape) -> float:
    """Signed volume by the divergence theorem."""
    a, b, c = (shape.vertices[shape.triangles()[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
