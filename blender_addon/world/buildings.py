"""Shapes of buildings: one metre wide and tall, as many storeys and windows as the size asks for.

A node's width and height scale the shape, so small changes stretch it smoothly; the number of
storeys and of windows a storey changes only between a few classes. No bpy.
"""

from __future__ import annotations

import numpy as np

from .shapes import COLOUR, Shape, grid, join, polygons
from .street import BUILDING_DEPTH

BUILDING_COLOURS = ("plaster", "brick", "sand", "grey")

# Upper limit of the height (or width), metres, and the storeys (or windows a storey) below it.
_STOREYS = ((5.0, 1), (8.5, 2), (12.0, 3), (float("inf"), 5))
_BAYS = ((9.0, 3), (15.0, 5), (float("inf"), 7))


def building_class(width: float, height: float) -> tuple[int, int]:
    """(storeys, windows a storey) for a size in metres."""
    storeys = next(count for limit, count in _STOREYS if height < limit)
    bays = next(count for limit, count in _BAYS if width < limit)
    return storeys, bays


def building(storeys: int, bays: int) -> Shape:
    """A building, front towards +X, 1 m wide (along Y) and 1 m tall, BUILDING_DEPTH deep.

    Up to three storeys it has a tiled saddle roof with its ridge along the street, above that a
    flat one.
    """
    flat = storeys > 3
    eaves = 0.965 if flat else {1: 0.58, 2: 0.68, 3: 0.75}[storeys]
    depth = BUILDING_DEPTH / 2
    front = _facade(storeys, bays, eaves, door=True)
    rear = _facade(storeys, bays, eaves, door=False).scaled((-1, 1, 1))
    flank = _facade(storeys, 2, eaves, door=False)
    # A flank is a façade turned by a quarter: its width becomes the depth and the reverse.
    turned = np.stack([flank.vertices[:, 1] * 2 * depth, flank.vertices[:, 0] / (2 * depth),
                       flank.vertices[:, 2]], -1)  # fmt: skip
    left = Shape(turned, flank.faces, flank.surfaces, flank.smooth)
    roof = _flat_roof(eaves, depth) if flat else _saddle_roof(eaves, depth)
    return join(front, rear, left, left.scaled((1, -1, 1)), roof)


def _facade(storeys: int, bays: int, eaves: float, *, door: bool) -> Shape:
    """A wall with windows and a plinth: at x = depth / 2, y in [-1/2, 1/2], z in [0, eaves]."""
    depth = BUILDING_DEPTH / 2
    storey = eaves / storeys
    wall_y = [-0.5]
    for bay in range(bays):
        centre = (bay + 0.5) / bays - 0.5
        wall_y += [centre - 0.19 / bays, centre + 0.19 / bays]
    wall_y.append(0.5)
    plinth = 0.12 * storey
    wall_z = [0.0, plinth]
    for level in range(storeys):
        wall_z += [(level + 0.34) * storey, (level + 0.80) * storey]
    wall_z.append(eaves)
    y, z = np.array(wall_y), np.array(wall_z)
    rows, columns = len(z) - 1, len(y) - 1
    names = [["plinth" if r == 0 else COLOUR] * columns for r in range(rows)]
    parts = []
    middle = 2 * (bays // 2) + 1
    for r in range(2, rows, 2):
        for c in range(1, columns, 2):
            if door and r == 2 and c == middle:
                for row in range(3):
                    names[row][c] = "door"
            else:
                names[r][c] = "frame"
                parts.append(_pane(depth + 0.02, y[c], y[c + 1], z[r], z[r + 1]))
    points = np.stack(np.broadcast_arrays(depth, y[None, :], z[:, None]), -1)
    return join(grid(points, names), *parts)


def _pane(x: float, y0: float, y1: float, z0: float, z1: float) -> Shape:
    """Two panes of glass just before a frame."""
    edge_y, edge_z = 0.09 * (y1 - y0), 0.07 * (z1 - z0)
    middle = (y0 + y1) / 2
    parts = []
    for a, b in ((y0 + edge_y, middle - edge_y / 3), (middle + edge_y / 3, y1 - edge_y)):
        points = np.array([(x, a, z0 + edge_z), (x, b, z0 + edge_z), (x, b, z1 - edge_z),
                           (x, a, z1 - edge_z)])  # fmt: skip
        parts.append(polygons(points, [(0, 1, 2, 3)], "window"))
    return join(*parts)


def _saddle_roof(eaves: float, depth: float) -> Shape:
    over, half = 0.45, 0.515
    drop = eaves - (1 - eaves) * over / depth
    corners = [(depth + over, drop), (0.0, 1.0), (-depth - over, drop)]
    points = np.array([[(x, y, z) for y in (-half, half)] for x, z in corners])
    tiles = grid(points, "tiles")
    under = grid(points - (0, 0, 0.02), "plinth")
    gables = []
    for y in (-0.5, 0.5):
        triangle = np.array([(depth, y, eaves), (-depth, y, eaves), (0, y, 0.995)])
        gables.append(polygons(triangle, [(0, 1, 2)], COLOUR))
    chimney = np.array([(-0.9, 0.25, 0.9), (-0.3, 0.25, 0.9), (-0.3, 0.31, 0.9), (-0.9, 0.31, 0.9)])
    stack = np.concatenate([chimney, chimney + (0, 0, 0.1)])
    sides = [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7)]
    return join(tiles, under, *gables, polygons(stack, sides, "plinth"))


def _flat_roof(eaves: float, depth: float) -> Shape:
    """A roof slab with a rim that stands out a little."""
    out_x, out_y = depth + 0.15, 0.505
    rim = np.array([(out_x, -out_y), (out_x, out_y), (-out_x, out_y), (-out_x, -out_y)])
    low = np.column_stack([rim, np.full(4, eaves)])
    high = np.column_stack([rim, np.full(4, 1.0)])
    faces = [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7), (3, 2, 1, 0)]
    return polygons(np.concatenate([low, high]), faces, "plinth")
