"""The Aerial2D world of Meta-Sim, seen from above: grass, a straight road, cars, trees, houses.

Lengths and places are fractions of the picture's smaller side, angles are degrees anticlockwise
as seen. The road's direction is +x (right) at angle 0. Cars, trees and houses stand in the road's
frame: ``along`` it from the point of its middle line that is nearest to the picture's centre, and
``across`` it to the right of someone who looks along the road.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from blender_addon.contract.scene_graph import Node
from metasim_backend.rendering.renderer import RenderingInputError
from metasim_backend.rendering.sprites.layers import Layer
from metasim_backend.rendering.sprites.scene_table import ClassTable, SceneTable
from metasim_backend.shipped_files.folders import AERIAL_TEXTURES
from metasim_backend.worlds.aerial_textures import Bank, load_banks

ROAD_WIDTH = 0.36
ROAD_WIDTHS = {"narrow": 0.26, "wide": 0.5}  # of roads that have a kind
CAR_LENGTH = 2.0  # in widths; the textures' too

_NUMBERS = {
    "grass": ("texture",),
    "road": ("texture", "angle", "offset"),
    "car": ("texture", "along", "across", "yaw", "size"),
    "house": ("texture", "along", "across", "yaw", "size"),
    "tree": ("texture", "along", "across", "size"),
}
_DEGREE = math.pi / 180


class AerialWorld:
    """Draws the classes grass (the root), road, car, tree and house.

    ``texture`` is a whole number, taken modulo the number of textures of the class.
    road: ``angle``; ``offset``, the picture's centre to the middle line, to the road's right;
    ``kind`` (narrow or wide), which may be left out.
    car: ``along``, ``across``; ``size``, its width, half of its length; ``lane`` (left or right);
    ``yaw`` against the traffic of its lane, which keeps right: a car at yaw 0 in the right lane
    faces along the road, in the left lane it comes the other way. house: ``along``, ``across``;
    ``size``, its longer side; ``yaw`` of that side against the road. tree: ``along``, ``across``;
    ``size``, its crown's diameter.

    Args:
        split: "train" or "test": which textures; they have none in common.
        folder: where the textures lie.

    Raises:
        RendererSetupError: when the textures cannot be read.
    """

    domain = "aerial2d"
    channels = 3

    def __init__(self, split: str = "train", folder: Path = AERIAL_TEXTURES) -> None:
        self._banks = load_banks(split, folder)
        self._on_device: dict[tuple[str, torch.device], Tensor] = {}

    def layers(self, table: SceneTable, width: int, height: int) -> list[Layer]:
        """Grass, road, cars, houses, trees, from below to above."""
        for name, own in table.classes.items():
            _check(name, own)
        found = table.classes
        side = float(min(width, height))
        layers = []
        if "grass" in found:
            grass = found["grass"]
            # One texel more on each side, so that the picture's rim is not half transparent.
            texels = self._banks["grass"].size[0]
            whole = max(width, height) * texels / (texels - 2)
            middle = torch.ones_like(grass.numbers["texture"])
            layers.append(
                self._layer(
                    "grass",
                    grass,
                    Pose(middle * width / 2, middle * height / 2, 0 * middle),
                    (whole * middle, whole * middle),
                    labelled=False,
                )
            )
        if "road" not in found:
            return layers
        road = found["road"]
        frame = Pose(
            torch.full_like(road.numbers["angle"], width / 2),
            torch.full_like(road.numbers["angle"], height / 2),
            road.numbers["angle"] * _DEGREE,
        ).moved(torch.zeros_like(road.numbers["offset"]), road.numbers["offset"] * side)
        layers.append(self._layer("roads", road, frame, self._road_size(road, width, height)))
        if "car" in found:
            cars = found["car"]
            left = torch.tensor([lane == "left" for lane in cars.names["lane"]])
            turn = cars.numbers["yaw"] + 180.0 * left.to(cars.numbers["yaw"])
            length = cars.numbers["size"] * (CAR_LENGTH * side)
            layers.append(self._standing("cars", cars, frame, turn, length, side))
        if "house" in found:
            houses = found["house"]
            turn, length = houses.numbers["yaw"], houses.numbers["size"] * side
            layers.append(self._standing("houses", houses, frame, turn, length, side))
        if "tree" in found:
            trees = found["tree"]
            turn, length = torch.zeros_like(trees.numbers["size"]), trees.numbers["size"] * side
            layers.append(self._standing("trees", trees, frame, turn, length, side))
        return layers

    def label_class(self, node: Node) -> str:
        """road, car, tree or house; grass has no label."""
        return node.class_name

    def _standing(
        self, bank: str, own: ClassTable, road: Pose, turn: Tensor, length: Tensor, side: float
    ) -> Layer:
        """Objects in the road's frame, turned by so many degrees and so many pixels long."""
        pose = road.rows(own.parent).moved(
            own.numbers["along"] * side, own.numbers["across"] * side
        )
        texel = length / self._banks[bank].body[0]
        columns, rows = self._banks[bank].size
        turned = Pose(pose.x, pose.y, pose.angle + turn * _DEGREE)
        return self._layer(bank, own, turned, (columns * texel, rows * texel))

    def _road_size(self, road: ClassTable, width: int, height: int) -> tuple[Tensor, Tensor]:
        """(length, width) in pixels of the strip; it leaves the picture at both ends."""
        bank: Bank = self._banks["roads"]
        columns, rows = bank.size
        one = torch.ones_like(road.numbers["angle"])
        wide = ROAD_WIDTH * one
        if "kind" in road.names:
            wide = torch.tensor([_road_width(kind) for kind in road.names["kind"]]).to(one)
        texel = wide * min(width, height) / bank.body[1]
        least = math.hypot(width, height) * columns / (columns - 2)
        return (columns * texel).clamp_min(least), rows * texel

    def _layer(
        self,
        bank: str,
        own: ClassTable,
        pose: Pose,
        size: tuple[Tensor, Tensor],
        labelled: bool = True,
    ) -> Layer:
        textures = self._textures(bank, own.scene.device)
        number = own.numbers["texture"].detach().round().long() % len(textures)
        return Layer(
            textures, own.scene, own.node, number, pose.x, pose.y, pose.angle, *size, labelled
        )

    def _textures(self, bank: str, device: torch.device) -> Tensor:
        key = (bank, device)
        if key not in self._on_device:
            self._on_device[key] = self._banks[bank].pixels.to(device)
        return self._on_device[key]


