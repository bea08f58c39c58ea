"""Blender materials by surface name, each made once and shared by everything that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import bpy

from ..contract.attributes import WorldError
from . import barriers, buildings, cyclists, furniture, people, poles, vegetation, vehicles
from .finishes import FINISHES, PAINT_ROUGHNESS, PAINTS, WALLS, Finish
from .patterns import pattern_colour

# Whose ``SURFACES`` only their own shapes show.
_ROOMS = (vehicles, people, cyclists, poles, furniture, vegetation, barriers, buildings)


class Materials:
    """Makes materials when first asked for and keeps them.

    Names are ``("surface", name)``, ``("paint", colour)``, ``("cloth", colour)`` and
    ``("wall", colour)``.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], bpy.types.Material] = {}

    def surface(self, name: str) -> bpy.types.Material:
        """The material of a part that looks alike on every object."""
        return self.get("surface", name)

    def get(self, wearer: str, name: str) -> bpy.types.Material:
        """Raises WorldError for a name that has no material."""
        material = self._made.get((wearer, name))
        if material is None:
            material = _build(f"metasim {wearer} {name}", finish_of(wearer, name))
            self._made[wearer, name] = material
        return material

    def clear(self) -> None:
        """Remove them all from Blender."""
        bpy.data.batch_remove(list(self._made.values()))
        self._made.clear()


@cache
def surfaces() -> Mapping[str, Finish]:
    """The finishes of all surfaces: the shared ones and every room's own."""
    tables: dict[str, Mapping[str, Finish]] = {"finishes": FINISHES}
    tables |= {room.__name__.rpartition(".")[2]: room.SURFACES for room in _ROOMS}
    return merged(tables)


def merged(tables: Mapping[str, Mapping[str, Finish]]) -> dict[str, Finish]:
    """One table of several.

    Raises:
        ValueError: when two tables give one name to different finishes.
    """
    everything: dict[str, Finish] = {}
    owner: dict[str, str] = {}
    for table, finishes in tables.items():
        for name, finish in finishes.items():
            if everything.setdefault(name, finish) is not finish:
                raise ValueError(
                    f"The surface {name!r} is in the tables of {owner[name]} and of {table}; "
                    "rename one."
                )
            owner.setdefault(name, table)
    return everything


def finish_of(wearer: str, name: str) -> Finish:
    """The finish behind a material's name.

    Raises:
        WorldError: when there is none.
    """
    known: Mapping[str, object]
    if wearer == "paint" and name in PAINTS:
        return Finish(PAINTS[name], PAINT_ROUGHNESS)
    if wearer == "cloth" and name in PAINTS:
        return Finish(PAINTS[name])
    if wearer == "wall" and name in WALLS:
        return WALLS[name]
    if wearer == "surface" and name in surfaces():
        return surfaces()[name]
    known = {"wall": WALLS, "surface": surfaces()}.get(wearer, PAINTS)
    raise WorldError(f"There is no {wearer} called {name!r}; use {', '.join(known)}.")


def _build(name: str, finish: Finish) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*finish.colour, 1.0)  # what Workbench shows
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    if finish.roughness is None:
        shader = tree.nodes.new("ShaderNodeBsdfDiffuse")
        colour = shader.inputs["Color"]
    else:
        shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
        colour = shader.inputs["Base Color"]
        shader.inputs["Roughness"].default_value = finish.roughness
        for socket in ("Specular IOR Level", "Specular"):  # from Blender 4.0 on, and before
            if socket in shader.inputs:
                shader.inputs[socket].default_value = 0.3
    colour.default_value = (*finish.colour, 1.0)
    if finish.grain:
        tree.links.new(pattern_colour(tree, finish), colour)
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    return material
