"""The shader nodes of the light that needs no random ray: node groups that every material shares.

Two groups hold all that changes with weather and sun, so that a new light costs one change:
``metasim ambient`` turns a surface's colour into what sky and ground make of it (:mod:`.ambient`),
``metasim mirror`` the sky that it mirrors. With all constants 0 (path tracing) nothing is left of
them, since Cycles folds them away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import bpy
import numpy as np

from .ambient import GLOW_POWER, HORIZON_TO_ZENITH, Ambient, glow_shares
from .stage_parts import mark_group

AMBIENT, MIRROR, DETAIL = "metasim ambient", "metasim mirror", "metasim detail"
PIXEL = 0.0034  # radians: of a picture 414 pixels wide that takes in 80 degrees
WALL_FOOT, WALL_TOP = 0.02, 0.34  # heights (sine) between which mirrored walls give way to the sky
SMOOTHEST = 0.22  # roughness under which the sun's own mirror image would be finer than a pixel

_BLACK = (0.0, 0.0, 0.0)


class LightGroups:
    """The node groups; made once, and set for each light.

    Args:
        groups: those that there are, by name; what is missing is made.

    Attributes:
        groups: that of the ambient term, of the mirrored sky, and of the width of a pixel.
    """

    def __init__(self, groups: Mapping[str, bpy.types.NodeTree] = MappingProxyType({})) -> None:
        self.groups: tuple[bpy.types.NodeTree, ...] = tuple(
            groups.get(name) or build()
            for name, build in (
                (AMBIENT, _ambient_group),
                (MIRROR, _mirror_group),
                (DETAIL, _detail_group),
            )
        )
        if not groups:
            self.show(None)

    @property
    def ambient(self) -> bpy.types.NodeTree:
        """Colour, Normal, Open (x: to the sky, y: to the ground) -> Light."""
        return self.groups[0]

    @property
    def mirror(self) -> bpy.types.NodeTree:
        """Weight, Normal, Open -> Light, and the least roughness in which the sun is mirrored."""
        return self.groups[1]

    @property
    def detail(self) -> bpy.types.NodeTree:
        """-> Pixel: the width of a pixel, radians."""
        return self.groups[2]

    def show(self, light: Ambient | None) -> None:
        """Set the light; None leaves all light to Blender's own."""
        for group in (self.ambient, self.mirror):
            show_constants(group, light)

    def show_pixels(self, width: float) -> None:
        """Leave out what is finer than pixels of this width, radians; told apart by a fifth."""
        _set(self.detail, {"pixel": 2.0 ** (round(4 * math.log2(width)) / 4)})

    def clear(self) -> None:
        """Remove them from Blender."""
        bpy.data.batch_remove(list(self.groups))


def show_constants(tree: bpy.types.NodeTree, light: Ambient | None) -> None:
    """Set those constants of a light that a tree has."""
    _set(tree, _constants(light))


def _constants(light: Ambient | None) -> dict[str, Any]:
    if light is None:
        names = ("across", "along", "glow", "ground", "horizon", "zenith", "walls", "sun")
        return {**dict.fromkeys(names, _BLACK), "smoothest": 0.0}
    return {
        "across": light.across,
        "along": light.along,
        "glow": light.glow,
        "ground": light.ground,
        "horizon": light.horizon,
        "zenith": light.zenith,
        "walls": light.walls,
        "sun": light.to_sun,
        "smoothest": SMOOTHEST,
    }


def _set(tree: bpy.types.NodeTree, values: Mapping[str, Any]) -> None:
    """Set constants where they differ: doing so tags every material.

    Set all at once, since with each single one Blender looks through all trees (1 ms).
    """
    changed = False
    for name, value in values.items():
        node = tree.nodes.get(name)
        if node is None:
            continue
        sockets = node.outputs if isinstance(value, float) else node.inputs
        wanted = np.atleast_1d(np.asarray(value, np.float32))
        before = np.empty_like(wanted)
        sockets.foreach_get("default_value", before)
        if not np.array_equal(before, wanted):
            sockets.foreach_set("default_value", wanted)
            changed = True
    if changed:
        tree.update_tag()


