"""How much light of sky and ground reaches the faces of a mesh, and the ground under it. No bpy.

A mesh is splatted into depth maps along directions spread over the sphere; a point sees the sky in
those in which nothing of the mesh lies before it. Below the horizon it sees the ground, which is
itself darker where the mesh keeps the sky from it. Made once for each mesh.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from .shapes import Shape

AXES = 24  # directions over the upper half; each serves for the opposite one too
CELLS = 64  # of a depth map, along the mesh's longest diagonal
SAMPLES = 12_000  # points that are splatted beside the mesh's own
LIFT = 1.6  # cells by which a point is lifted off its own surface
THROUGH = 0.7  # exponent by which leaves deep in a crown get light through those before them
DOUBTFUL = 0.8  # a corner with less light than this (of 2) may be seen from its other side
ROUND = 0.6  # metres round a mesh in which it darkens the ground
_GRID = 24


@dataclass(frozen=True, eq=False)
class Openness:
    """Shares in [0, 1] of the light that a surface in the open would get.

    Attributes:
        above: of the sky's light, one a point.
        below: of the ground's.
    """

    above: np.ndarray
    below: np.ndarray

    def followed_by(self, other: Openness) -> Openness:
        """Of these points and then the others."""
        return Openness(
            np.concatenate([self.above, other.above]), np.concatenate([self.below, other.below])
        )


class Surroundings:
    """A mesh as what keeps light away.

    Args:
        vertices: V x 3, metres, standing on the ground z = 0.
        triangles: T x 3.
        recess: metres: what lies less deep in the surface, as a window in its wall, is as open as
            the surface is.
    """

    def __init__(self, vertices: np.ndarray, triangles: np.ndarray, recess: float = 0.0) -> None:
        points = np.concatenate([vertices, _spread(vertices, triangles)]).astype(np.float32)
        self.low, self.high = points.min(axis=0), points.max(axis=0)
        self.axes = upper_directions(AXES)
        self._cell = max(float(np.linalg.norm(self.high - self.low)) / CELLS, 1e-4)
        self._lift = max(LIFT * self._cell, recess)
        self._maps = [_splat(points, axis, self._cell) for axis in self.axes]
        self._place, self._step, self._light = self._ground_grid()

    def ground(self, places: np.ndarray) -> np.ndarray:
        """How open to the sky level ground is at N x 2 places: (N,), cosine-weighted."""
        points = np.column_stack([places, np.zeros(len(places))])
        return self._visible(points)[0] @ (self.axes[:, 2] / self.axes[:, 2].sum())

    def openness(self, points: np.ndarray, normals: np.ndarray, sheet: np.ndarray) -> Openness:
        """The openness of N points of the mesh's surface.

        Args:
            points, normals: N x 3.
            sheet: N bool: part of a thin sheet that is seen from both sides, such as a leaf.
        """
        lifted = points + np.where(sheet[:, None], 0, self._lift) * normals
        along, against = self._visible(lifted)
        cosine = normals.astype(np.float32) @ self.axes.T.astype(np.float32)
        cosine[sheet] = 0.5
        up, down = np.maximum(cosine, 0), np.maximum(np.where(sheet[:, None], cosine, -cosine), 0)
        return Openness(
            _share(up * along, up), _share(down * against * self._ground_light(lifted), down)
        )

    def _visible(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether nothing lies before N points along each axis, and along its opposite: N x AXES
        bool each."""
        along = np.empty((len(points), len(self.axes)), bool)
        against = np.empty_like(along)
        points = points.astype(np.float32)
        for n, one in enumerate(self._maps):
            u, v, depth = one.frame @ points.T
            # Round the map runs a rim of empty cells, where all that lies outside ends up.
            u = np.clip(np.floor(u / self._cell) - one.low[0], 0, one.size[0] - 1)
            v = np.clip(np.floor(v / self._cell) - one.low[1], 0, one.size[1] - 1)
            cell = (u * one.size[1] + v).astype(np.int32)
            along[:, n] = one.far[cell] <= depth + self._cell
            against[:, n] = one.near[cell] >= depth - self._cell
        return along, against

    def _ground_grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The ground's light under and round the mesh: corner, size of a cell, and the light by
        cell, with a rim of 1 round it."""
        low, high = self.low[:2] - ROUND, self.high[:2] + ROUND
        step = (high - low) / _GRID
        x, y = (low + step * (np.arange(_GRID) + 0.5)[:, None]).T
        places = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
        light = np.ones((_GRID + 2, _GRID + 2), np.float32)
        light[1:-1, 1:-1] = self.ground(places).reshape(_GRID, _GRID)
        return low, step, light

    def _ground_light(self, points: np.ndarray) -> np.ndarray:
        """N x AXES: how bright the ground is where the opposite of each axis meets it."""
        height = np.maximum(points[:, 2:], 0.0)
        cells = []
        for i in range(2):
            at = points[:, i : i + 1] - height * (self.axes[:, i] / self.axes[:, 2])
            at = np.floor((at - self._place[i]) / self._step[i]) + 1
            cells.append(np.clip(at, 0, _GRID + 1).astype(np.int32))
        return self._light.ravel()[cells[0] * (_GRID + 2) + cells[1]]


def corner_openness(shape: Shape, around: Surroundings, leaves: Collection[str] = ()) -> Openness:
    """The openness of each corner of each face of a shape, in the faces' order.

    Args:
        leaves: surfaces of thin sheets that are seen, and let light through, on both sides.
    """
    counts = np.array([len(face) for face in shape.faces])
    corners = np.concatenate([np.array(face) for face in shape.faces])
    normals, centres = face_frames(shape.vertices, corners, counts)
    owner = np.repeat(np.arange(len(counts)), counts)
    own = normals[owner]
    smooth = np.repeat(np.array(shape.smooth), counts)
    if smooth.any():
        mean = np.zeros_like(shape.vertices)
        np.add.at(mean, corners[smooth], own[smooth])
        mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
        own = np.where(smooth[:, None], mean[corners], own)
    sheet = np.array([surface in leaves for surface in shape.surfaces])[owner]
    found = open_side(around, shape.vertices[corners], own, centres, counts, sheet)
    above, below = (
        np.where(sheet, values**THROUGH, values) for values in (found.above, found.below)
    )
    return Openness(above, below)


def open_side(
    around: Surroundings,
    points: np.ndarray,
    normals: np.ndarray,
    centres: np.ndarray,
    counts: np.ndarray,
    sheet: np.ndarray,
) -> Openness:
    """The openness of the corners of F faces, each on the side on which more light reaches it.

    A face is seen from its open side, whichever way it was drawn.

    Args:
        points, normals, sheet: of the corners, one face after the other.
        centres: F x 3, the faces' middles.
        counts: F, corners of each face.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    # A little towards the face's middle, so that a corner does not look through the next face.
    points = points + 0.1 * (centres[owner] - points)
    front = around.openness(points, normals, sheet)
    starts = np.cumsum(counts) - counts
    light = np.add.reduceat(front.above + front.below, starts)
    doubtful = (light < DOUBTFUL * counts)[owner]  # of the others the back is not asked for
    if not doubtful.any():
        return front
    back = around.openness(points[doubtful], -normals[doubtful], sheet[doubtful])
    gain = np.zeros(len(points))
    gain[doubtful] = (back.above + back.below) - (front.above + front.below)[doubtful]
    turned = (np.add.reduceat(gain, starts) > 0)[owner][doubtful]
    above, below = front.above.copy(), front.below.copy()
    above[doubtful] = np.where(turned, back.above, above[doubtful])
    below[doubtful] = np.where(turned, back.below, below[doubtful])
    return Openness(above, below)


