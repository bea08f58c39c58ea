"""Users' own objects in a street's scene: given a class, they are labelled as its nodes are."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np

from ..contract.semantics import unlabelled_index
from ..contract.street_classes import STREET_CLASSES
from .stage_parts import is_contact, is_marked
from .staged_object import StagedObject

CLASS = "metasim_class"  # custom property of a user's object: the class that it was given
SHOWN_TYPES = ("MESH", "CURVE", "SURFACE", "META", "FONT")


def own_bodies(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The objects that no stage has made and that a render shows, by name."""
    found = [
        body for body in scene.objects
        if body.type in SHOWN_TYPES and not body.hide_render and not is_marked(body)
    ]  # fmt: skip
    return sorted(found, key=lambda body: body.name)


def number_own(scene: bpy.types.Scene, labelled: int, most: int) -> dict[bpy.types.Object, int]:
    """Give users' objects their pass indices.

    Args:
        scene: the street's.
        labelled: how many labelled nodes there are.
        most: labelled objects that there can be.

    Returns:
        Objects of a class -> index; 0 for what has a class but no label of its own.
    """
    found = {}
    for body in own_bodies(scene):
        kind = str(body.get(CLASS, ""))
        index = pass_index = 0  # a user's own number would be taken for a label
        if kind in STREET_CLASSES:
            if STREET_CLASSES[kind].labelled and labelled < most:
                labelled += 1
                index = labelled
            found[body] = index
            pass_index = index or unlabelled_index(kind)
        if body.pass_index != pass_index:
            body.pass_index = pass_index
    return found


def staged_own(body: bpy.types.Object, index: int) -> StagedObject | None:
    """A user's object as a label needs it; None for one without a surface."""
    vertices, triangles, matrix = _evaluated(body)
    if not len(triangles):
        return None
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    base = np.array([*(low + high)[:2] / 2, low[2]])
    matrix = matrix.copy()
    matrix[:3, 3] += matrix[:3, :3] @ base
    size = np.linalg.norm(matrix[:3, :3], axis=0) * (high - low)
    length, width, height = (float(extent) for extent in size)
    placed = (vertices - base).astype(np.float32)
    kind = str(body[CLASS])
    return StagedObject(body.name, kind, index, placed, triangles, matrix, (length, width, height))


def with_modifiers(staged: StagedObject, body: bpy.types.Object) -> StagedObject:
    """A node's object with the geometry that a user's modifiers give it."""
    if not body.modifiers:
        return staged
    vertices, triangles, _ = _evaluated(body)
    if not len(triangles):
        return staged
    size = np.linalg.norm(staged.matrix[:3, :3], axis=0) * np.ptp(vertices, axis=0)
    length, width, height = (float(extent) for extent in size)
    return replace(
        staged, vertices=vertices, triangles=triangles, dimensions=(length, width, height)
    )


def _evaluated(body: bpy.types.Object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices and triangles with all modifiers, but without the dark contact on the ground that no
    label counts; and the object's matrix."""
    shown = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = shown.to_mesh()
    if mesh is None:
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.eye(4)
    mesh.calc_loop_triangles()
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    triangles = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    slot = np.empty(len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("material_index", slot)
    contact = [i for i, material in enumerate(mesh.materials) if is_contact(material)]
    triangles = triangles.reshape(-1, 3)[~np.isin(slot, contact)]
    used, corners = np.unique(triangles, return_inverse=True)
    matrix = np.array(shown.matrix_world)
    shown.to_mesh_clear()
    return vertices.reshape(-1, 3)[used], corners.reshape(-1, 3).astype(np.int32), matrix