def constant(tree: bpy.types.NodeTree, name: str) -> bpy.types.NodeSocket:
    """A named vector that :meth:`LightGroups.show` sets."""
    node = tree.nodes.new("ShaderNodeCombineXYZ")
    node.name = name
    return node.outputs[0]


def vector(tree: bpy.types.NodeTree, operation: str, *values: Any) -> bpy.types.NodeSocket:
    """A vector (of ``DOT_PRODUCT`` a number) from vectors, numbers and sockets."""
    node = tree.nodes.new("ShaderNodeVectorMath")
    node.operation = operation
    sockets = [node.inputs[0], node.inputs["Scale"]] if operation == "SCALE" else node.inputs
    for socket, value in zip(sockets, values, strict=False):
        if isinstance(value, bpy.types.NodeSocket):
            tree.links.new(value, socket)
        else:
            socket.default_value = value
    return node.outputs["Value" if operation == "DOT_PRODUCT" else "Vector"]


def number(
    tree: bpy.types.NodeTree, operation: str, *values: Any, clamp: bool = False
) -> bpy.types.NodeSocket:
    """A number from numbers and sockets."""
    node = tree.nodes.new("ShaderNodeMath")
    node.operation, node.use_clamp = operation, clamp
    for socket, value in zip(node.inputs, values, strict=False):
        if isinstance(value, bpy.types.NodeSocket):
            tree.links.new(value, socket)
        else:
            socket.default_value = value
    return node.outputs[0]


def components(tree: bpy.types.NodeTree, value: bpy.types.NodeSocket) -> Any:
    """The three numbers of a vector."""
    node = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(value, node.inputs[0])
    return node.outputs


def gradient(
    tree: bpy.types.NodeTree, height: bpy.types.NodeSocket, horizon: Any, zenith: Any
) -> bpy.types.NodeSocket:
    """The sky's colour at a height (sine of the elevation), without the glow."""
    share = number(tree, "DIVIDE", height, HORIZON_TO_ZENITH, clamp=True)
    rise = vector(tree, "SUBTRACT", zenith, horizon)
    return vector(tree, "MULTIPLY_ADD", rise, share, horizon)


def glow(
    tree: bpy.types.NodeTree, direction: bpy.types.NodeSocket, to_sun: Any
) -> bpy.types.NodeSocket:
    """((1 + cos) / 2) ** GLOW_POWER of a unit direction."""
    cosine = vector(tree, "DOT_PRODUCT", direction, to_sun)
    half = number(tree, "MULTIPLY_ADD", cosine, 0.5, 0.5, clamp=True)
    return number(tree, "POWER", half, GLOW_POWER)


def _ambient_group() -> bpy.types.NodeTree:
    """Colour, Normal, Open (x: to the sky, y: to the ground) -> Light."""
    tree, given, result = _group(
        AMBIENT,
        (("Color", "NodeSocketColor"), ("Normal", "NodeSocketVector"),
         ("Open", "NodeSocketVector")),
        (("Light", "NodeSocketColor"),),
    )  # fmt: skip
    normal = given["Normal"]
    up = components(tree, normal)[2]
    open_above, open_below, _ = components(tree, given["Open"])
    half = number(tree, "MULTIPLY_ADD", up, 0.5, 0.5)
    sky = vector(tree, "MULTIPLY_ADD", constant(tree, "along"), up, constant(tree, "across"))
    sky = vector(tree, "SCALE", sky, half)
    level, tilt = glow_shares()
    cosine = vector(tree, "DOT_PRODUCT", normal, constant(tree, "sun"))
    round_sun = number(tree, "MAXIMUM", number(tree, "MULTIPLY_ADD", cosine, tilt, level), 0.0)
    sky = vector(tree, "MULTIPLY_ADD", constant(tree, "glow"), round_sun, sky)
    sky = vector(tree, "SCALE", sky, open_above)
    below = number(tree, "MULTIPLY", number(tree, "SUBTRACT", 1.0, half), open_below)
    light = vector(tree, "MULTIPLY_ADD", constant(tree, "ground"), below, sky)
    tree.links.new(vector(tree, "MULTIPLY", light, given["Color"]), result["Light"])
    return tree


