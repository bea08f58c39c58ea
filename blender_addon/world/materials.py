"""Blender materials, one for each kind of stuff; what differs within a kind stands in the mesh.

A mesh carries colour, roughness and pattern as attributes, and an object its paint as its own
colour, so that a street of a hundred surfaces takes a dozen shaders, and none is touched when
paint or weather changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import bpy
import numpy as np

from ..contract.attribute_reading import WorldError
from . import barriers, buildings, cyclists, furniture, people, poles, vegetation, vehicles
from .contact import CONTACT
from .face_attributes import COLOUR, LARGEST_GRAIN, OPEN
from .finishes import FINISHES, PAINT_ROUGHNESS, PAINTS, WALLS, Finish
from .node_trees import new_tree
from .patterns import patterned
from .shading import LightGroups, components, number, vector
from .shapes import COLOUR as WORN
from .stage_parts import mark_material

# Whose ``SURFACES`` only their own shapes show.
_ROOMS = (vehicles, people, cyclists, poles, furniture, vegetation, barriers, buildings)

ROUGHEST_MIRROR = 0.45  # a surface that is rougher mirrors nothing that could be told


@dataclass(frozen=True)
class Kind:
    """What decides a shader.

    Attributes:
        pattern: of a finish, or "" for an even colour.
        glossy: whether there is a mirror-like part.
        worn: whether the colour, and the grain, are the object's own.
    """

    pattern: str = ""
    glossy: bool = False
    worn: bool = False

    @property
    def name(self) -> str:
        words = ("worn" if self.worn else "", self.pattern, "glossy" if self.glossy else "")
        return " ".join(word for word in words if word) or "even"


class Materials:
    """Makes materials when first asked for and keeps them.

    Args:
        solid_view: give every surface and every paint a material of its own that looks the same
            in a render, so that Blender's solid view shows it in its colour.
        groups: the light's node groups that there are, by name.
        made: materials that there are, by wearer and name.
    """

    def __init__(
        self,
        solid_view: bool = False,
        groups: Mapping[str, bpy.types.NodeTree] = MappingProxyType({}),
        made: Mapping[tuple[str, str], bpy.types.Material] = MappingProxyType({}),
    ) -> None:
        self.solid_view = solid_view
        self.light = LightGroups(groups)
        self._made: dict[tuple[str, str], bpy.types.Material] = dict(made)
        self._brightness = 1.0

    def surface(self, name: str) -> bpy.types.Material:
        """The material of a part that looks alike on every object."""
        if name == CONTACT:
            return self._kept(("contact", ""), lambda: _build_contact("metasim contact"))
        return self._of("surface", name)

    def worn(self, wearer: str, name: str = "") -> bpy.types.Material:
        """The material of faces that show the object's colour.

        Args:
            wearer: "paint", "cloth" or "wall".
            name: of the colour; for a wall it decides the pattern.

        Raises:
            WorldError: for a name that there is not.
        """
        return self._of(wearer, name)

    def brighten(self, brightness: float) -> None:
        """Have solid view and Workbench show every colour so many times as bright."""
        self._brightness = brightness
        for (wearer, name), material in self._made.items():
            if name:
                _show_solid(material, finish_of(wearer, name), brightness)

    def clear(self) -> None:
        """Remove them all from Blender."""
        bpy.data.batch_remove(list(self._made.values()))
        self._made.clear()
        self.light.clear()

    def _of(self, wearer: str, name: str) -> bpy.types.Material:
        finish = finish_of(wearer, name)
        kind = kind_of(finish, worn=wearer != "surface")
        plain = self._kept(
            (kind.name, ""), lambda: _build(f"metasim {kind.name}", kind, self.light)
        )
        if not self.solid_view:
            return plain

        def copied() -> bpy.types.Material:
            material = plain.copy()
            material.name = f"metasim {wearer} {name}"
            _show_solid(material, finish, self._brightness)
            return material

        return self._kept((wearer, name), copied)

    def _kept(self, key: tuple[str, str], make) -> bpy.types.Material:
        material = self._made.get(key)
        if material is None:
            material = self._made[key] = make()
            mark_material(material, *key)
        return material


def _show_solid(material: bpy.types.Material, finish: Finish, brightness: float) -> None:
    """Set what solid view and Workbench show, where it differs."""
    colour = np.array([*(min(brightness * c, 1.0) for c in finish.colour), 1.0], np.float32)
    if not np.array_equal(np.array(material.diffuse_color, np.float32), colour):
        material.diffuse_color = colour


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


def kind_of(finish: Finish, *, worn: bool = False) -> Kind:
    """The kind of stuff that a finish is of."""
    return Kind(finish.pattern if finish.grain else "", finish.roughness is not None, worn)


def object_colour(wearer: str, name: str) -> tuple[float, float, float, float]:
    """An object's own colour and, in place of alpha, the strength of its pattern."""
    finish = finish_of(wearer, name)
    return (*finish.colour, finish.grain)


def face_finish(slot: str, worn: tuple[str, str]) -> Finish:
    """The finish of a shape's faces.

    Args:
        slot: their surface.
        worn: what those of the surface ``COLOUR`` wear: a wearer, and a colour of its pattern.
    """
    if slot == CONTACT:
        return Finish((0.0, 0.0, 0.0))
    return finish_of(*worn) if slot == WORN else finish_of("surface", slot)


