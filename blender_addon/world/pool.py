"""The pool of objects: what leaves the street is parked, and nothing is hidden or built anew.

Hiding an object, or giving it another mesh, makes Blender build the relations of the whole scene
anew, and Cycles take geometry out and build the trees of all that comes after it: 60 to 100 ms.
Moving one costs next to nothing. So an object keeps its mesh for ever, and waits for its next use
far below the ground, shrunk to a point, which no ray can meet. Its twin (capture/instances.py)
keeps its mesh an instance.

Of the shapes whose size is a part of their key (houses, hedges) there are hundreds, a few in each
street. Only so many meshes show them; the one that has not been used for longest is written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import bpy

from .mesh_arrays import MeshArrays
from .meshes import Meshes, SharedMesh
from .models import ShapeKey
from .stage_parts import mark_shape

PLACE = (0.0, 0.0, -900.0)
# A mesh that nobody shows costs a render 0.04 ms (its object and its twin are compared with what
# Cycles has of them), and a new street 0.1 ms a thousand triangles (when the road changes, Cycles
# copies all meshes); one that is written anew costs 8 ms. 32 are where the sum is least.
MOST_SIZED = 32


@dataclass(eq=False)
class Stock:
    """A mesh in Blender and the objects that show it.

    Attributes:
        mesh: the bpy mesh.
        look: the material of its first slot, by name; "" for a mesh that is never written anew.
        parked: objects that wait for their next use.
        used: how many stand in the street.
    """

    mesh: bpy.types.Mesh
    look: str = ""
    parked: list[bpy.types.Object] = field(default_factory=list)
    used: int = 0


class Pool:
    """Lends objects by shape.

    Args:
        collection: for the objects.
        meshes: makes the meshes.
        fit: called with each new object.
        most_sized: how many meshes show shapes whose size is a part of their key, as long as no
            street needs more at once.
    """

    def __init__(
        self,
        collection: bpy.types.Collection,
        meshes: Meshes,
        fit: Callable[[bpy.types.Object], None],
        most_sized: int = MOST_SIZED,
    ) -> None:
        self._collection = collection
        self._meshes = meshes
        self._fit = fit
        self._most_sized = most_sized
        self._stocks: dict[ShapeKey, Stock] = {}  # in the order of their last use
        self._shapes: dict[ShapeKey, SharedMesh] = {}  # of sized shapes
        self._arrays: dict[ShapeKey, MeshArrays] = {}

    def shape(self, key: ShapeKey) -> SharedMesh:
        """The geometry of a shape; its mesh is the one that shows it now, if any does."""
        if not _is_sized(key):
            return self._meshes.get(key)
        if key not in self._shapes and key in self._stocks:
            self._shapes[key] = self._meshes.describe(key, self._stocks[key].mesh)
        if key not in self._shapes:
            self._build(key)
        return self._shapes[key]

    def take(self, key: ShapeKey) -> bpy.types.Object:
        """An object of that shape, to be placed: a parked one, else a new one."""
        stock = self._stocks.pop(key, None) or self._stock(key)
        self._stocks[key] = stock
        stock.used += 1
        if stock.parked:
            return stock.parked.pop()
        body = bpy.data.objects.new(f"metasim {key[0]}", stock.mesh)
        self._collection.objects.link(body)
        self._fit(body)
        return body

    def park(self, body: bpy.types.Object, key: ShapeKey) -> None:
        """Take back an object of that shape."""
        stock = self._stocks[key]
        stock.used -= 1
        stock.parked.append(body)
        _tidy(body, stock.mesh)
        _park(body)

    def parked(self) -> Iterator[bpy.types.Object]:
        """All that wait for their next use."""
        for stock in self._stocks.values():
            yield from stock.parked

    def discard_parked(self) -> None:
        """Remove from Blender what is parked; the meshes stay."""
        parked = list(self.parked())
        if not parked:
            return
        for stock in self._stocks.values():
            stock.parked.clear()
        bpy.data.batch_remove(parked)

    def clear(self) -> None:
        """Remove from Blender what is parked, and the meshes that this made."""
        bpy.data.batch_remove(list(self.parked()))
        bpy.data.batch_remove([stock.mesh for stock in self._stocks.values() if stock.look])
        self._stocks.clear()
        self._shapes.clear()
        self._arrays.clear()

    def resume(self, meshes: Mapping[ShapeKey, bpy.types.Mesh]) -> None:
        """Go on with meshes that there are, by their shapes, before anything is lent."""
        for key, mesh in meshes.items():
            if not _is_sized(key):
                self._meshes.adopt(key, mesh)
                self._stocks[key] = Stock(mesh)
            else:
                look = mesh.materials[0].name if mesh.materials and mesh.materials[0] else ""
                self._stocks[key] = Stock(mesh, look)

    def reclaim(self, key: ShapeKey) -> None:
        """Count an object of that shape that stands in the street already."""
        self._stocks[key].used += 1

    def _stock(self, key: ShapeKey) -> Stock:
        """The stock of a shape that no mesh shows."""
        if not _is_sized(key):
            return Stock(self._meshes.get(key).mesh)
        arrays = self._arrays.get(key) or self._build(key)
        if not arrays.fits:
            return Stock(self._meshes.get(key).mesh)
        sized = [(old, stock) for old, stock in self._stocks.items() if stock.look]
        if len(sized) >= self._most_sized:
            for old, stock in sized:
                if not stock.used and stock.look == arrays.look:
                    del self._stocks[old]
                    arrays.write(stock.mesh)
                    mark_shape(stock.mesh, key)
                    return stock
        mesh = bpy.data.meshes.new(f"metasim {key[0]}")
        arrays.write(mesh)
        mark_shape(mesh, key)
        return Stock(mesh, arrays.look)

    def _build(self, key: ShapeKey) -> MeshArrays:
        shared = self._meshes.build(key)
        arrays = self._arrays[key] = MeshArrays.of(shared.mesh)
        self._shapes[key] = replace(shared, mesh=None)
        bpy.data.meshes.remove(shared.mesh)
        return arrays


def _is_sized(key: ShapeKey) -> bool:
    return len(key) > 2


def _tidy(body: bpy.types.Object, mesh: bpy.types.Mesh) -> None:
    """Take from an object what a user has given it: it will show another node."""
    if body.data != mesh:
        body.data = mesh
    if body.modifiers:
        body.modifiers.clear()
    if body.constraints:
        body.constraints.clear()


def _park(body: bpy.types.Object) -> None:
    body.location, body.scale = PLACE, (0.0, 0.0, 0.0)
