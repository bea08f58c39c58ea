"""The pixels that a change of a few objects can touch.

An object touches the pixels of its body, of its shadow on the ground, and of every other object
within the volume between the two, where the volume's picture covers them. The body takes in a
strip of ground round the object, from which it takes the sky's light. Each of these is seen as a
convex polygon with fixed edge directions round its projected points, with a margin for the pixel
filter, so that all objects are projected and rasterised at once. Fainter light over greater
distances, and reflections in other objects, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .silhouette import NEAR
from .staging import StagedObject

MARGIN = 2  # pixels: half the pixel filter, and a sample's jitter
REACH = 0.6  # of its height: how far round its base an object is taken to dim the ground
FARTHEST_REACH = 1.5  # metres
LONGEST_SHADOW = 200.0  # metres
GROUND = (0.0, 0.2)  # metres: shadows fall on surfaces between these heights, kerbs and all
SLABS = 4
_TURNS = np.arange(16) * (np.pi / 8)
_DIRECTIONS = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=-1).round(12)
_RIGHT, _LEFT = _DIRECTIONS[:, 0] > 0, _DIRECTIONS[:, 0] < 0
_LEVEL = _DIRECTIONS[:, 0] == 0


@dataclass(frozen=True)
class View:
    """What decides where things are seen: camera and sun.

    Attributes:
        intrinsics: 3 x 3 camera matrix, pixels.
        pose: 4 x 4 world to camera, OpenCV axes.
        sun: unit vector to the sun, world axes.
        width, height: the frame, pixels.
    """

    intrinsics: np.ndarray
    pose: np.ndarray
    sun: np.ndarray
    width: int
    height: int


@dataclass(frozen=True)
class Outlines:
    """Where N objects, their shadows and their shadow volumes are seen.

    Attributes:
        body, shadow, volume: N x 2 x H int, in each pixel row the first column and the one after
            the last; equal where the row is free of it.
        footprint: N x 4 float64 (x0, y0, x1, y1), world box round body and shadow.
        base: N x 4 float64, world box round the body alone.
    """

    body: np.ndarray
    shadow: np.ndarray
    volume: np.ndarray
    footprint: np.ndarray
    base: np.ndarray

    def take(self, positions: Sequence[int]) -> Outlines:
        """Those of some of the objects."""
        at = np.asarray(positions, np.int64)
        parts = (self.body, self.shadow, self.volume, self.footprint, self.base)
        return Outlines(*(part[at] for part in parts))


def outlines(objects: Sequence[StagedObject], view: View) -> Outlines:
    """The outlines of all objects, in their order."""
    if not objects:
        none, boxes = np.zeros((0, 2, view.height), np.int64), np.zeros((0, 4))
        return Outlines(none, none, none, boxes, boxes)
    shells: dict[int, np.ndarray] = {}  # many objects share their vertices
    for item in objects:
        if id(item.vertices) not in shells:
            shells[id(item.vertices)] = _shell(item.vertices)
    shell = np.stack([shells[id(item.vertices)] for item in objects])
    matrices = np.stack([item.matrix for item in objects])
    body = shell @ matrices[:, :3, :3].transpose(0, 2, 1) + matrices[:, None, :3, 3]
    shadow = np.concatenate([_cast(body, view.sun, height) for height in GROUND], axis=1)
    ring = _ring(body)
    by_ring = _supports(ring, view)
    near_body = np.maximum(_supports(body, view), by_ring)
    near_shadow = np.maximum(_supports(shadow, view), by_ring)
    base = _box(body)
    return Outlines(
        _spans(near_body, view),
        _spans(near_shadow, view),
        _spans(np.maximum(near_body, near_shadow), view),
        _box(np.concatenate([body, shadow], axis=1)),
        base,
    )


def touched(moved: Outlines, others: Outlines, view: View) -> np.ndarray:
    """H x W bool: the pixels that some objects touch.

    Args:
        moved: the objects that change, once for each state that they take.
        others: all objects of the scene, which their shadows may fall on.
    """
    low, high = moved.footprint[:, None, :2], moved.footprint[:, None, 2:]
    meets = (others.base[:, :2] <= high).all(axis=2) & (others.base[:, 2:] >= low).all(axis=2)
    casting, catching = np.nonzero(meets)
    first = np.maximum(moved.volume[casting, 0], others.body[catching, 0])
    last = np.minimum(moved.volume[casting, 1], others.body[catching, 1])
    first = np.concatenate([moved.body[:, 0], moved.shadow[:, 0], first])
    last = np.concatenate([moved.body[:, 1], moved.shadow[:, 1], last])
    some = last > first
    stride = view.width + 1  # a column more, so that a span's end always has a place
    rows = np.broadcast_to(np.arange(view.height) * stride, first.shape)[some]
    change = np.bincount(rows + first[some], minlength=stride * view.height)
    change -= np.bincount(rows + last[some], minlength=stride * view.height)
    return (np.cumsum(change) > 0).reshape(view.height, stride)[:, :-1]


def _shell(vertices: np.ndarray) -> np.ndarray:
    """8 SLABS x 3 points whose hull holds a mesh: a box's corners for each slab of height."""
    points = np.asarray(vertices, np.float64)
    low, high = points[:, 2].min(), points[:, 2].max()
    slab = ((points[:, 2] - low) / max(high - low, 1e-9) * SLABS).astype(int).clip(0, SLABS - 1)
    corners = []
    for n in range(SLABS):
        some = points[slab == n]
        if len(some) == 0:
            some = points[:1]
        (x0, y0, z0), (x1, y1, z1) = some.min(axis=0), some.max(axis=0)
        corners += [(x, y, z) for x in (x0, x1) for y in (y0, y1) for z in (z0, z1)]
    return np.array(corners)