def _build(name: str, kind: Kind, light: LightGroups) -> bpy.types.Material:
    material, tree = new_material(name)
    stuff = _attribute(tree, OPEN)
    looks: Any = _attribute(tree, COLOUR) if kind.pattern or not kind.worn else None
    if kind.worn:
        body = tree.nodes.new("ShaderNodeObjectInfo").outputs
        colour, grain = body["Color"], body["Alpha"]
    else:
        colour, grain = looks["Vector"], stuff["Alpha"]
    slope = None
    if kind.pattern:
        size = number(tree, "MULTIPLY", looks["Alpha"], looks["Alpha"])
        size = number(tree, "MULTIPLY", size, LARGEST_GRAIN)
        colour, slope = patterned(tree, kind.pattern, colour, grain, size, light.detail)
    normal = tree.nodes.new("ShaderNodeNewGeometry").outputs["Normal"]
    open_to = stuff["Vector"]
    glows = [ambient_light(tree, light, colour, normal, open_to)]
    if kind.glossy:
        roughness = components(tree, open_to)[2]
        mirror = mirrored_sky(tree, light, roughness, normal, open_to)
        glows.append(mirror.outputs["Light"])
        shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
        roughness = number(tree, "MAXIMUM", roughness, mirror.outputs["Smoothest"])
        tree.links.new(roughness, shader.inputs["Roughness"])
        tree.links.new(colour, shader.inputs["Base Color"])
        for socket in ("Specular IOR Level", "Specular"):  # from Blender 4.0 on, and before
            if socket in shader.inputs:
                shader.inputs[socket].default_value = 0.3
    else:
        shader = tree.nodes.new("ShaderNodeBsdfDiffuse")
        tree.links.new(colour, shader.inputs["Color"])
    if slope is not None:
        leaning = vector(tree, "NORMALIZE", vector(tree, "ADD", normal, slope))
        tree.links.new(leaning, shader.inputs["Normal"])
    finish_with(tree, shader.outputs[0], glows)
    return material


def _build_contact(name: str) -> bpy.types.Material:
    """Lets light through in part, by the mesh's attribute ``OPEN``; all of it to shadow rays."""
    material, tree = new_material(name)
    left = components(tree, _attribute(tree, OPEN)["Vector"])[0]
    path = tree.nodes.new("ShaderNodeLightPath")
    left = number(tree, "MAXIMUM", left, path.outputs["Is Shadow Ray"])
    clear = tree.nodes.new("ShaderNodeBsdfTransparent")
    tree.links.new(left, clear.inputs["Color"])
    finish_with(tree, clear.outputs[0], [])
    material.diffuse_color = (0.0, 0.0, 0.0, 0.0)
    if hasattr(material, "surface_render_method"):  # EEVEE from Blender 4.2 on
        material.surface_render_method = "BLENDED"
    elif hasattr(material, "blend_method"):
        material.blend_method, material.shadow_method = "BLEND", "NONE"
    return material


def new_material(name: str) -> tuple[bpy.types.Material, bpy.types.NodeTree]:
    """An empty material that is no lamp, however bright its ambient term."""
    material = bpy.data.materials.new(name)
    tree = new_tree(material)
    be_no_lamp(material)
    return material, tree


def be_no_lamp(material: bpy.types.Material) -> None:
    """Keep Cycles from sampling a material's emission as light."""
    settings: Any = getattr(material, "cycles", None)
    if hasattr(settings, "emission_sampling"):  # from Blender 3.5 on
        settings.emission_sampling = "NONE"
    elif hasattr(settings, "sample_as_light"):
        settings.sample_as_light = False


def ambient_light(tree, light: LightGroups, colour, normal, open_to) -> bpy.types.NodeSocket:
    """What sky and ground make of a colour: a node of the shared group."""
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = light.ambient
    for socket, value in (("Color", colour), ("Normal", normal), ("Open", open_to)):
        tree.links.new(value, node.inputs[socket])
    return node.outputs["Light"]


def mirrored_sky(tree, light: LightGroups, roughness, normal, open_to) -> bpy.types.Node:
    """The sky that a surface mirrors, the less the rougher it is: a node of the shared group."""
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = light.mirror
    weight = number(tree, "MULTIPLY_ADD", roughness, -1 / ROUGHEST_MIRROR, 1.0, clamp=True)
    for socket, value in (("Weight", weight), ("Normal", normal), ("Open", open_to)):
        tree.links.new(value, node.inputs[socket])
    return node


def finish_with(tree, shader: bpy.types.NodeSocket, glows: list[bpy.types.NodeSocket]) -> None:
    """Join the shader and, for Cycles only, what the surface sends out of the ambient light.

    EEVEE has the sky's light by itself.
    """
    for target in ("CYCLES", "EEVEE"):
        output = tree.nodes.new("ShaderNodeOutputMaterial")
        output.target = target
        surface = shader
        if target == "CYCLES":
            for glow in glows:
                surface = with_glow(tree, surface, glow)
        tree.links.new(surface, output.inputs["Surface"])


def with_glow(tree, shader: bpy.types.NodeSocket, glow: bpy.types.NodeSocket) -> Any:
    """A shader that sends out a light as well."""
    emission = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(glow, emission.inputs["Color"])
    both = tree.nodes.new("ShaderNodeAddShader")
    tree.links.new(shader, both.inputs[0])
    tree.links.new(emission.outputs[0], both.inputs[1])
    return both.outputs[0]


def _attribute(tree, name: str) -> Any:
    """What the mesh carries under a name: Vector and Alpha."""
    node = tree.nodes.new("ShaderNodeAttribute")
    node.attribute_name = name
    return node.outputs
