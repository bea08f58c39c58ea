"""Patterns of surfaces as shader nodes, fixed to the object.

Colour, strength and size of a pattern are sockets, so that one shader serves every surface of a
kind. Lengths are metres however an object is scaled. Only nodes and sockets are used that Blender
has under the same names from 3.4 on, hence no mix node: colours are mixed as vectors. What is
finer than a pixel would be noise in a one-sample picture, so fine parts fade into their mean
colour where the surface is far away, or seen from the side.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import bpy

from .shading import components, number, vector

_MORTAR = (0.36, 0.34, 0.31)
_BRICK_PIXELS = 7.0  # fewer, and the gap between two bricks is finer than a pixel

Socket: TypeAlias = bpy.types.NodeSocket


class Pattern(NamedTuple):
    """The sockets of a pattern.

    Attributes:
        colour: linear RGB.
        slope: by what the surface's normal leans; None for a flat one.
    """

    colour: Socket
    slope: Socket | None = None


class Seen:
    """How finely a surface is seen; makes nodes of a tree when first asked.

    Args:
        detail: the group that says how wide a pixel is.
    """

    def __init__(self, tree: bpy.types.NodeTree, detail: bpy.types.NodeTree) -> None:
        self._tree = tree
        self._detail = detail
        self._footprint: Socket | None = None

    def fade(self, size: Socket, pixels: float) -> Socket:
        """1 where a length spans many pixels, 0 where fewer than so many."""
        share = number(self._tree, "DIVIDE", self.footprint(), size)
        return number(self._tree, "MULTIPLY_ADD", share, -1.5 * pixels, 1.5, clamp=True)

    def footprint(self) -> Socket:
        """Metres of the surface that a pixel covers, the way it covers more."""
        if self._footprint is None:
            tree = self._tree
            geometry = tree.nodes.new("ShaderNodeNewGeometry").outputs
            cosine = vector(tree, "DOT_PRODUCT", geometry["Incoming"], geometry["Normal"])
            cosine = number(tree, "MAXIMUM", cosine, 0.03)
            distance = tree.nodes.new("ShaderNodeCameraData").outputs["View Distance"]
            fine = tree.nodes.new("ShaderNodeGroup")
            fine.node_tree = self._detail
            width = number(tree, "MULTIPLY", distance, fine.outputs["Pixel"])
            self._footprint = number(tree, "DIVIDE", width, cosine)
        return self._footprint


def patterned(
    tree: bpy.types.NodeTree,
    pattern: str,
    colour: Socket,
    grain: Socket,
    size: Socket,
    detail: bpy.types.NodeTree,
) -> Pattern:
    """A colour with a pattern, made of new nodes of the tree.

    Rough stuff leans this way and that, which the sun shows the more the lower it stands; an even
    sky does not.

    Args:
        pattern: one of :data:`.finishes.PATTERNS`.
        colour: linear RGB.
        grain: strength, 0 for an even colour.
        size: of blots, bricks, rows or tufts, metres.
        detail: the group that says how wide a pixel is.
    """
    make = {
        "mottled": _mottled,
        "brick": _brick,
        "tiles": _tiles,
        "planks": _planks,
        "cobbles": _cobbles,
        "asphalt": _asphalt,
        "lawn": _lawn,
    }[pattern]
    found = make(tree, colour, grain, size, Seen(tree, detail))
    return found if isinstance(found, Pattern) else Pattern(found)


def _mottled(tree, colour: Socket, grain: Socket, size: Socket, seen: Seen) -> Socket:
    noise = _noise(tree, _sized(tree, _metres(tree), size), 3.0)
    return vector(tree, "SCALE", colour, _tone(tree, _stretch(tree, noise, 0.32, 0.68), grain))


def _brick(tree, colour: Socket, grain: Socket, size: Socket, seen: Seen) -> Socket:
    # Courses of two thirds of their true number: true ones would be seen in no picture.
    mortar = _between(tree, colour, _MORTAR, 0.5)
    return _bricks(tree, _wall_plane(tree), size, (1.3, 0.45), 0.035, (colour, grain, mortar), seen)


def _planks(tree, colour: Socket, grain: Socket, size: Socket, seen: Seen) -> Socket:
    along, up = _wall_plane(tree)
    gap = vector(tree, "SCALE", colour, 0.35)
    return _bricks(tree, (up, along), size, (12.0, 1.0), 0.04, (colour, grain, gap), seen)


def _cobbles(tree, colour: Socket, grain: Socket, size: Socket, seen: Seen) -> Socket:
    axes = components(tree, _object(tree))
    gap = vector(tree, "SCALE", colour, 0.6)
    return _bricks(tree, (axes[0], axes[1]), size, (1.0, 1.0), 0.03, (colour, grain, gap), seen)


def _tiles(tree, colour: Socket, grain: Socket, size: Socket, seen: Seen) -> Socket:
    """Rows that darken towards their upper edge, and blots of several rows."""
    place = _sized(tree, _metres(tree), size)
    row = number(tree, "FRACT", components(tree, place)[2])
    fine = number(tree, "MULTIPLY", number(tree, "SUBTRACT", 0.5, row), seen.fade(size, 6.0))
    blots = _noise(tree, vector(tree, "SCALE", place, 1 / 3), 1.0)
    blots = number(tree, "SUBTRACT", blots, 0.5)
    strength = number(tree, "MULTIPLY", grain, 1.6)
    tone = number(tree, "MULTIPLY_ADD", number(tree, "ADD", fine, blots), strength, 1.0)
    return vector(tree, "SCALE", colour, tone)


def _asphalt(tree, colour: Socket, grain: Socket, size: Socket, seen: Seen) -> Pattern:
    """Patches drawn out along Y, blots across them, and dark cracks in the darker patches."""
    place = _sized(tree, _object(tree), size)
    stretched = vector(tree, "MULTIPLY", place, (1.0, 0.25, 1.0))
    patches = number(tree, "SUBTRACT", _noise(tree, stretched, 1.0, flat=True), 0.5)
    wander = _noise(tree, vector(tree, "SCALE", place, 1 / 0.7), 2.0, flat=True)
    wander = number(tree, "MULTIPLY", number(tree, "SUBTRACT", wander, 0.5), seen.fade(size, 4.0))
    # A crack runs where the noise passes its mean: a thin band of a known depth.
    away = number(tree, "ABSOLUTE", wander)
    crack = number(tree, "MULTIPLY_ADD", away, -1 / 0.006, 1.0, clamp=True)
    worn = number(tree, "MULTIPLY", patches, -8.0, clamp=True)
    crack = number(tree, "MULTIPLY", crack, number(tree, "MULTIPLY", worn, seen.fade(size, 120.0)))
    tone = number(tree, "MULTIPLY_ADD", patches, 2.8, wander)
    tone = number(tree, "MULTIPLY_ADD", crack, -1.5, tone)
    colour = vector(tree, "SCALE", colour, number(tree, "MULTIPLY_ADD", tone, grain, 1.0))
    return Pattern(colour, _slope(tree, patches, wander, 0.12))


def _lawn(tree, colour: Socket, grain: Socket, size: Socket, seen: Seen) -> Pattern:
    """Tufts, and places six times as large that are lush or dry."""
    place = _sized(tree, _object(tree), size)
    tufts = number(tree, "SUBTRACT", _noise(tree, place, 2.0, flat=True), 0.5)
    tufts = number(tree, "MULTIPLY", tufts, seen.fade(size, 5.0))
    wide = _noise(tree, vector(tree, "SCALE", place, 1 / 6), 1.0, flat=True)
    dryness = _stretch(tree, wide, 0.35, 0.68)
    half = number(tree, "MULTIPLY", grain, 0.55)
    dark = vector(tree, "SCALE", colour, number(tree, "SUBTRACT", 1.0, half))
    light = vector(tree, "SCALE", colour, number(tree, "ADD", 1.0, half))
    dry = vector(tree, "MULTIPLY", light, (1.35, 1.02, 1.15))
    mixed = vector(tree, "MULTIPLY_ADD", vector(tree, "SUBTRACT", dry, dark), dryness, dark)
    strength = number(tree, "MULTIPLY", grain, 2.0)
    colour = vector(tree, "SCALE", mixed, number(tree, "MULTIPLY_ADD", tufts, strength, 1.0))
    return Pattern(colour, _slope(tree, tufts, number(tree, "SUBTRACT", wide, 0.5), 0.6))


def _bricks(tree, plane, size: Socket, brick, gap: float, looks, seen: Seen) -> Socket:
    """Bricks (length, height) in a plane of two coordinates; lengths in units of the size.

    Args:
        looks: colour, strength and the colour of the mortar.
    """
    colour, grain, mortar = looks
    place = tree.nodes.new("ShaderNodeCombineXYZ")
    for i in range(2):
        tree.links.new(plane[i], place.inputs[i])
    node = tree.nodes.new("ShaderNodeTexBrick")
    tree.links.new(_sized(tree, place.outputs[0], size), node.inputs["Vector"])
    low = vector(tree, "SCALE", colour, number(tree, "SUBTRACT", 1.0, grain))
    high = vector(tree, "SCALE", colour, number(tree, "ADD", 1.0, grain))
    for name, value in (("Color1", low), ("Color2", high), ("Mortar", mortar)):
        tree.links.new(value, node.inputs[name])
    for name, value in (("Scale", 1.0), ("Mortar Size", gap), ("Mortar Smooth", 0.1),
                        ("Brick Width", brick[0]), ("Row Height", brick[1])):  # fmt: skip
        node.inputs[name].default_value = value
    share = 1 - (1 - 2 * gap / brick[0]) * (1 - 2 * gap / brick[1])
    mean = _between(tree, colour, mortar, share)
    offset = vector(tree, "SUBTRACT", node.outputs[0], mean)
    near = seen.fade(size, _BRICK_PIXELS / min(brick))
    return vector(tree, "MULTIPLY_ADD", offset, near, mean)


def _object(tree) -> Socket:
    """Position in the object's frame; metres where the object is not scaled."""
    return tree.nodes.new("ShaderNodeTexCoord").outputs["Object"]


