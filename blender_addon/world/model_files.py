"""What a model's file would show in a render, as one mesh.

That is what Blender's dependency graph lists for the file's scene: objects after their modifiers,
curves and texts as meshes, and every instance of a collection; not what is hidden in renders or
from the camera or excluded from the view layer, and not the shapes that importers draw bones with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import bmesh
import bpy
import mathutils
import numpy as np

from .gltf_numbers import most_announced

SHAPES = ("MESH", "CURVE", "SURFACE", "FONT", "META")
MOST_FACES = 500_000
"""Of a model. A street has dozens, and Blender looks at every face of each change."""
_UV, _COLOUR = "metasim uv", "metasim colour"


class ModelTooLarge(Exception):
    """A model with more faces than a street can show; the end of a sentence."""


def rendered_mesh(path: Path, up: str = "") -> bpy.types.Mesh | None:
    """A new mesh of all that the file shows, in its axes with z up; None when it shows nothing.

    What else the file brings is left in ``bpy.data``.

    Args:
        up: which of the file's axes is up, x, y or z; empty for the format's own.

    Raises:
        RuntimeError, OSError: when it cannot be read.
        ModelTooLarge: when it would have more faces than a street's model may.
    """
    before = set(bpy.data.objects)
    kind = path.suffix.lower()
    scene = bpy.context.scene
    if kind == ".blend":
        scene = _append(path) or scene
    elif kind == ".obj":
        # As it is in the file; it is turned below.
        bpy.ops.wm.obj_import(filepath=str(path), forward_axis="Y", up_axis="Z")
    else:
        _check_faces(most_announced(path) / 6)  # a face has up to three points, each in two lists
        bpy.ops.import_scene.gltf(filepath=str(path))
    _as_rendered(scene, [item for item in bpy.data.objects if item not in before])
    mesh = _joined(_parts(scene, lambda owner: owner not in before))
    if mesh is not None:
        turn = _upright(up or ("z" if kind == ".blend" else "y"))
        if kind in (".glb", ".gltf"):  # its importer has turned it already
            turn = turn @ _upright("y").inverted()
        mesh.transform(turn)
    return mesh


def _upright(axis: str) -> mathutils.Matrix:
    """The turn that brings one of a file's axes up."""
    about, degrees = {"x": ("Y", -90.0), "y": ("X", 90.0), "z": ("Z", 0.0)}[axis]
    return mathutils.Matrix.Rotation(math.radians(degrees), 4, about)


def _append(path: Path) -> bpy.types.Scene | None:
    """The first scene of a .blend file, appended; of a file without one its objects, linked to the
    current scene."""
    with bpy.data.libraries.load(str(path), link=False) as (source, target):
        target.scenes = source.scenes[:1]
        if not source.scenes:
            target.objects = source.objects
    if target.scenes:
        return target.scenes[0]
    for item in target.objects:
        bpy.context.scene.collection.objects.link(item)
    return None


def _as_rendered(scene: bpy.types.Scene, objects: Iterable[bpy.types.Object]) -> None:
    """Show in the view what a render shows; the dependency graph that we can ask is the view's."""
    faces = 0.0
    for item in objects:
        item.hide_viewport = item.hide_render
        item.show_instancer_for_viewport = item.show_instancer_for_render
        for modifier in item.modifiers:
            # Hair is no mesh, and takes long to comb.
            modifier.show_viewport = modifier.show_render and modifier.type != "PARTICLE_SYSTEM"
            if hasattr(modifier, "render_levels"):
                modifier.levels = modifier.render_levels
        faces += _faces_of(item)
    _check_faces(faces)
    if scene == bpy.context.scene:
        return
    for collection in scene.collection.children_recursive:
        collection.hide_viewport = collection.hide_render
    layers = [scene.view_layers[0].layer_collection]
    while layers:
        layer = layers.pop()
        layer.hide_viewport = False
        layers.extend(layer.children)


def _faces_of(item: bpy.types.Object) -> float:
    """About how many faces an object's modifiers make of it."""
    if item.type != "MESH" or item.hide_render:
        return 0.0
    faces = float(len(item.data.polygons))
    for modifier in item.modifiers:
        if not modifier.show_render:
            continue
        if modifier.type in ("SUBSURF", "MULTIRES"):
            faces *= 4.0**modifier.render_levels
        elif modifier.type == "ARRAY" and modifier.fit_type == "FIXED_COUNT":
            faces *= modifier.count
    return faces


