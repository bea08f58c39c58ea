"""What a mesh's corners tell the shaders: colour, stuff, and openness to the sky.

Bytes, two by two to a corner: Cycles copies the attributes of all meshes whenever one mesh
changes, and so the fewer there are, the cheaper is another street.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from .finishes import Finish
from .occlusion import Openness

COLOUR = "metasim colour"  # linear RGB; size of the grain as a share of the largest, its root
OPEN = "metasim open"  # how open to the sky, and to the ground; roughness; grain
LARGEST_GRAIN = 8.0  # metres


def write_attributes(
    mesh: bpy.types.Mesh,
    finishes: Sequence[Finish],
    slots: np.ndarray,
    openness: Openness | None = None,
) -> None:
    """Give all corners their attributes.

    Args:
        finishes: by material slot.
        slots: the slot of each face.
        openness: of each face's corners, in the faces' order; None: all in the open.
    """
    sides = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", sides)
    slots = np.repeat(slots, sides)
    roughness, grain, size = np.array([stuff_of(finish) for finish in finishes]).T
    colours = np.array([finish.colour for finish in finishes])
    share = np.sqrt(np.minimum(size / LARGEST_GRAIN, 1.0))
    _write(mesh, COLOUR, np.column_stack([colours, share])[slots])
    above, below = (1.0, 1.0) if openness is None else (openness.above, openness.below)
    of_corner = (above, below, roughness[slots], grain[slots])
    _write(mesh, OPEN, np.stack(np.broadcast_arrays(*of_corner), axis=-1))


def stuff_of(finish: Finish) -> tuple[float, float, float]:
    """Roughness, 1 where nothing is mirrored; strength and size of the pattern."""
    roughness = 1.0 if finish.roughness is None else finish.roughness
    return roughness, finish.grain, finish.grain_size


def _write(mesh: bpy.types.Mesh, name: str, values: np.ndarray) -> None:
    """Set a colour of all corners, C x 4, linear."""
    attribute = mesh.attributes.get(name)
    if attribute is None:
        attribute = mesh.attributes.new(name, "BYTE_COLOR", "CORNER")
    attribute.data.foreach_set("color", np.ascontiguousarray(values, np.float32).ravel())