def _metres(tree) -> Socket:
    """Position along the object's axes, metres, whatever its scale."""
    lengths = tree.nodes.new("ShaderNodeCombineXYZ")
    for i in range(3):
        axis = tree.nodes.new("ShaderNodeVectorTransform")
        axis.vector_type, axis.convert_from, axis.convert_to = "VECTOR", "OBJECT", "WORLD"
        axis.inputs[0].default_value = [float(i == j) for j in range(3)]
        length = tree.nodes.new("ShaderNodeVectorMath")
        length.operation = "LENGTH"
        tree.links.new(axis.outputs[0], length.inputs[0])
        tree.links.new(length.outputs["Value"], lengths.inputs[i])
    product = tree.nodes.new("ShaderNodeVectorMath")
    product.operation = "MULTIPLY"
    tree.links.new(_object(tree), product.inputs[0])
    tree.links.new(lengths.outputs[0], product.inputs[1])
    return product.outputs[0]


def _wall_plane(tree) -> tuple[Socket, Socket]:
    """Metres along an upright wall parallel to X or to Y, and up."""
    axes = components(tree, _metres(tree))
    return number(tree, "ADD", axes[0], axes[1]), axes[2]


def _sized(tree, place: Socket, size: Socket) -> Socket:
    """A place in units of the pattern's size."""
    return vector(tree, "SCALE", place, number(tree, "DIVIDE", 1.0, size))


