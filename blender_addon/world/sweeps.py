"""Round and flat bodies along paths, closed and facing outward. No bpy.

Metres; what these make joins with the primitives in ``shapes``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .shapes import Face, Shape, polygons

Point = Sequence[float] | np.ndarray
Radius = float | tuple[float, float]


def sweep(
    path: Sequence[Point] | np.ndarray,
    radii: Sequence[Radius],
    surface: str,
    *,
    sides: int = 8,
    across: Point | None = None,
    smooth: bool = True,
) -> Shape:
    """Elliptic rings across a path, joined and closed at both ends.

    Args:
        path: N points, each unlike the next.
        radii: one for each point; of a pair the first is along ``across``, the second square to it.
        surface: of all faces.
        sides: corners of a ring.
        across: a direction that is nowhere along the path; by default the axis furthest from it.
        smooth: whether the sides are shaded smoothly; the ends always are flat.
    """
    centres = np.asarray(path, np.float64)
    ahead = np.gradient(centres, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    if across is None:
        across = np.eye(3)[np.abs(ahead).max(axis=0).argmin()]
    first = np.asarray(across, np.float64) - (ahead @ np.asarray(across))[:, None] * ahead
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(ahead, first)
    wide = np.array([r if isinstance(r, tuple) else (r, r) for r in radii])
    angle = (np.arange(sides) + 0.5) * (2 * math.pi / sides)
    points = (
        centres[:, None]
        + (wide[:, :1] * np.cos(angle))[..., None] * first[:, None]
        + (wide[:, 1:] * np.sin(angle))[..., None] * second[:, None]
    )
    return _skin(points, surface, smooth)


def rod(start: Point, end: Point, radius: Radius, surface: str, sides: int = 6) -> Shape:
    """A straight bar with flat ends."""
    return sweep([start, end], [radius, radius], surface, sides=sides)


def ring(
    centre: Point,
    radius: float,
    thick: tuple[float, float],
    surface: str,
    *,
    segments: int = 20,
    sides: int = 4,
    arc: tuple[float, float] = (0.0, 360.0),
) -> Shape:
    """A tyre round the y axis, or a piece of one.

    Args:
        centre: of the hole.
        radius: from the centre to the middle of the material.
        thick: half its extent along the radius and along y.
        surface: of all faces.
        segments: pieces round the arc.
        sides: corners of a cross section.
        arc: degrees from +X towards +Z at which it begins and ends.
    """
    whole = arc[1] - arc[0] >= 360.0
    count = segments if whole else segments + 1
    turn = np.radians(arc[0] + (arc[1] - arc[0]) * np.arange(count) / segments)[:, None]
    angle = (np.arange(sides) + 0.5) * (2 * math.pi / sides)
    # Enough for a section's faces, rather than its corners, to lie at the given half extents.
    outward = radius + thick[0] * np.cos(angle) / math.cos(math.pi / sides)
    side = np.broadcast_to(thick[1] * np.sin(angle) / math.cos(math.pi / sides), (count, sides))
    points = np.stack([outward * np.cos(turn), side, outward * np.sin(turn)], axis=-1)
    return _skin(points + np.asarray(centre), surface, True, whole)


def plate(outline: Sequence[tuple[float, float]], x0: float, x1: float, surface: str) -> Shape:
    """A flat plate from x0 to x1 > x0; the outline is (y, z), anticlockwise seen from +X."""
    sides = len(outline)
    points = np.array([(x, y, z) for x in (x0, x1) for y, z in outline])
    faces: list[Face] = [(k, (k + 1) % sides, sides + (k + 1) % sides, sides + k)
                         for k in range(sides)]  # fmt: skip
    faces += [tuple(reversed(range(sides))), tuple(range(sides, 2 * sides))]
    return polygons(points, faces, surface)


def circle(
    radius: float, z: float, *, y: float = 0.0, sides: int = 16, turn: float = 0.0
) -> list[tuple[float, float]]:
    """The outline of a regular polygon for ``plate``; ``turn`` degrees from +Y to its corner."""
    angle = np.radians(turn) + np.arange(sides) * (2 * math.pi / sides)
    return [(y + radius * math.cos(a), z + radius * math.sin(a)) for a in angle]


def turned(shape: Shape, degrees: float, axis: str, about: Point = (0.0, 0.0, 0.0)) -> Shape:
    """The shape turned anticlockwise about an axis through a point."""
    k = "xyz".index(axis)
    i, j = (k + 1) % 3, (k + 2) % 3
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = cos
    matrix[i, j], matrix[j, i] = -sin, sin
    centre = np.asarray(about, np.float64)
    vertices = (shape.vertices - centre) @ matrix.T + centre
    return Shape(vertices, shape.faces, shape.surfaces, shape.smooth)


def _skin(points: np.ndarray, surface: str, smooth: bool, whole: bool = False) -> Shape:
    """Quadrilaterals between R x S points in rings; ``whole`` joins the last to the first."""
    rings, sides = points.shape[:2]
    faces: list[Face] = [
        (r * sides + k, r * sides + (k + 1) % sides,
         (r + 1) % rings * sides + (k + 1) % sides, (r + 1) % rings * sides + k)
        for r in range(rings if whole else rings - 1)
        for k in range(sides)
    ]  # fmt: skip
    round_faces = len(faces)
    if not whole:
        faces.append(tuple(reversed(range(sides))))
        faces.append(tuple((rings - 1) * sides + k for k in range(sides)))
    shape = polygons(points, faces, surface)
    shading = (smooth,) * round_faces + (False,) * (len(faces) - round_faces)
    return Shape(shape.vertices, shape.faces, shape.surfaces, shading)