def face_frames(
    vertices: np.ndarray, corners: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals (Newell's method) and mean points of F polygons, F x 3 each.

    Args:
        vertices: V x 3.
        corners: the vertex numbers of all faces, one face after the other.
        counts: F, corners of each face.
    """
    starts = np.cumsum(counts) - counts
    following = np.arange(1, len(corners) + 1)
    following[starts + counts - 1] = starts
    here = vertices[corners]
    centres = np.add.reduceat(here, starts) / counts[:, None]
    here = here - np.repeat(centres, counts, axis=0)
    normals = np.add.reduceat(np.cross(here, here[following]), starts)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12), centres


def upper_directions(count: int) -> np.ndarray:
    """count x 3 unit vectors spread evenly over the upper half of the sphere (golden spiral)."""
    n = np.arange(count)
    z = (n + 0.5) / count
    turn = n * (np.pi * (3 - np.sqrt(5)))
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=-1)


@dataclass(frozen=True, eq=False)
class _DepthMap:
    """What of a mesh is seen along one axis: the largest and the smallest depth in each cell.

    Attributes:
        frame: 3 x 3, the rows across, across and along the axis.
        low: cell numbers of the first row and column, which are empty as the last ones are.
        size: rows and columns.
        far, near: flat, by cell.
    """

    frame: np.ndarray
    low: tuple[float, float]
    size: tuple[int, int]
    far: np.ndarray
    near: np.ndarray


def _splat(points: np.ndarray, axis: np.ndarray, cell: float) -> _DepthMap:
    side = np.cross(axis, (0.0, 0.0, 1.0) if abs(axis[2]) < 0.9 else (1.0, 0.0, 0.0))
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(axis, side), axis]).astype(np.float32)
    u, v, depth = frame @ points.T
    u, v = np.floor(u / cell), np.floor(v / cell)
    low = (float(u.min()) - 1, float(v.min()) - 1)
    size = (int(u.max() - low[0]) + 2, int(v.max() - low[1]) + 2)
    cells = ((u - low[0]) * size[1] + (v - low[1])).astype(np.int32)
    far = np.full(size[0] * size[1], -np.inf, np.float32)
    near = np.full(size[0] * size[1], np.inf, np.float32)
    np.maximum.at(far, cells, depth)
    np.minimum.at(near, cells, depth)
    return _DepthMap(frame, low, size, far, near)


def _spread(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """SAMPLES points, or none, spread over the triangles by area."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    if not area.sum() > 0:
        return np.zeros((0, 3))
    reached = np.cumsum(area) / area.sum()
    n = np.arange(SAMPLES)
    which = np.searchsorted(reached, (n + 0.5) / SAMPLES).clip(0, len(area) - 1)
    # Additive recurrence of the plastic number: even in the plane for any run of points.
    u, v = (n * 0.7548776662466927) % 1, (n * 0.5698402909980532) % 1
    u, v = np.where(u + v > 1, 1 - u, u)[:, None], np.where(u + v > 1, 1 - v, v)[:, None]
    return a[which] + u * (b - a)[which] + v * (c - a)[which]


def _share(reached: np.ndarray, full: np.ndarray) -> np.ndarray:
    total = full.sum(axis=1)
    return np.where(total > 1e-9, reached.sum(axis=1) / np.maximum(total, 1e-9), 1.0)
