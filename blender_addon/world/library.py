"""Users' own models: a file named in a catalogue becomes one mesh, its front towards +X."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import bpy
import mathutils
import numpy as np

from ..contract.attribute_reading import WorldError
from ..contract.catalogue import Asset
from ..contract.street_classes import STREET_CLASSES

COLOUR_MATERIAL = "colour"  # faces of this material take the node's colour


class Library:
    """Loads users' assets when first asked for.

    Args:
        assets: from :func:`..contract.catalogue.user_assets`.
    """

    def __init__(self, assets: Iterable[Asset] = ()) -> None:
        self._assets = {(one.class_name, one.name): one for one in assets}
        self._brought: list[bpy.types.ID] = []

    def names(self, class_name: str) -> tuple[str, ...]:
        """The models that users have added to a class."""
        return tuple(name for kind, name in self._assets if kind == class_name)

    def load(self, key: Sequence[str | int]) -> bpy.types.Mesh | None:
        """The mesh of a user's asset, new; None when the key names none.

        Its origin is the centre of its base. Things that a node's attributes scale are one metre
        in what they scale.

        Raises:
            WorldError: when the file cannot be read or holds no mesh.
        """
        asset = self._assets.get((str(key[0]), str(key[1])))
        if asset is None or asset.file is None:
            return None
        before = _everything()
        try:
            _import(asset)
            mesh = _joined(asset, [item for item in bpy.data.objects if item not in before])
        except (RuntimeError, OSError) as error:
            raise WorldError(
                f"The {asset.class_name} {asset.name!r} cannot be read from {asset.file}: {error}"
            ) from None
        finally:
            self._keep_only_looks(before)
        _stand(mesh, asset)
        return mesh

    def clear(self) -> None:
        """Remove materials and pictures that came with the files."""
        bpy.data.batch_remove([item for item in self._brought if _alive(item)])
        self._brought.clear()

    def _keep_only_looks(self, before: set) -> None:
        """Of what a file brought, keep the materials, their pictures and the finished mesh."""
        kept = (bpy.types.Material, bpy.types.Image, bpy.types.Mesh, bpy.types.NodeTree)
        brought = [item for item in _everything() if item not in before]
        waste = [item for item in brought if not isinstance(item, kept)]
        waste += [
            item
            for item in brought
            if isinstance(item, bpy.types.Mesh) and not item.name.startswith("metasim ")
        ]
        bpy.data.batch_remove(waste)
        looks = (bpy.types.Material, bpy.types.Image, bpy.types.NodeTree)
        self._brought += [
            item for item in _everything() if item not in before and isinstance(item, looks)
        ]


def _everything() -> set:
    collections = (bpy.data.objects, bpy.data.meshes, bpy.data.materials, bpy.data.images,
                   bpy.data.collections, bpy.data.lights, bpy.data.cameras, bpy.data.armatures,
                   bpy.data.actions, bpy.data.node_groups, bpy.data.curves, bpy.data.scenes,
                   bpy.data.worlds, bpy.data.libraries, bpy.data.texts)  # fmt: skip
    return {item for collection in collections for item in collection}


def _alive(item: bpy.types.ID) -> bool:
    try:
        return bool(item.name)
    except ReferenceError:
        return False


def _import(asset: Asset) -> None:
    path = str(asset.file)
    kind = path.rsplit(".", 1)[-1].lower()
    if kind == "blend":
        with bpy.data.libraries.load(path, link=False) as (source, target):
            target.objects = source.objects
        for item in target.objects:
            bpy.context.scene.collection.objects.link(item)
    elif kind == "obj":
        bpy.ops.wm.obj_import(filepath=path)
    else:
        bpy.ops.import_scene.gltf(filepath=path)


def _joined(asset: Asset, brought: Sequence[bpy.types.Object]) -> bpy.types.Mesh:
    """One mesh of all mesh objects, in the file's own axes."""
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    bodies = []
    for item in brought:
        if item.type != "MESH" or item.hide_render:
            continue
        mesh = bpy.data.meshes.new_from_object(item.evaluated_get(graph), depsgraph=graph)
        mesh.transform(item.matrix_world)
        if item.matrix_world.is_negative:
            mesh.flip_normals()
        body = bpy.data.objects.new("metasim part", mesh)
        bpy.context.scene.collection.objects.link(body)
        bodies.append(body)
    if not bodies or not any(len(body.data.polygons) for body in bodies):
        raise WorldError(
            f"The {asset.class_name} {asset.name!r}: {asset.file} holds no mesh that is rendered."
        )
    first = bodies[0]
    if len(bodies) > 1:
        with bpy.context.temp_override(
            active_object=first, object=first, selected_editable_objects=bodies,
            selected_objects=bodies,
        ):  # fmt: skip
            bpy.ops.object.join()
    mesh = first.data
    mesh.name = f"metasim {asset.class_name} {asset.name}"
    bpy.data.objects.remove(first)
    return mesh


def _stand(mesh: bpy.types.Mesh, asset: Asset) -> None:
    """Front to +X, the centre of the base at the origin, the size that the catalogue says."""
    mesh.transform(mathutils.Matrix.Rotation(math.radians(asset.turn), 4, "Z"))
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    points = points.reshape(-1, 3)
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(high - low, 1e-6)
    points -= ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2])
    scaled = STREET_CLASSES[asset.class_name].scaled
    if scaled == "height":
        points /= size[2]
    elif scaled == "box":
        points /= (1.0, size[1], size[2])
    elif asset.length:
        points *= asset.length / size[0]
    mesh.vertices.foreach_set("co", points.ravel())
    _colour_first(mesh)
    mesh.update()


def _colour_first(mesh: bpy.types.Mesh) -> None:
    """Empty the slot of the material ``colour`` and make it the first."""
    names = [m.name.split(".")[0] if m else "" for m in mesh.materials]
    if COLOUR_MATERIAL not in names:
        return
    at = names.index(COLOUR_MATERIAL)
    numbers = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", numbers)
    swapped = np.where(numbers == at, 0, np.where(numbers == 0, at, numbers)).astype(np.int32)
    mesh.materials[at] = mesh.materials[0]
    mesh.materials[0] = None
    mesh.polygons.foreach_set("material_index", swapped)