@dataclass(frozen=True, eq=False)
class Pose:
    """Places and directions on the picture, [n] each: pixels (y down), radians anticlockwise."""

    x: Tensor
    y: Tensor
    angle: Tensor

    def rows(self, chosen: Tensor) -> Pose:
        return Pose(self.x[chosen], self.y[chosen], self.angle[chosen])

    def moved(self, ahead: Tensor, right: Tensor) -> Pose:
        """So many pixels ahead and to the right, in its own frame."""
        cos, sin = self.angle.cos(), self.angle.sin()
        return Pose(
            self.x + ahead * cos + right * sin, self.y - ahead * sin + right * cos, self.angle
        )


def _road_width(kind: str) -> float:
    if kind not in ROAD_WIDTHS:
        raise RenderingInputError(
            f"The aerial world has no road of the kind {kind!r}; use {' or '.join(ROAD_WIDTHS)}."
        )
    return ROAD_WIDTHS[kind]


def _check(name: str, own: ClassTable) -> None:
    """Raises RenderingInputError when a class is unknown or lacks what it is placed by."""
    if name not in _NUMBERS:
        raise RenderingInputError(
            f"The aerial world does not know the class {name!r}; it draws {', '.join(_NUMBERS)}."
        )
    known: Mapping[str, object] = {**own.numbers, **own.names}
    needed = (*_NUMBERS[name], "lane") if name == "car" else _NUMBERS[name]
    for attribute in needed:
        kind = own.names if attribute == "lane" else own.numbers
        if attribute not in kind:
            problem = "of the wrong kind" if attribute in known else "missing"
            raise RenderingInputError(
                f"The attribute {attribute!r} of the class {name!r} is {problem}; "
                "scenes/aerial2d.yaml shows what the aerial world needs."
            )
    above = None if name == "grass" else "grass" if name == "road" else "road"
    if own.parent_class != above:
        raise RenderingInputError(
            f"Nodes of the class {name!r} stand below {own.parent_class!r}; "
            f"the aerial world places them below {above!r}."
        )
