"""What a 2-D world is made of: layers of textured sprites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from blender_addon.contract.scene_graph import Node
from metasim_backend.rendering.sprites.scene_table import SceneTable


@dataclass(frozen=True, eq=False)
class Layer:
    """Sprites with textures of one bank, S in all, over all earlier layers; later ones on top.

    Pixel (0, 0) has its centre at (0.5, 0.5); y points down.

    Attributes:
        textures: [T, C + 1, h, w] float32, colour multiplied by alpha, then alpha; C is the
            world's number of channels. Outside it is transparent, so a border of one clear texel
            makes a soft edge. Or [T, 1, h, w]: alpha alone, of something white.
        scene: [S] long, the scene of the batch.
        node: [S] long, the node's place in its scene.
        texture: [S] long, which texture.
        x, y: [S] centre in pixels.
        angle: [S] radians, anticlockwise as seen.
        width, height: [S] pixels; the size that the whole texture is drawn at.
        labelled: whether these nodes have a label.
    """

    textures: Tensor
    scene: Tensor
    node: Tensor
    texture: Tensor
    x: Tensor
    y: Tensor
    angle: Tensor
    width: Tensor
    height: Tensor
    labelled: bool = True

    def __len__(self) -> int:
        return len(self.scene)

    def rows(self, chosen: Tensor) -> Layer:
        """The sprites with these numbers, or where this mask is true."""
        return Layer(
            self.textures,
            self.scene[chosen],
            self.node[chosen],
            self.texture[chosen],
            self.x[chosen],
            self.y[chosen],
            self.angle[chosen],
            self.width[chosen],
            self.height[chosen],
            self.labelled,
        )


class SpriteWorld(Protocol):
    """Says where a domain's nodes are drawn, and with what."""

    domain: str
    channels: int

    def layers(self, table: SceneTable, width: int, height: int) -> list[Layer]:
        """Layers from the farthest to the nearest, for pictures of width x height pixels;
        differentiable in the table's numbers.

        Raises:
            RenderingInputError: when a scene lacks what the world needs.
        """
        ...

    def label_class(self, node: Node) -> str:
        """The class that a node's label names."""
        ...