def _ring(body: np.ndarray) -> np.ndarray:
    """N x 4 x 3: the corners of the ground round each body, at the height of its base."""
    low, high = body.min(axis=1), body.max(axis=1)
    reach = np.minimum(REACH * np.maximum(high[:, 2], 0.0), FARTHEST_REACH)
    x = np.stack([low[:, 0] - reach, high[:, 0] + reach])
    y = np.stack([low[:, 1] - reach, high[:, 1] + reach])
    corners = [np.stack([x[i], y[j], low[:, 2]], axis=-1) for i in (0, 1) for j in (0, 1)]
    return np.stack(corners, axis=1)


def _cast(body: np.ndarray, sun: np.ndarray, ground: float) -> np.ndarray:
    """Where the sun throws points on level ground; points below it stay."""
    height = np.maximum(body[..., 2:] - ground, 0.0)
    return body - np.minimum(height / max(float(sun[2]), 1e-6), LONGEST_SHADOW) * sun


def _box(points: np.ndarray) -> np.ndarray:
    """N x 4 (x0, y0, x1, y1) of N x M x 3 points."""
    return np.concatenate([points[..., :2].min(axis=1), points[..., :2].max(axis=1)], axis=-1)


def _supports(points: np.ndarray, view: View) -> np.ndarray:
    """N x 16: how far N hulls of M points reach in each direction, pixels; -inf if unseen."""
    seen = points @ view.pose[:3, :3].T + view.pose[:3, 3]
    front = seen[..., 2] >= NEAR
    found = np.full((len(points), len(_DIRECTIONS)), -np.inf)
    whole = front.all(axis=1)
    if whole.any():
        found[whole] = (_pixels(seen[whole], view) @ _DIRECTIONS.T).max(axis=1)
    for n in np.flatnonzero(front.any(axis=1) & ~whole):
        found[n] = (_pixels(_cut(seen[n], front[n]), view) @ _DIRECTIONS.T).max(axis=0)
    return found


def _cut(seen: np.ndarray, front: np.ndarray) -> np.ndarray:
    """The points before the near plane, and where their hull is cut by it."""
    # All pairs hold the hull's edges, and the other pairs lie within the hull.
    pairs = np.array(list(combinations(range(len(seen)), 2)))
    a, b = pairs[front[pairs[:, 0]] != front[pairs[:, 1]]].T
    share = (NEAR - seen[a, 2]) / (seen[b, 2] - seen[a, 2])
    return np.concatenate([seen[front], seen[a] + share[:, None] * (seen[b] - seen[a])])


def _pixels(seen: np.ndarray, view: View) -> np.ndarray:
    pixels = seen @ view.intrinsics.T
    return pixels[..., :2] / pixels[..., 2:]


def _spans(supports: np.ndarray, view: View) -> np.ndarray:
    """N x 2 x H: first column and the one after the last that lie within the polygons' margin."""
    margin = (0.5 + MARGIN) * np.abs(_DIRECTIONS).sum(axis=1)
    rows = np.arange(view.height) + 0.5
    room = (supports + margin)[..., None] - _DIRECTIONS[:, 1:] * rows
    right = (room[:, _RIGHT] / _DIRECTIONS[_RIGHT, :1]).min(axis=1)
    left = (room[:, _LEFT] / _DIRECTIONS[_LEFT, :1]).max(axis=1)
    there = (room[:, _LEVEL] >= 0).all(axis=1)
    first = np.clip(np.ceil(left - 0.5), 0, view.width)
    last = np.clip(np.floor(right - 0.5) + 1, 0, view.width)
    last = np.where(there, np.maximum(last, first), first)
    return np.stack([first, last], axis=1).astype(np.int64)
