"""Amodal silhouettes: how many pixels each object covers, alone, in and out of the frame.

All triangles of all objects are rasterised at once: every triangle is cut into the pixel rows it
crosses (``numpy.repeat``), each (triangle, row) pair gives one span of pixels, and the spans'
ends are summed into one difference image an object, whose running sum tells which pixels are
covered. Work grows with the triangles' heights and not with their areas; triangles that cross no
row, most of a distant car's, fall out first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .staging import StagedObject

NEAR = 0.1  # metres: what is nearer to the camera plane is cut away
CANVAS = 1  # frames on each side of the picture that silhouettes are followed into


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
    u, v, triangles, owner, boxes = _project(objects, intrinsics, pose)
    inside, whole = _covered(u, v, triangles, owner, boxes, width, height)
    return Silhouettes(inside, whole, boxes)


def _project(
    objects: Sequence[StagedObject], intrinsics: np.ndarray, pose: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixel places u and v (V each), 3 x T triangles among them, their T owners, N x 4 boxes."""
    places, corners, counts = [np.zeros((2, 0))], [np.zeros((3, 0), np.int64)], []
    boxes = np.full((len(objects), 4), np.nan)
    first = 0
    for n, item in enumerate(objects):
        to_pixels = intrinsics @ (pose @ item.matrix)[:3]
        points = to_pixels[:, :3] @ item.vertices.T + to_pixels[:, 3:]
        triangles = item.triangles.T
        if points[2].min() < NEAR:
            cut = _clip_near(points[:, triangles])
            points = cut.reshape(3, -1)
            triangles = np.arange(points.shape[1]).reshape(3, -1)
        counts.append(triangles.shape[1])
        if counts[-1]:
            place = points[:2] / points[2]
            boxes[n] = *place.min(axis=1), *place.max(axis=1)
            places.append(place)
            corners.append(triangles + first)
            first += place.shape[1]
    u, v = np.concatenate(places, axis=1)
    owner = np.repeat(np.arange(len(objects)), counts)
    return u, v, np.concatenate(corners, axis=1), owner, boxes


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
    u: np.ndarray,
    v: np.ndarray,
    triangles: np.ndarray,
    owner: np.ndarray,
    boxes: np.ndarray,
    width: int,
    height: int,
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

    triangle, row = _rows(v, triangles, first[owner, 1], last[owner, 1])
    corners = triangles[:, triangle]
    left, right = _spans(u[corners], v[corners], row + 0.5)
    item = owner[triangle]
    # A pixel is covered when its centre x + 0.5 lies in [left, right).
    x0, x1 = first[item, 0], last[item, 0]
    start = np.clip(np.ceil(left - 0.5), x0, x1).astype(np.int64)
    end = np.clip(np.ceil(right - 0.5), x0, x1).astype(np.int64)
    some = end > start
    item, row, start, end = item[some], row[some], start[some], end[some]
    at = base[item] + (row - first[item, 1]) * stride[item] - first[item, 0]
    change = np.bincount(at + start, minlength=base[-1]).astype(np.int32)
    change -= np.bincount(at + end, minlength=base[-1]).astype(np.int32)
    covered = np.cumsum(change, dtype=np.int32) > 0  # every row sums to 0, so rows do not mix

    inside, whole = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for n in range(count):
        mask = covered[base[n] : base[n + 1]].reshape(rows[n], stride[n])
        x, y = first[n]
        part = mask[max(-y, 0) : max(height - y, 0), max(-x, 0) : max(width - x, 0)]
        inside[n], whole[n] = np.count_nonzero(part), np.count_nonzero(mask)
    return inside, whole


def _rows(
    v: np.ndarray, triangles: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """All (triangle, row) pairs: rows whose centre lies in [lowest v, highest v)."""
    # The first row whose centre lies at or below each place; the same for all its triangles.
    below = np.ceil(v - 0.5)
    a, b, c = below[triangles]
    top = np.maximum(np.minimum(np.minimum(a, b), c), first)
    bottom = np.minimum(np.maximum(np.maximum(a, b), c), last)
    crossing = np.flatnonzero(bottom > top)
    top, bottom = top[crossing].astype(np.int64), bottom[crossing].astype(np.int64)
    lengths = bottom - top
    triangle = np.repeat(crossing, lengths)
    begins = np.cumsum(lengths) - lengths
    row = np.arange(len(triangle)) + np.repeat(top - begins, lengths)
    return triangle, row


def _spans(u: np.ndarray, v: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's centre line y (P) enters and leaves its triangle (u and v 3 x P)."""
    below = v <= y
    left, right = np.full(len(y), np.inf), np.full(len(y), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        crosses = below[a] != below[b]
        rise = np.where(crosses, v[b] - v[a], 1.0)
        x = u[a] + (y - v[a]) / rise * (u[b] - u[a])
        np.minimum(left, x, out=left, where=crosses)
        np.maximum(right, x, out=right, where=crosses)
    return left, right