def _noise(tree, place: Socket, detail: float, *, flat: bool = False) -> Socket:
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.noise_dimensions = "2D" if flat else "3D"
    noise.inputs["Scale"].default_value = 1.0
    noise.inputs["Detail"].default_value = detail
    tree.links.new(place, noise.inputs["Vector"])
    return noise.outputs[0]


def _slope(tree, along: Socket, across: Socket, strength: float) -> Socket:
    """A lean by two numbers about 0."""
    lean = tree.nodes.new("ShaderNodeCombineXYZ")
    tree.links.new(along, lean.inputs[0])
    tree.links.new(across, lean.inputs[1])
    return vector(tree, "SCALE", lean.outputs[0], strength)


def _stretch(tree, value: Socket, low: float, high: float) -> Socket:
    """0 up to low, 1 from high on, straight between."""
    scale = 1 / (high - low)
    return number(tree, "MULTIPLY_ADD", value, scale, -low * scale, clamp=True)


def _tone(tree, share: Socket, grain: Socket) -> Socket:
    """1 - grain at share 0, 1 + grain at share 1."""
    return number(tree, "MULTIPLY_ADD", number(tree, "MULTIPLY_ADD", share, 2.0, -1.0), grain, 1.0)


def _between(tree, first: Socket, second: Any, share: float) -> Socket:
    difference = vector(tree, "SUBTRACT", second, first)
    return vector(tree, "MULTIPLY_ADD", difference, (share,) * 3, first)