def _mirror_group() -> bpy.types.NodeTree:
    """Weight, Normal, Open -> Light (the sky in the mirrored direction by Fresnel's weight) and
    Smoothest, the least roughness in which the sun is mirrored."""
    tree, given, result = _group(
        MIRROR,
        (("Weight", "NodeSocketFloat"), ("Normal", "NodeSocketVector"),
         ("Open", "NodeSocketVector")),
        (("Light", "NodeSocketColor"), ("Smoothest", "NodeSocketFloat")),
    )  # fmt: skip
    normal = given["Normal"]
    incoming = tree.nodes.new("ShaderNodeNewGeometry").outputs["Incoming"]
    mirrored = vector(tree, "REFLECT", vector(tree, "SCALE", incoming, -1.0), normal)
    height = components(tree, mirrored)[2]
    sky = gradient(tree, height, constant(tree, "horizon"), constant(tree, "zenith"))
    round_sun = glow(tree, mirrored, constant(tree, "sun"))
    sky = vector(tree, "MULTIPLY_ADD", constant(tree, "glow"), round_sun, sky)
    over = number(tree, "SUBTRACT", height, WALL_FOOT)
    over = number(tree, "DIVIDE", over, WALL_TOP - WALL_FOOT, clamp=True)
    walls = constant(tree, "walls")
    seen = vector(tree, "MULTIPLY_ADD", vector(tree, "SUBTRACT", sky, walls), over, walls)
    under = number(tree, "MULTIPLY", height, -12.0, clamp=True)
    ground = constant(tree, "ground")
    seen = vector(tree, "MULTIPLY_ADD", vector(tree, "SUBTRACT", ground, seen), under, seen)
    fresnel = tree.nodes.new("ShaderNodeFresnel")
    fresnel.inputs["IOR"].default_value = 1.5
    tree.links.new(normal, fresnel.inputs["Normal"])
    weight = number(tree, "MULTIPLY", fresnel.outputs[0], given["Weight"])
    weight = number(tree, "MULTIPLY", weight, components(tree, given["Open"])[0])
    tree.links.new(vector(tree, "SCALE", seen, weight), result["Light"])
    smoothest = tree.nodes.new("ShaderNodeValue")
    smoothest.name = "smoothest"
    tree.links.new(smoothest.outputs[0], result["Smoothest"])
    return tree


def _detail_group() -> bpy.types.NodeTree:
    """-> Pixel: the width of a pixel, radians."""
    tree, _, result = _group(DETAIL, (), (("Pixel", "NodeSocketFloat"),))
    pixel = tree.nodes.new("ShaderNodeValue")
    pixel.name = "pixel"
    pixel.outputs[0].default_value = PIXEL
    tree.links.new(pixel.outputs[0], result["Pixel"])
    return tree


def _group(name: str, inputs: Any, outputs: Any) -> tuple[bpy.types.NodeTree, Any, Any]:
    """A new group with its sockets: what is given, and where the results go."""
    tree = bpy.data.node_groups.new(name, "ShaderNodeTree")
    mark_group(tree, name)
    for way, sockets in (("INPUT", inputs), ("OUTPUT", outputs)):
        for label, kind in sockets:
            if hasattr(tree, "interface"):  # from Blender 4.0 on
                tree.interface.new_socket(label, in_out=way, socket_type=kind)
            else:
                (tree.inputs if way == "INPUT" else tree.outputs).new(kind, label)
    given = tree.nodes.new("NodeGroupInput").outputs
    result = tree.nodes.new("NodeGroupOutput").inputs
    return tree, given, result
