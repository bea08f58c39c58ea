"""Amodal silhouettes: how many pixels each object covers, alone, in and out of the frame.

Every triangle counts as one layer over the pixels that it covers, whichever way it faces. Along an
edge between two triangles on different sides of it their layers cancel, so only outlines are left:
edges at which the surface turns away or ends, a tenth of all. Each outline edge is cut into the
pixel rows that it crosses, where it raises or lowers the number of layers from there on; the
running sum along each row tells which pixels are covered. Work grows with the outlines' heights
and not with areas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .staging import StagedObject
from .surface import Surface, SurfaceTable, surface_of

NEAR = 0.1  # metres: what is nearer to the camera plane is cut away
CANVAS = 1  # frames on each side of the picture that silhouettes are followed into
_SURFACES = SurfaceTable()  # what it keeps depends on nothing but a model's arrays


@dataclass(frozen=True)
class Silhouettes:
    """Silhouettes of N objects; a pixel belongs to one when its centre does.

    Attributes:
        inside: N int64, pixels covered within the frame.
        whole: N int64, pixels covered on the canvas: the frame and one frame's width or height
            beyond it on each side. What lies farther out is not counted.
        boxes: N x 4 float64 (x0, y0, x1, y1) of the projected vertices, uncropped; NaN where an
            object lies wholly behind the near plane.
    """

    inside: np.ndarray
    whole: np.ndarray
    boxes: np.ndarray


def silhouettes(
    objects: Sequence[StagedObject],
    intrinsics: np.ndarray,
    pose: np.ndarray,
    width: int,
    height: int,
) -> Silhouettes:
    """Rasterise N objects' silhouettes.

    Args:
        objects: the objects, in any order; occlusion among them plays no part.
        intrinsics: 3 x 3 camera matrix, pixels.
        pose: 4 x 4 world to camera, OpenCV axes.
        width, height: the frame, pixels.
    """
    count = len(objects)
    if count == 0:
        return Silhouettes(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)))
    outline, boxes = _outlines(objects, intrinsics, pose)
    inside, whole = _covered(outline, boxes, width, height)
    return Silhouettes(inside, whole, boxes)


@dataclass(frozen=True)
class _Outline:
    """P edges of all objects.

    Attributes:
        ends: 2 (u, v) x 2 (ends) x P float64, pixels; the first end is not below the second.
        layers: P int64, by how much the number of layers grows from the edge to its right.
        owner: P int64, the object's place in the order.
    """

    ends: np.ndarray
    layers: np.ndarray
    owner: np.ndarray


def _outlines(
    objects: Sequence[StagedObject], intrinsics: np.ndarray, pose: np.ndarray
) -> tuple[_Outline, np.ndarray]:
    """The outlines of N objects, and N x 4 boxes."""
    ends, layers, counts = [np.zeros((2, 2, 0))], [np.zeros(0, np.int64)], []
    boxes = np.full((len(objects), 4), np.nan)
    for n, item in enumerate(objects):
        to_pixels = intrinsics @ (pose @ item.matrix)[:3]
        surface = _SURFACES.surface(item.vertices, item.triangles)
        points = to_pixels[:, :3] @ surface.points + to_pixels[:, 3:]
        if points.shape[1] and points[2].min() < NEAR:
            corners = _clip_near(points[:, item.triangles.T]).reshape(3, -1)
            soup = np.arange(corners.shape[1]).reshape(3, -1).T
            surface, to_pixels = surface_of(corners.T, soup), np.eye(3, 4)
            points = corners
        counts.append(0)
        if points.shape[1]:
            place = points[:2] / points[2]
            boxes[n] = *place.min(axis=1), *place.max(axis=1)
            lines, steps = _outline(place, surface, to_pixels)
            ends.append(lines)
            layers.append(steps)
            counts[-1] = len(steps)
    lines, steps = np.concatenate(ends, axis=2), np.concatenate(layers)
    # Round a triangle that faces the positive way its right edges lead down, its left ones up.
    down = lines[1, 1] >= lines[1, 0]
    lines, steps = np.where(down, lines, lines[:, ::-1]), np.where(down, -steps, steps)
    return _Outline(lines, steps, np.repeat(np.arange(len(objects)), counts)), boxes


def _outline(
    place: np.ndarray, surface: Surface, to_pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The edges at which the layers do not cancel: ends (2 x 2 x P), in the order in which the
    first triangle runs along, and layers (P) to the left of them."""
    # Which way a triangle turns on the picture is the sign of its corners' determinant there: that
    # of (offset - normal . camera) times the matrix's own, here without dividing by the latter,
    # which is 0 for an object without thickness.
    linear = to_pixels[:, :3]
    cofactors = np.cross(linear[[1, 2, 0]], linear[[2, 0, 1]])
    side = surface.offsets * (linear[0] @ cofactors[0])
    side += surface.normals @ (to_pixels[:, 3] @ cofactors)
    facing = np.zeros(len(side) + 1, np.int8)  # the last one is no triangle
    facing[:-1] = np.sign(side)
    turn = facing.take(surface.first) - facing.take(surface.second)
    kept = np.flatnonzero(turn != 0)
    return place[:, surface.ends[:, kept]], turn[kept].astype(np.int64)


