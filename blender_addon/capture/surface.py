"""A mesh as silhouettes need it: edges with their two triangles, planes. Found once a mesh."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surface:
    """V points, T triangles and the E edges at them.

    An edge has at most one triangle on each side: where more meet, or where two run along it in
    the same order, it stands there several times.

    Attributes:
        points: 3 x V float64, metres.
        normals: T x 3 float64, across each triangle, of any length.
        offsets: T float64, the normals' products with a point of their triangles.
        ends: 2 x E int64, vertices, in the order in which the first triangle runs along.
        first: E int64, the triangle on one side.
        second: E int64, the triangle on the other, or T where there is none.
    """

    points: np.ndarray
    normals: np.ndarray
    offsets: np.ndarray
    ends: np.ndarray
    first: np.ndarray
    second: np.ndarray


class SurfaceTable:
    """Surfaces by their arrays, which must not be changed. An entry goes when its array does."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref, weakref.ref, Surface]] = {}

    def surface(self, vertices: np.ndarray, triangles: np.ndarray) -> Surface:
        """The surface of V x 3 vertices and T x 3 triangles, worked out when they are new."""
        name = id(triangles)
        known = self._known.get(name)
        if known is not None and known[0]() is triangles and known[1]() is vertices:
            return known[2]
        found = surface_of(vertices, triangles)
        gone = weakref.ref(triangles, lambda _: self._known.pop(name, None))
        self._known[name] = (gone, weakref.ref(vertices), found)
        return found


def surface_of(vertices: np.ndarray, triangles: np.ndarray) -> Surface:
    """The surface of V x 3 vertices and any T x 3 triangles among them."""
    points = np.ascontiguousarray(vertices.T, np.float64)
    a, b, c = np.moveaxis(points.T[triangles], 1, 0)
    normals = np.cross(b - a, c - a)
    return Surface(points, normals, np.einsum("ij,ij->i", normals, a), *edges_of(triangles))


def edges_of(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends, first and second triangle of every edge, as in :class:`Surface`."""
    count = len(triangles)
    corners = np.asarray(triangles, np.int64)
    start, end = corners.T.ravel(), corners[:, [1, 2, 0]].T.ravel()
    low, high, back = np.minimum(start, end), np.maximum(start, end), start > end
    triangle = np.tile(np.arange(count), 3)
    # Sides of one edge that are run along in the same order are numbered; equal numbers of both
    # orders make a pair.
    order = np.lexsort((back, high, low))
    new = np.ones(3 * count, bool)
    new[1:] = np.any([np.diff(part[order]) for part in (low, high, back)], axis=0)
    begins = np.flatnonzero(new)
    number = np.empty(3 * count, np.int64)
    number[order] = np.arange(3 * count) - np.repeat(begins, np.diff(np.r_[begins, 3 * count]))
    order = np.lexsort((back, number, high, low))
    paired = np.zeros(3 * count, bool)  # with the next one
    paired[:-1] = ~np.any([np.diff(part[order]) for part in (low, high, number)], axis=0)
    leads = np.ones(3 * count, bool)
    leads[1:] = ~paired[:-1]
    one = np.flatnonzero(leads)
    other = np.minimum(one + 1, 3 * count - 1)
    second = np.where(paired[one], triangle[order[other]], count)
    return np.stack([start, end])[:, order[one]], triangle[order[one]], second
