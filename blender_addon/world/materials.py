"""Blender materials by surface name, each made once and shared by everything that shows it."""

from __future__ import annotations

import bpy

from .attributes import WorldError
from .finishes import FINISHES, PAINTS, WALLS, Finish


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
            material = _build(f"metasim {wearer} {name}", _finish(wearer, name))
            self._made[wearer, name] = material
        return material

    def clear(self) -> None:
        """Remove them all from Blender."""
        bpy.data.batch_remove(list(self._made.values()))
        self._made.clear()


def _finish(wearer: str, name: str) -> Finish:
    if wearer == "paint" and name in PAINTS:
        return Finish(PAINTS[name], 0.25)
    if wearer == "cloth" and name in PAINTS:
        return Finish(PAINTS[name])
    known = WALLS if wearer == "wall" else FINISHES
    if wearer not in ("wall", "surface") or name not in known:
        raise WorldError(f"There is no {wearer} called {name!r}; use {', '.join(known)}.")
    return known[name]


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
        tree.links.new(_grain(tree, finish), colour)
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    return material


def _grain(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    """A mottled version of the colour, fixed to the object."""
    place = tree.nodes.new("ShaderNodeTexCoord")
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 1.0 / finish.grain_size
    noise.inputs["Detail"].default_value = 3.0
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    low, high = ramp.color_ramp.elements
    low.position, high.position = 0.32, 0.68
    low.color = (*(c * (1 - finish.grain) for c in finish.colour), 1.0)
    high.color = (*(min(c * (1 + finish.grain), 1.0) for c in finish.colour), 1.0)
    tree.links.new(place.outputs["Object"], noise.inputs["Vector"])
    tree.links.new(noise.outputs[0], ramp.inputs[0])
    return ramp.outputs[0]