def _clip_near(corners: np.ndarray) -> np.ndarray:
    """Cut triangles at z = NEAR; one that is cut becomes one or two.

    Args:
        corners: 3 (u z, v z, z) x 3 (corners) x T: numpy is slow on short last axes.
    """
    front = corners[2] >= NEAR
    kept = front.sum(axis=0)
    pieces = [corners[..., kept == 3]]
    for alone, sign in ((kept == 1, True), (kept == 2, False)):
        # Turn each triangle so that its first corner is the one that is alone on its side.
        cut, side = corners[..., alone], front[:, alone]
        turn = (np.argmax(side == sign, axis=0) + np.arange(3)[:, None]) % 3
        a, b, c = np.moveaxis(np.take_along_axis(cut, turn[None], axis=1), 1, 0)
        ab, ac = _at_near(a, b), _at_near(a, c)
        new = [(a, ab, ac)] if sign else [(ab, b, c), (ab, c, ac)]
        pieces += [np.stack(triangle, axis=1) for triangle in new]
    return np.concatenate(pieces, axis=2)


def _at_near(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where segments a-b (3 x T each) meet the near plane."""
    point = a + (NEAR - a[2]) / (b[2] - a[2]) * (b - a)
    point[2] = NEAR
    return point


def _covered(
    outline: _Outline, boxes: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels covered by each object, within the frame and on the canvas."""
    count = len(boxes)
    # Every object has a canvas of its own: its box within the big canvas, one column wider so
    # that a span's end always has a place.
    low = np.array([-CANVAS * width, -CANVAS * height])
    high = np.array([(1 + CANVAS) * width, (1 + CANVAS) * height])
    finite = np.where(np.isnan(boxes), 0.0, boxes)
    first = np.clip(np.floor(finite[:, :2]), low, high).astype(np.int64)
    last = np.clip(np.ceil(finite[:, 2:]), low, high).astype(np.int64)
    columns, rows = (last - first).T
    stride = columns + 1
    base = np.concatenate([[0], np.cumsum(stride * rows)])

    edge, row = _rows(outline.ends[1], first[outline.owner, 1], last[outline.owner, 1])
    (ua, ub), (va, vb) = outline.ends[..., edge]
    crossing = ua + (row + 0.5 - va) / (vb - va) * (ub - ua)
    item = outline.owner[edge]
    # A pixel lies to the right of an edge when its centre x + 0.5 does, or is on it.
    column = np.clip(np.ceil(crossing - 0.5), first[item, 0], last[item, 0]).astype(np.int64)
    at = base[item] + (row - first[item, 1]) * stride[item] + column - first[item, 0]
    change = np.bincount(at, weights=outline.layers[edge], minlength=base[-1])
    covered = np.cumsum(change) > 0.5  # every row sums to 0, so rows do not mix

    inside, whole = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for n in range(count):
        mask = covered[base[n] : base[n + 1]].reshape(rows[n], stride[n])
        x, y = first[n]
        part = mask[max(-y, 0) : max(height - y, 0), max(-x, 0) : max(width - x, 0)]
        inside[n], whole[n] = np.count_nonzero(part), np.count_nonzero(mask)
    return inside, whole


def _rows(v: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All (edge, row) pairs: rows whose centre lies in [upper end, lower end)."""
    top, bottom = np.ceil(v - 0.5)
    top, bottom = np.maximum(top, first), np.minimum(bottom, last)
    crossing = np.flatnonzero(bottom > top)
    top, bottom = top[crossing].astype(np.int64), bottom[crossing].astype(np.int64)
    lengths = bottom - top
    edge = np.repeat(crossing, lengths)
    begins = np.cumsum(lengths) - lengths
    row = np.arange(len(edge)) + np.repeat(top - begins, lengths)
    return edge, row
