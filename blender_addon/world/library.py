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
from .model_files import ModelTooLarge, rendered_mesh

COLOUR_MATERIAL = "colour"  # faces of this material take the node's colour
MOST_OFF = 4 / 3
"""Between a file's width and its catalogue's."""
LEAST_SHARE = 1e-3
"""Of a model's largest extent, that one may have by which it is measured."""


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

    def has(self, key: Sequence[str | int]) -> bool:
        """Whether a shape's key names a user's asset."""
        return (str(key[0]), str(key[1])) in self._assets

    def load(self, key: Sequence[str | int]) -> bpy.types.Mesh | None:
        """The mesh of a user's asset, new; None when the key names none.

        Its origin is the centre of its base. Things that a node's attributes scale are one metre
        in what they scale.

        Raises:
            WorldError: when the file cannot be read, holds no mesh, or has another width than
                its catalogue says.
        """
        asset = self._assets.get((str(key[0]), str(key[1])))
        if asset is None or asset.file is None:
            return None
        before = _everything()
        try:
            mesh = rendered_mesh(asset.file, asset.up)
            if mesh is None:
                raise WorldError(
                    f"The {asset.class_name} {asset.name!r}: {asset.file} holds no mesh that is "
                    "rendered."
                )
            _stand(mesh, asset)
            mesh.name = f"metasim {asset.class_name} {asset.name}"  # from here on it is kept
        except ModelTooLarge as error:
            raise WorldError(
                f"The {asset.class_name} {asset.name!r} of {asset.file} {error}."
            ) from None
        except WorldError:
            raise
        except Exception as error:  # importers raise whatever the damage leads to
            raise WorldError(
                f"The {asset.class_name} {asset.name!r} cannot be read from {asset.file}: "
                f"{_last_line(error)}."
            ) from None
        finally:
            self._keep_only_looks(before)
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


def _last_line(error: Exception) -> str:
    """What Blender says of a file, without the traceback of its importer."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith("Location: ")]
    return lines[-1].removeprefix("Error: ").rstrip(".")[:300] if lines else type(error).__name__


def _everything() -> set:
    collections = (bpy.data.objects, bpy.data.meshes, bpy.data.materials, bpy.data.images,
                   bpy.data.collections, bpy.data.lights, bpy.data.cameras, bpy.data.armatures,
                   bpy.data.actions, bpy.data.node_groups, bpy.data.curves, bpy.data.scenes,
                   bpy.data.worlds, bpy.data.libraries, bpy.data.texts, bpy.data.metaballs,
                   bpy.data.fonts, bpy.data.lattices)  # fmt: skip
    return {item for collection in collections for item in collection}


def _alive(item: bpy.types.ID) -> bool:
    try:
        return bool(item.name)
    except ReferenceError:
        return False


def _check_extent(size: np.ndarray, asset: Asset) -> None:
    """Raises WorldError for a file without an extent in a direction that is measured by it."""
    where = f"The {asset.class_name} {asset.name!r} of {asset.file}"
    if not np.isfinite(size).all():
        raise WorldError(f"{where} has points at no finite place; mend the file.")
    scaled = STREET_CLASSES[asset.class_name].scaled
    if scaled in ("height", "box"):
        needed = {"high": size[2]} | ({"wide": size[1]} if scaled == "box" else {})
    else:
        needed = {"long": size[0]} if asset.length else {}
    for word, extent in needed.items():
        if extent < LEAST_SHARE * max(float(size.max()), 1e-9):
            raise WorldError(
                f"{where} is {extent:.3g} m {word} as it lies in the file, so it cannot be brought "
                "to the size that it should have; turn it with turn or up, or mend the file."
            )


def _check_width(size: np.ndarray, asset: Asset) -> None:
    """Raises WorldError when the file's width is another than the catalogue's by a third or more:
    it lies otherwise than the catalogue's writer thought."""
    if not asset.length or not asset.width:
        return
    width = float(size[1] * asset.length / size[0])
    if max(width / asset.width, asset.width / width) < MOST_OFF:
        return
    turned = float(size[0] * asset.length / size[1])
    hint = "turn (degrees that bring its front to +X) or up (the file's axis that is up)"
    if max(turned / asset.width, asset.width / turned) < MOST_OFF:
        hint = f"turn to {asset.turn + 90:g} or {asset.turn - 90:g}"
    raise WorldError(
        f"The {asset.class_name} {asset.name!r} of {asset.file}, made {asset.length:g} m long, is "
        f"{width:.2f} m wide, and the catalogue says {asset.width:g}; set {hint}, or the width."
    )


def _stand(mesh: bpy.types.Mesh, asset: Asset) -> None:
    """Front to +X, the centre of the base at the origin, the size that the catalogue says."""
    mesh.transform(mathutils.Matrix.Rotation(math.radians(asset.turn), 4, "Z"))
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    points = points.reshape(-1, 3)
    low, high = points.min(axis=0), points.max(axis=0)
    size = high - low
    _check_extent(size, asset)
    size = np.maximum(size, 1e-6)
    points -= ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2])
    scaled = STREET_CLASSES[asset.class_name].scaled
    if scaled == "height":
        points /= size[2]
    elif scaled == "box":
        points /= (1.0, size[1], size[2])
    elif asset.length:
        _check_width(size, asset)
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
