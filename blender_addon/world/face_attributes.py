"""What a mesh's faces and corners tell the shaders: colour, stuff, and openness to the sky."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from .finishes import Finish
from .occlusion import Openness

COLOUR = "metasim colour"  # of a face: linear RGB
STUFF = "metasim stuff"  # of a face: roughness, grain, size of the grain in metres
OPEN = "metasim open"  # of a corner: how open to the sky, and to the ground


def write_looks(mesh: bpy.types.Mesh, finishes: Sequence[Finish], slots: np.ndarray) -> None:
    """Colour and stuff of all faces.

    Args:
        finishes: by material slot.
        slots: the slot of each face.
    """
    colours = np.array([finish.colour for finish in finishes], np.float32).reshape(-1, 3)
    stuff = np.array([stuff_of(finish) for finish in finishes], np.float32).reshape(-1, 3)
    _write(mesh, COLOUR, "FACE", colours[slots])
    _write(mesh, STUFF, "FACE", stuff[slots])


def write_openness(mesh: bpy.types.Mesh, openness: Openness | None) -> None:
    """The openness of each face's corners, in the faces' order; None: all in the open."""
    values = np.ones((len(mesh.loops), 3), np.float32)
    if openness is not None:
        values[:, 0], values[:, 1] = openness.above, openness.below
    _write(mesh, OPEN, "CORNER", values)


def stuff_of(finish: Finish) -> tuple[float, float, float]:
    """Roughness, 1 where nothing is mirrored; strength and size of the pattern."""
    roughness = 1.0 if finish.roughness is None else finish.roughness
    return roughness, finish.grain, finish.grain_size


def _write(mesh: bpy.types.Mesh, name: str, domain: str, values: np.ndarray) -> None:
    attribute = mesh.attributes.get(name)
    if attribute is None:
        attribute = mesh.attributes.new(name, "FLOAT_VECTOR", domain)
    attribute.data.foreach_set("vector", np.ascontiguousarray(values, np.float32).ravel())
