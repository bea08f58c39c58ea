"""Patterns of surfaces as shader nodes, fixed to the object.

Lengths are metres however an object is scaled. Only nodes and sockets are used that Blender has
under the same names from 3.4 to 5.0, hence no mix node: colours are mixed as vectors. What is
finer than a pixel would be noise in a one-sample picture, so fine parts fade with the distance
from the camera into their mean colour.
"""

from __future__ import annotations

import bpy

from .finishes import Colour, Finish

_MORTAR = (0.36, 0.34, 0.31)
_FINE_REACH = 90.0  # a part fades out at this many times its size from the camera


def pattern_colour(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    """The socket of a finish's colour with its pattern, made of new nodes of the tree."""
    make = {
        "mottled": _mottled,
        "brick": _brick,
        "tiles": _tiles,
        "planks": _planks,
        "cobbles": _cobbles,
        "asphalt": _asphalt,
        "lawn": _lawn,
    }[finish.pattern]
    return make(tree, finish)


def _mottled(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    noise = _noise(tree, _metres(tree), finish.grain_size, 3.0)
    return _ramp(tree, noise, 0.32, 0.68, *_two_tones(finish.colour, finish.grain))


def _brick(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    along, up = _wall_plane(tree)
    size = finish.grain_size
    # Courses of two thirds of their true number: true ones would be seen in no picture.
    mortar = _between(finish.colour, _MORTAR, 0.5)
    return _bricks(tree, finish, (along, up), (size * 1.3, size * 0.45), 0.035 * size, mortar)


def _planks(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    along, up = _wall_plane(tree)
    size = finish.grain_size
    gap = _times(finish.colour, 0.35)
    return _bricks(tree, finish, (up, along), (12 * size, size), 0.04 * size, gap)


def _cobbles(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    axes = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(_object(tree), axes.inputs[0])
    size = finish.grain_size
    gap = _times(finish.colour, 0.6)
    return _bricks(tree, finish, axes.outputs[:2], (size, size), 0.03 * size, gap)


def _tiles(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    """Rows that darken towards their upper edge, and blots of several rows."""
    metres = _metres(tree)
    axes = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(metres, axes.inputs[0])
    row = _math(tree, "FRACT", _math(tree, "DIVIDE", axes.outputs[2], finish.grain_size))
    fine = _math(tree, "MULTIPLY", _math(tree, "SUBTRACT", 0.5, row), _near(tree, finish))
    blots = _math(tree, "SUBTRACT", _noise(tree, metres, 3 * finish.grain_size, 1.0), 0.5)
    tone = _math(tree, "MULTIPLY_ADD", _math(tree, "ADD", fine, blots), 1.6 * finish.grain, 1.0)
    return _scaled(tree, finish.colour, tone)


def _asphalt(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    """Patches drawn out along Y, blots across them, and dark cracks in the darker patches."""
    stretched = _stretched(tree, _object(tree), (1.0, 0.25, 1.0))
    size, near = finish.grain_size, _near(tree, finish)
    patches = _math(tree, "SUBTRACT", _noise(tree, stretched, size, 1.0, flat=True), 0.5)
    wander = _noise(tree, _object(tree), 0.7 * size, 2.0, flat=True)
    # A crack runs where the noise passes its mean: a thin band of a known depth.
    away = _math(tree, "ABSOLUTE", _math(tree, "SUBTRACT", wander, 0.5))
    crack = _math(tree, "MULTIPLY_ADD", away, -1 / 0.006, 1.0, clamp=True)
    worn = _math(tree, "MULTIPLY", patches, -8.0, clamp=True)
    crack = _math(tree, "MULTIPLY", crack, _math(tree, "MULTIPLY", worn, near))
    tone = _math(tree, "MULTIPLY_ADD", patches, 2.8 * finish.grain, 1.0)
    tone = _math(tree, "MULTIPLY_ADD", _math(tree, "SUBTRACT", wander, 0.5), finish.grain, tone)
    tone = _math(tree, "MULTIPLY_ADD", crack, -1.5 * finish.grain, tone)
    return _scaled(tree, finish.colour, tone)


def _lawn(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    """Tufts, and places six times as large that are lush or dry."""
    place = _object(tree)
    tufts = _noise(tree, place, finish.grain_size, 2.0, flat=True)
    wide = _noise(tree, place, 6 * finish.grain_size, 1.0, flat=True)
    dark, light = _two_tones(finish.colour, 0.55 * finish.grain)
    dry = (light[0] * 1.35, light[1] * 1.02, light[2] * 1.15)
    colour = _ramp(tree, wide, 0.35, 0.68, dark, dry)
    tone = _math(tree, "MULTIPLY_ADD", _math(tree, "SUBTRACT", tufts, 0.5), 2 * finish.grain, 1.0)
    return _scaled(tree, colour, tone)


def _bricks(tree, finish: Finish, plane, brick, gap: float, mortar: Colour) -> bpy.types.NodeSocket:
    """Bricks (length, height) in a plane of two coordinates, in metres."""
    place = tree.nodes.new("ShaderNodeCombineXYZ")
    for i in range(2):
        tree.links.new(plane[i], place.inputs[i])
    node = tree.nodes.new("ShaderNodeTexBrick")
    tree.links.new(place.outputs[0], node.inputs["Vector"])
    low, high = _two_tones(finish.colour, finish.grain)
    for name, colour in (("Color1", low), ("Color2", high), ("Mortar", mortar)):
        node.inputs[name].default_value = (*colour, 1.0)
    for name, value in (("Scale", 1.0), ("Mortar Size", gap), ("Mortar Smooth", 0.1),
                        ("Brick Width", brick[0]), ("Row Height", brick[1])):  # fmt: skip
        node.inputs[name].default_value = value
    share = 1 - (1 - 2 * gap / brick[0]) * (1 - 2 * gap / brick[1])
    mean = _between(finish.colour, mortar, share)
    offset = tree.nodes.new("ShaderNodeVectorMath")
    offset.operation = "SUBTRACT"
    tree.links.new(node.outputs[0], offset.inputs[0])
    offset.inputs[1].default_value = mean
    faded = tree.nodes.new("ShaderNodeVectorMath")
    faded.operation = "MULTIPLY_ADD"
    tree.links.new(offset.outputs[0], faded.inputs[0])
    tree.links.new(_near(tree, finish), faded.inputs[1])
    faded.inputs[2].default_value = mean
    return faded.outputs[0]


def _object(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    """Position in the object's frame; metres where the object is not scaled."""
    return tree.nodes.new("ShaderNodeTexCoord").outputs["Object"]


def _metres(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
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


def _wall_plane(tree: bpy.types.NodeTree) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Metres along an upright wall parallel to X or to Y, and up."""
    axes = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(_metres(tree), axes.inputs[0])
    return _math(tree, "ADD", axes.outputs[0], axes.outputs[1]), axes.outputs[2]


def _near(tree: bpy.types.NodeTree, finish: Finish) -> bpy.types.NodeSocket:
    """1 near the camera, 0 where the pattern's parts are smaller than a few pixels."""
    distance = tree.nodes.new("ShaderNodeCameraData").outputs["View Distance"]
    reach = _FINE_REACH * finish.grain_size
    return _math(tree, "MULTIPLY_ADD", distance, -1.5 / reach, 1.5, clamp=True)


def _noise(tree, place, size: float, detail: float, *, flat: bool = False) -> bpy.types.NodeSocket:
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.noise_dimensions = "2D" if flat else "3D"
    noise.inputs["Scale"].default_value = 1.0 / size
    noise.inputs["Detail"].default_value = detail
    tree.links.new(place, noise.inputs["Vector"])
    return noise.outputs[0]


def _stretched(tree, place, factors) -> bpy.types.NodeSocket:
    product = tree.nodes.new("ShaderNodeVectorMath")
    product.operation = "MULTIPLY"
    tree.links.new(place, product.inputs[0])
    product.inputs[1].default_value = factors
    return product.outputs[0]


def _ramp(tree, value, low: float, high: float, dark: Colour, light: Colour):
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    first, last = ramp.color_ramp.elements
    first.position, last.position = low, high
    first.color, last.color = (*dark, 1.0), (*light, 1.0)
    tree.links.new(value, ramp.inputs[0])
    return ramp.outputs[0]


def _math(tree, operation: str, *values, clamp: bool = False) -> bpy.types.NodeSocket:
    """A number from numbers and sockets."""
    node = tree.nodes.new("ShaderNodeMath")
    node.operation, node.use_clamp = operation, clamp
    for socket, value in zip(node.inputs, values, strict=False):
        if isinstance(value, float | int):
            socket.default_value = value
        else:
            tree.links.new(value, socket)
    return node.outputs[0]


def _scaled(tree, colour, tone: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """A colour or the socket of one, times a number."""
    node = tree.nodes.new("ShaderNodeVectorMath")
    node.operation = "SCALE"
    if isinstance(colour, tuple):
        node.inputs[0].default_value = colour
    else:
        tree.links.new(colour, node.inputs[0])
    tree.links.new(tone, node.inputs["Scale"])
    return node.outputs[0]


def _two_tones(colour: Colour, strength: float) -> tuple[Colour, Colour]:
    return _times(colour, 1 - strength), _times(colour, 1 + strength)


def _times(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(channel * factor, 1.0) for channel in colour)
    return red, green, blue


def _between(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (a + share * (b - a) for a, b in zip(first, second, strict=True))
    return red, green, blue
