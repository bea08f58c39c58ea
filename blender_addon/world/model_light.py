"""Users' models in the street's light: their own materials get the ambient term too."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .face_attributes import OPEN, write_attributes
from .finishes import Finish
from .materials import ambient_light, be_no_lamp, mirrored_sky, with_glow
from .node_trees import shown_tree
from .occlusion import Surroundings, face_frames, open_side
from .shading import LightGroups, number

OPAQUE_FROM = 0.5  # a surface is there, or not: mixing both would be a random choice for each ray
_LIT = "metasim_lit"


def write_openness(
    mesh: bpy.types.Mesh, vertices: np.ndarray, triangles: np.ndarray, finish: Finish
) -> None:
    """Openness of all corners; and the finish that faces of the object's colour have."""
    count = len(mesh.polygons)
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    counts = np.empty(count, np.int32)
    mesh.polygons.foreach_get("loop_total", counts)
    points = vertices.astype(np.float64)
    normals, centres = face_frames(points, corners, counts)
    owner = np.repeat(np.arange(count), counts)
    around = Surroundings(points, triangles)
    sheet = np.zeros(len(corners), bool)
    openness = open_side(around, points[corners], normals[owner], centres, counts, sheet)
    write_attributes(mesh, [finish], np.zeros(count, np.int64), openness)


def light_material(material: bpy.types.Material, light: LightGroups) -> None:
    """Add what sky and ground make of a material's colour, in place; only once.

    Each shader that has a colour sends out its share of the ambient light, with its own normal
    map. Transparency is there or not, from half on.
    """
    tree = shown_tree(material)
    if tree is None or material.get(_LIT):
        return
    material[_LIT] = True
    be_no_lamp(material)
    for node in list(tree.nodes):
        colour = node.inputs.get("Base Color") or (
            node.inputs.get("Color") if node.bl_idname.startswith("ShaderNodeBsdf") else None
        )
        if colour is None or node.bl_idname == "ShaderNodeBsdfTransparent":
            continue
        _light_shader(tree, node, colour, light)


def _light_shader(tree: Any, shader: Any, colour: Any, light: LightGroups) -> None:
    consumers = [link.to_socket for link in shader.outputs[0].links]
    normal = _value(tree, shader.inputs.get("Normal"))
    if normal is None:
        normal = tree.nodes.new("ShaderNodeNewGeometry").outputs["Normal"]
    attribute = tree.nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = OPEN
    base = _value(tree, colour)
    if base is None:
        base = tree.nodes.new("ShaderNodeRGB").outputs[0]
        base.default_value = colour.default_value
    open_to = attribute.outputs["Vector"]
    glows = [ambient_light(tree, light, base, normal, open_to)]
    roughness = shader.inputs.get("Roughness")
    if shader.bl_idname == "ShaderNodeBsdfPrincipled":
        rough = _value(tree, roughness) or roughness.default_value
        glows.append(mirrored_sky(tree, light, rough, normal, open_to).outputs["Light"])
    result = shader.outputs[0]
    for glow in glows:
        result = with_glow(tree, result, glow)
    alpha = shader.inputs.get("Alpha")
    if alpha is not None and alpha.is_linked:
        source = alpha.links[0].from_socket
        tree.links.remove(alpha.links[0])
        alpha.default_value = 1.0
        result = _cut_out(tree, source, result)
    for socket in consumers:
        tree.links.new(result, socket)


def _cut_out(tree: Any, alpha: Any, shader: Any) -> Any:
    """The shader where alpha is at least OPAQUE_FROM, and nothing elsewhere."""
    there = number(tree, "GREATER_THAN", alpha, OPAQUE_FROM)
    clear = tree.nodes.new("ShaderNodeBsdfTransparent")
    mixed = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(there, mixed.inputs["Fac"])
    tree.links.new(clear.outputs[0], mixed.inputs[1])
    tree.links.new(shader, mixed.inputs[2])
    return mixed.outputs[0]


def _value(tree: Any, socket: Any) -> Any:
    """What a socket is linked to, or None."""
    return socket.links[0].from_socket if socket is not None and socket.is_linked else None
