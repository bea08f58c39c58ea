"""The dark contact under what stands on the ground: a thin sheet that takes light away. No bpy."""

from __future__ import annotations

import numpy as np

from .occlusion import ROUND, Surroundings
from .shapes import Shape, polygons

CONTACT = "contact"
LIFT = 0.022  # metres: over the road's markings
DARKEST = 0.1  # share of the light that is left in the deepest contact
_CELL, _MOST = 0.22, 26  # metres, and cells along a side


def contact_sheet(around: Surroundings) -> tuple[Shape, np.ndarray]:
    """A sheet over the ground round a mesh, and the share of light left at its vertices.

    Returns:
        The sheet, of surface ``CONTACT``, without faces through which all light passes; and (V,)
        in [DARKEST, 1], 1 along the rim.
    """
    low, high = around.low[:2] - ROUND, around.high[:2] + ROUND
    rows, columns = (int(np.clip((high[i] - low[i]) / _CELL, 6, _MOST)) for i in range(2))
    x, y = np.linspace(low[0], high[0], rows + 1), np.linspace(low[1], high[1], columns + 1)
    places = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    light = around.ground(places.reshape(-1, 2))
    light = light.reshape(rows + 1, columns + 1)
    rim = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]).min()
    left = np.clip(light / max(rim, 0.5), 0, 1)
    left = DARKEST + (1 - DARKEST) * left
    number = np.arange(left.size).reshape(left.shape)
    quads = np.stack([number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]], axis=-1)
    quads = quads.reshape(-1, 4)
    flat = left.ravel()
    quads = quads[(flat[quads] < 0.985).any(axis=1)]
    used, at = np.unique(quads, return_inverse=True)
    points = np.column_stack([places.reshape(-1, 2)[used], np.full(len(used), LIFT)])
    faces = [tuple(int(i) for i in quad) for quad in at.reshape(-1, 4)]
    return polygons(points, faces, CONTACT), flat[used]