def _check_faces(faces: float) -> None:
    if faces > MOST_FACES:
        raise ModelTooLarge(
            f"has about {faces:.0f} faces, and a street's model may have {MOST_FACES}; make it "
            "simpler"
        )


def _parts(
    scene: bpy.types.Scene, wanted: Callable[[bpy.types.Object], bool]
) -> list[bpy.types.Mesh]:
    """A new mesh for everything that is shown, in the scene's axes."""
    layer = scene.view_layers[0]
    with bpy.context.temp_override(scene=scene, view_layer=layer):
        layer.update()
        graph = bpy.context.evaluated_depsgraph_get()
        parts: list[bpy.types.Mesh] = []
        faces = 0
        for shown in graph.object_instances:
            owner = shown.parent if shown.is_instance else shown.object
            if shown.object.type not in SHAPES or not wanted(owner.original):
                continue
            if shown.object.original.hide_render or not _seen(shown.object) or not shown.show_self:
                continue
            mesh = bpy.data.meshes.new_from_object(
                shown.object, preserve_all_data_layers=True, depsgraph=graph
            )
            matrix = shown.matrix_world.copy()
            mesh.transform(matrix)
            if matrix.is_negative:
                mesh.flip_normals()
            parts.append(mesh)
            faces += len(mesh.polygons)
            _check_faces(faces)
    return parts


def _seen(item: bpy.types.Object) -> bool:
    """Whether a camera sees it, and not only what it does to others."""
    return item.visible_camera and not item.is_shadow_catcher and not item.is_holdout


def _joined(parts: Sequence[bpy.types.Mesh]) -> bpy.types.Mesh | None:
    """All parts as one mesh; what each was drawn with keeps its place, whatever its name."""
    if not any(len(part.polygons) for part in parts):
        return None
    bodies = []
    for part in parts:
        _under_one_name(part)
        body = bpy.data.objects.new("metasim part", part)
        bpy.context.scene.collection.objects.link(body)
        bodies.append(body)
    first = bodies[0]
    if hasattr(first.data, "use_auto_smooth"):  # before Blender 4.1, for normals of their own
        first.data.use_auto_smooth = any(part.has_custom_normals for part in parts)
    if len(bodies) > 1:
        with bpy.context.temp_override(
            active_object=first, object=first, selected_editable_objects=bodies,
            selected_objects=bodies,
        ):  # fmt: skip
            bpy.ops.object.join()
    mesh = first.data
    bpy.data.objects.remove(first)
    _drop_loose(mesh)
    if _UV in mesh.uv_layers:
        mesh.uv_layers[_UV].active_render = True
        mesh.uv_layers.active = mesh.uv_layers[_UV]
    if _COLOUR in mesh.color_attributes:
        mesh.color_attributes.render_color_index = mesh.color_attributes.find(_COLOUR)
    return mesh


def _drop_loose(mesh: bpy.types.Mesh) -> None:
    """Remove points that no face has, such as those of a bare curve: no render shows them."""
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    used = np.zeros(len(mesh.vertices), bool)
    used[corners] = True
    if used.all():
        return
    shape = bmesh.new()
    shape.from_mesh(mesh)
    shape.verts.ensure_lookup_table()
    loose = [shape.verts[int(number)] for number in np.flatnonzero(~used)]
    bmesh.ops.delete(shape, geom=loose, context="VERTS")
    shape.to_mesh(mesh)
    shape.free()


def _under_one_name(mesh: bpy.types.Mesh) -> None:
    """Copy the UV map and the colours that a render takes to names that all parts share: joining
    goes by names."""
    layer = next((one for one in mesh.uv_layers if one.active_render), None)
    if layer is not None and _UV not in mesh.uv_layers:
        values = np.empty(2 * len(mesh.loops), np.float32)
        layer.data.foreach_get("uv", values)
        copy = mesh.uv_layers.new(name=_UV, do_init=False)
        if copy is not None:  # there is room for eight
            copy.data.foreach_set("uv", values)
    colours = mesh.color_attributes
    index = colours.render_color_index
    if 0 <= index < len(colours) and _COLOUR not in colours:
        found = colours[index]
        values = np.empty(4 * len(found.data), np.float32)
        found.data.foreach_get("color", values)
        values = values.reshape(-1, 4)
        if found.domain == "POINT":
            corners = np.empty(len(mesh.loops), np.int32)
            mesh.loops.foreach_get("vertex_index", corners)
            values = values[corners]
        copy = colours.new(name=_COLOUR, type="FLOAT_COLOR", domain="CORNER")
        copy.data.foreach_set("color", values.ravel())
