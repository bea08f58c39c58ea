"""What a sound shape is: closed parts that face outward, and surfaces that have a finish."""

from __future__ import annotations

from collections import Counter

import numpy as np

from blender_addon.world.finishes import FINISHES
from blender_addon.world.shapes import COLOUR, Shape


def parts(shape: Shape) -> list[list[int]]:
    """The numbers of the faces of each connected part."""
    leader = list(range(len(shape.vertices)))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for face in shape.faces:
        for corner in face[1:]:
            leader[find(corner)] = find(face[0])
    found: dict[int, list[int]] = {}
    for number, face in enumerate(shape.faces):
        found.setdefault(find(face[0]), []).append(number)
    return list(found.values())


def assert_closed_and_outward(shape: Shape) -> None:
    """Every edge has one face on either side, and every part encloses a positive volume."""
    for part in parts(shape):
        faces = [shape.faces[number] for number in part]
        names = {shape.surfaces[number] for number in part}
        edges = Counter(
            edge for face in faces for edge in zip(face, face[1:] + face[:1], strict=True)
        )
        assert set(edges.values()) == {1}, f"an edge of {names} is used twice in one direction"
        open_edges = [edge for edge in edges if edge[::-1] not in edges]
        assert not open_edges, f"{names} has open edges"
        assert _volume(shape.vertices, faces) > 0, f"{names} faces inward"


def assert_sound(shape: Shape, own: dict, most_faces: int) -> None:
    """Arrays that fit together, faces within the budget, known surfaces, base on the ground."""
    assert len(shape.faces) <= most_faces
    assert len(shape.faces) == len(shape.surfaces) == len(shape.smooth)
    assert np.isfinite(shape.vertices).all()
    used = {corner for face in shape.faces for corner in face}
    assert used == set(range(len(shape.vertices))), "loose vertices"
    unknown = set(shape.surfaces) - {COLOUR} - set(FINISHES) - set(own)
    assert not unknown, f"no finish for {unknown}"
    assert abs(shape.vertices[:, 2].min()) < 1e-6
    assert_closed_and_outward(shape)


def assert_same(first: Shape, second: Shape) -> None:
    """Two builds of a model are equal."""
    np.testing.assert_array_equal(first.vertices, second.vertices)
    assert first.faces == second.faces
    assert first.surfaces == second.surfaces and first.smooth == second.smooth


def _volume(vertices: np.ndarray, faces: list[tuple[int, ...]]) -> float:
    total = 0.0
    origin = vertices[faces[0][0]]
    for face in faces:
        corners = vertices[list(face)] - origin
        for i in range(1, len(face) - 1):
            total += float(corners[0] @ np.cross(corners[i], corners[i + 1]))
    return total / 6
