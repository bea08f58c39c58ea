"""Where the labelled objects of a street stand before the camera, from their attributes: exact, and
differentiable.

The same geometry as :mod:`blender_addon.contract.street` and ``blender_addon.world.camera``, in
torch, for all objects of many scenes at once. A network that is to predict what is read of an
object need not learn it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blender_addon.contract.street import HILL_FROM, HILL_LENGTH
from blender_addon.contract.street_classes import LABELLED
from metasim_backend.grammar.encoded_scenes import SceneBatch
from metasim_backend.grammar.encoding import Encoding

NEAREST = 1.0
NUMBERS = 13
"""How many numbers :class:`StreetView` gives of an object."""


NEEDED = {
    "road": ("lane_width", "curvature", "rise"),
    "camera": ("height", "pitch", "yaw", "fov"),
}


def has_streets(encoding: Encoding) -> bool:
    """Whether a grammar's scenes are streets with a camera."""
    classes = {spec.name: {a.name for a in spec.attributes} for spec in encoding.grammar.classes}
    return all(set(names) <= classes.get(name, set()) for name, names in NEEDED.items())


class StreetView:
    """How labelled objects stand before the camera.

    Args:
        encoding: of a grammar that :func:`has_streets`.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def __call__(self, batch: SceneBatch, values: Tensor, chosen: Tensor) -> Tensor:
        """[M, 13] of the chosen nodes [M]: the reader's numbers of an object (logarithm of the
        distance, lateral offset in 10 m, sine and cosine of the aspect and of its double), column
        and row in the picture from its middle in half widths, the logarithm of how large a metre
        looks there, the field of view, and the reader's numbers of its place on the road (offset
        in 10 m, sine and cosine of its double heading).

        Differentiable in the values [N, slots] in unit space.
        """
        graph, of_node = batch.batch[chosen], values[chosen]
        kinds = batch.node_class[chosen]
        along, across, yaw = (
            self._of_class(of_node, kinds, name) for name in ("along", "across", "yaw")
        )
        road, camera = (
            {name: self._of_scene(batch, values, of, name)[graph] for name in NEEDED[of]}
            for of in ("road", "camera")
        )
        _, lanes, sign, oncoming = batch.anchors[chosen].to(values).unbind(1)
        offset = lanes * road["lane_width"] + sign * across
        angle = road["curvature"] * along
        forward = along * torch.sinc(angle / math.pi)
        left = along * torch.sin(angle / 2) * torch.sinc(angle / (2 * math.pi))
        x, y = offset * angle.cos() - left, forward + offset * angle.sin()
        t = ((along - HILL_FROM) / HILL_LENGTH).clamp(0, 1)
        up = road["rise"] * t.square() * (3 - 2 * t) - camera["height"]
        turned, pitch = torch.deg2rad(camera["yaw"]), torch.deg2rad(camera["pitch"])
        beside = x * turned.cos() + y * turned.sin()
        ahead = y * turned.cos() - x * turned.sin()
        depth = (pitch.cos() * ahead + pitch.sin() * up).clamp_min(NEAREST)
        down = pitch.sin() * ahead - pitch.cos() * up
        front = math.pi / 2 + angle + math.pi * oncoming + torch.deg2rad(yaw) - turned
        rotation = -torch.atan2(pitch.cos() * front.sin(), front.cos())
        aspect = rotation - torch.atan2(beside, depth)
        half = torch.tan(torch.deg2rad(camera["fov"]) / 2)
        return torch.stack(
            [
                depth.log(),
                beside / 10,
                aspect.sin(),
                aspect.cos(),
                (2 * aspect).sin(),
                (2 * aspect).cos(),
                (beside / (depth * half)).clamp(-2, 2),
                (down / (depth * half)).clamp(-2, 2),
                -(depth * half).log(),
                half - 0.84,
                offset / 10,
                torch.deg2rad(2 * yaw).sin(),
                torch.deg2rad(2 * yaw).cos(),
            ],
            1,
        )

    def _of_class(self, values: Tensor, kinds: Tensor, attribute: str) -> Tensor:
        """[M]: an attribute of each node, by its own class's range."""
        out = values.new_zeros(len(values))
        for place, spec in enumerate(self._encoding.grammar.classes):
            if spec.name in LABELLED and attribute in {a.name for a in spec.attributes}:
                slot = self._encoding.slot(spec.name, attribute)
                low, _ = slot.attribute.bounds
                own = low + values[:, slot.index] * slot.attribute.span
                out = torch.where(kinds == place, own, out)
        return out

    def _of_scene(self, batch: SceneBatch, values: Tensor, class_name: str, name: str) -> Tensor:
        """[B]: an attribute of what there is once in a scene."""
        slot = self._encoding.slot(class_name, name)
        low, _ = slot.attribute.bounds
        rows = batch.present[:, slot.index]
        own = low + values[rows, slot.index] * slot.attribute.span
        return own.new_zeros(batch.num_graphs).index_copy(0, batch.batch[rows], own)
