"""Shapes as plain arrays: vertices, faces and the name of each face's surface. No bpy.

Metres; +X is an object's front, +Y its left, +Z up; the origin is the centre of the base.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

Face = tuple[int, ...]

COLOUR = "colour"  # the surface of faces that show the colour of the object


@dataclass(frozen=True, eq=False)
class Shape:
    """A polygon mesh.

    Attributes:
        vertices: V x 3 float64, metres.
        faces: vertex numbers of each polygon.
        surfaces: the surface's name of each face.
        smooth: whether each face is shaded smoothly.
    """

    vertices: np.ndarray
    faces: tuple[Face, ...]
    surfaces: tuple[str, ...]
    smooth: tuple[bool, ...]

    @property
    def slots(self) -> tuple[str, ...]:
        """Surface names in slot order: the object's colour first, then as they occur."""
        names = dict.fromkeys(self.surfaces)
        return tuple(sorted(names, key=lambda name: name != COLOUR))

    @property
    def size(self) -> np.ndarray:
        """Extent along x, y and z, metres, shape (3,)."""
        return np.ptp(self.vertices, axis=0)

    def triangles(self) -> np.ndarray:
        """The faces cut into triangles, T x 3 int32."""
        cut: list[int] = []
        for face in self.faces:
            first = face[0]
            for second, third in zip(face[1:-1], face[2:], strict=True):
                cut += (first, second, third)
        return np.array(cut, np.int32).reshape(-1, 3)

    def in_triangles(self) -> Shape:
        """The same of triangles alone: Blender cuts larger faces another way as they bend."""
        owner = [n for n, face in enumerate(self.faces) for _ in face[2:]]
        return Shape(
            self.vertices,
            tuple([(a, b, c) for a, b, c in self.triangles().tolist()]),
            tuple([self.surfaces[n] for n in owner]),
            tuple([self.smooth[n] for n in owner]),
        )

    def moved(self, offset: np.ndarray | Sequence[float]) -> Shape:
        return Shape(self.vertices + np.asarray(offset), self.faces, self.surfaces, self.smooth)

    def scaled(self, factors: np.ndarray | Sequence[float] | float) -> Shape:
        return Shape(self.vertices * np.asarray(factors), self.faces, self.surfaces, self.smooth)

    def mirrored(self) -> Shape:
        """Left and right exchanged; the faces keep facing outward."""
        faces = tuple(face[::-1] for face in self.faces)
        return Shape(self.vertices * (1, -1, 1), faces, self.surfaces, self.smooth)

    def on_base(self) -> Shape:
        """Moved so that the origin is the centre of the bounding box's bottom."""
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        return self.moved((-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]))


def join(*shapes: Shape) -> Shape:
    """One shape of several."""
    faces: list[Face] = []
    start = 0
    for s in shapes:
        # Plain lists: a building is joined from thousands of faces several times over.
        faces += [tuple([i + start for i in face]) for face in s.faces] if start else s.faces
        start += len(s.vertices)
    return Shape(
        np.concatenate([s.vertices for s in shapes]),
        tuple(faces),
        tuple(chain.from_iterable(s.surfaces for s in shapes)),
        tuple(chain.from_iterable(s.smooth for s in shapes)),
    )


def polygons(
    points: np.ndarray, faces: Sequence[Face], surface: str | Sequence[str], smooth: bool = False
) -> Shape:
    """A shape from points (V x 3) and faces that share one surface or have one each."""
    names = (surface,) * len(faces) if isinstance(surface, str) else tuple(surface)
    vertices = np.asarray(points, np.float64).reshape(-1, 3)
    plain = tuple([tuple([int(i) for i in face]) for face in faces])
    return Shape(vertices, plain, names, (smooth,) * len(faces))


def grid(points: np.ndarray, surface: str | Sequence[Sequence[str]], smooth: bool = False) -> Shape:
    """A sheet of quadrilaterals through R x C x 3 points; surface may be an (R-1) x (C-1) table."""
    rows, columns = points.shape[:2]
    number = np.arange(rows * columns).reshape(rows, columns)
    corners = (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1])
    faces = np.stack(corners, axis=-1).reshape(-1, 4)
    names = surface if isinstance(surface, str) else [name for row in surface for name in row]
    return polygons(points, faces.tolist(), names, smooth)


def box(low: Sequence[float], high: Sequence[float], surface: str) -> Shape:
    """A box between two corners."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    points = np.array([(x, y, z) for x in (x0, x1) for y in (y0, y1) for z in (z0, z1)])
    faces = [
        (0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3),
    ]  # fmt: skip
    return polygons(points, faces, surface)


def tube(
    centres: np.ndarray | Sequence[Sequence[float]],
    radii: Sequence[float | tuple[float, float]],
    surface: str,
    *,
    sides: int = 8,
    axis: str = "z",
    smooth: bool = True,
) -> Shape:
    """Elliptic rings round the centres, joined and closed at both ends.

    The rings lie in the plane across ``axis``; a radius is one number or one for each of the
    plane's two axes, in the order x, y, z.
    """
    across = [i for i in range(3) if i != "xyz".index(axis)]
    angle = np.arange(sides) * (2 * np.pi / sides)
    points = np.repeat(np.asarray(centres, np.float64)[:, None, :], sides, axis=1)
    wide = np.array([r if isinstance(r, tuple) else (r, r) for r in radii])
    points[:, :, across[0]] += wide[:, :1] * np.cos(angle)
    points[:, :, across[1]] += wide[:, 1:] * np.sin(angle)
    rings = len(points)
    faces: list[Face] = [
        (r * sides + k, r * sides + (k + 1) % sides, (r + 1) * sides + (k + 1) % sides,
         (r + 1) * sides + k)
        for r in range(rings - 1)
        for k in range(sides)
    ]  # fmt: skip
    faces.append(tuple(reversed(range(sides))))
    faces.append(tuple((rings - 1) * sides + k for k in range(sides)))
    return polygons(points, faces, surface, smooth)


def ball(
    centre: Sequence[float],
    radii: Sequence[float] | float,
    surface: str,
    *,
    sides: int = 8,
    rings: int = 5,
) -> Shape:
    """An ellipsoid of ``rings`` bands."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)[1:-1]
    rx, ry, rz = np.broadcast_to(radii, 3)
    heights = np.concatenate([[-0.97], np.sin(latitude), [0.97]])
    wide = np.sqrt(1 - heights**2)
    centres = np.asarray(centre) + np.outer(heights * rz, (0, 0, 1))
    return tube(centres, [(rx * w, ry * w) for w in wide], surface, sides=sides)


def cards(
    centres: np.ndarray, size: np.ndarray, surfaces: Sequence[str], rng: np.random.Generator
) -> Shape:
    """Small squares in random directions, such as foliage.

    Args:
        centres: N x 3.
        size: N edge lengths.
        surfaces: one name for each square.
        rng: turns the squares.
    """
    first = rng.normal(size=(len(centres), 3))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(first, rng.normal(size=(len(centres), 3)))
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    half = np.asarray(size)[:, None] / 2
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    points = np.stack([centres + half * (a * first + b * second) for a, b in corners], axis=1)
    faces = [(4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3) for i in range(len(centres))]
    return polygons(points, faces, surfaces)
