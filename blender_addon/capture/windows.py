"""The pixel window that a change of a few objects can touch.

An object and its shadow lie within the convex hull of its bounding box's corners and of those
corners' shadows on the ground z = 0; so do its shadows on whatever stands between. The hull also
takes in a strip of ground round the object, from which it takes the sky's light. The window is
the box of the hull's projection, at both values of a step, with a margin for the pixel filter.
Fainter light over greater distances, and reflections in other objects, are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .silhouette import NEAR
from .staging import StagedObject

Window = tuple[int, int, int, int]
EMPTY: Window = (0, 0, 0, 0)
MARGIN = 2  # pixels: half the pixel filter, and a sample's jitter
REACH = 0.6  # of its height: how far round its base an object is taken to dim the ground
FARTHEST_REACH = 1.5  # metres
LONGEST_SHADOW = 200.0  # metres
_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float64)
_EDGES = np.array(list(combinations(range(20), 2)))


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


def window_of(objects: Iterable[StagedObject], view: View) -> Window:
    """The window of some objects and their shadows; EMPTY when they lie outside the frame."""
    box = np.array([np.inf, np.inf, -np.inf, -np.inf])
    for item in objects:
        points = _project(_hull_points(item, view.sun), view)
        if len(points):
            box[:2] = np.minimum(box[:2], points.min(axis=0))
            box[2:] = np.maximum(box[2:], points.max(axis=0))
    if not np.isfinite(box).all():
        return EMPTY
    size = np.array([view.width, view.height])
    x0, y0 = (int(v) for v in np.clip(np.floor(box[:2]) - MARGIN, 0, size))
    x1, y1 = (int(v) for v in np.clip(np.ceil(box[2:]) + MARGIN, 0, size))
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else EMPTY


def union(windows: Sequence[Window]) -> Window:
    """The smallest window that holds all of them; empty ones count for nothing."""
    some = [w for w in windows if w != EMPTY]
    if not some:
        return EMPTY
    x0, y0, x1, y1 = zip(*some, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def area(window: Window) -> int:
    """Pixels of a window."""
    return (window[2] - window[0]) * (window[3] - window[1])


def overlap(a: Window, b: Window) -> bool:
    """Whether two windows share a pixel."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@dataclass(frozen=True)
class Group:
    """Steps (by their position in a list) that are rendered together, in one window."""

    members: tuple[int, ...]
    window: Window


def group(
    windows: Sequence[Window], kin: Sequence[frozenset[str]], call_pixels: float
) -> list[Group]:
    """Put steps whose windows do not overlap into common renders where that is cheaper.

    Steps are taken from left to right; each joins the group that it makes least dearer, unless a
    render of its own is cheaper still. A render is taken to cost ``call_pixels`` + its pixels.

    Args:
        windows: one window a step; empty ones join no group.
        kin: for each step the nodes it moves; steps that share one never meet in a group.
        call_pixels: a render's fixed cost, as the number of pixels that take as long.
    """
    groups: list[tuple[list[int], Window]] = []
    for n in sorted(range(len(windows)), key=lambda i: (windows[i], i)):
        window = windows[n]
        if window == EMPTY:
            continue
        best, least = None, call_pixels + area(window)
        for g, (members, whole) in enumerate(groups):
            extra = area(union((whole, window))) - area(whole)
            if extra < least and not any(
                overlap(window, windows[m]) or kin[n] & kin[m] for m in members
            ):
                best, least = g, extra
        if best is None:
            groups.append(([n], window))
        else:
            members, whole = groups[best]
            groups[best] = ([*members, n], union((whole, window)))
    return [Group(tuple(members), whole) for members, whole in groups]


def _hull_points(item: StagedObject, sun: np.ndarray) -> np.ndarray:
    """20 x 3 world points: an object's corners, their shadows, and the ground round its base."""
    low, high = item.vertices.min(axis=0), item.vertices.max(axis=0)
    turn, place = item.matrix[:3, :3].T, item.matrix[:3, 3]
    corners = (low + _CORNERS * (high - low)) @ turn + place
    height = np.maximum(corners[:, 2:], 0.0)
    shadows = corners - np.minimum(height / max(float(sun[2]), 1e-6), LONGEST_SHADOW) * sun
    base = corners[_CORNERS[:, 2] == 0]
    middle = base.mean(axis=0)
    out = base - middle
    reach = min(REACH * float(height.max()), FARTHEST_REACH)
    # Moved along the diagonals: by sqrt(2), so that the sides move by the reach.
    out *= 1 + np.sqrt(2) * reach / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)
    return np.concatenate([corners, shadows, middle + out])


def _project(points: np.ndarray, view: View) -> np.ndarray:
    """M x 2 pixels: the points before the near plane, and where their hull is cut by it."""
    seen = points @ view.pose[:3, :3].T + view.pose[:3, 3]
    front = seen[:, 2] >= NEAR
    if not front.any():
        return np.zeros((0, 2))
    kept = seen[front]
    if not front.all():
        # All pairs hold the hull's edges, and the other pairs lie within the hull.
        a, b = _EDGES[front[_EDGES[:, 0]] != front[_EDGES[:, 1]]].T
        share = (NEAR - seen[a, 2]) / (seen[b, 2] - seen[a, 2])
        kept = np.concatenate([kept, seen[a] + share[:, None] * (seen[b] - seen[a])])
    pixels = kept @ view.intrinsics.T
    return pixels[:, :2] / pixels[:, 2:]
