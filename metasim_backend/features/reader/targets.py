"""What there is to be read in a picture: regression targets made from frames and their scenes.

Of the whole picture these are the attributes of camera, light and road. Of each labelled object
they are its class, its box, how it stands before the camera and how on the road. The latter are
numbers of KITTI's 3-D boxes, and a place and a heading on the road that are counted alike for all.
So what is read does not depend on what an object's parent is, and can be read in photographs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from blender_addon.contract.frames import Box3D, Frame
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.features.reader.look import CELL, look_size
from metasim_backend.grammar.encoding import Encoding, Slot
from metasim_backend.grammar.street_anchors import street_anchors

LEAST_PIXELS = 5
"""Of a cell's sixteen that an object must cover."""
NEAREST = 1.0
UNKNOWN = (math.nan,) * 3
"""Numbers of the road of what stands on none."""
OBJECT_NUMBERS = (
    "log distance",
    "lateral offset",
    "sin aspect",
    "cos aspect",
    "sin 2 aspect",
    "cos 2 aspect",
    "road offset",
    "sin 2 heading",
    "cos 2 heading",
)
"""Distance and lateral offset of an object's 3-D box in metres, camera axes. Its aspect is its yaw
from the ray to it (KITTI's alpha), which is what it looks like; the double is all that shows of
what looks alike from both ends. The last three are of objects on a street: how far right of the
middle of the camera's lane, along the bent road, in metres; and twice its heading from the road's.
A camera that is turned, or a road that bends, does not blur them."""
COMPARED = tuple(
    place
    for place, name in enumerate(OBJECT_NUMBERS)
    if name not in ("sin aspect", "sin 2 aspect", "cos 2 aspect")
)
"""The places of those that tell an object's attributes, and of whose errors a normal distribution
is a fair model: under it, what hidden truths show is about as probable as anything that matching
finds. With the others it is less probable, as if cars stood farther away than they do."""


@dataclass(frozen=True)
class ReaderNames:
    """What a reader reads.

    Attributes:
        scene: names of the T numbers of a whole picture, such as ``"camera.pitch"``.
        classes: the K labelled classes.
        objects: the C numbers of an object.
    """

    scene: tuple[str, ...]
    classes: tuple[str, ...]
    objects: tuple[str, ...] = OBJECT_NUMBERS


@dataclass(frozen=True, eq=False)
class ReaderTargets:
    """What is to be read in N pictures with h x w cells and at most L labels each; not a number
    where it is not known.

    Attributes:
        scene: [N, T].
        owners: [N, h, w] int16, the place of a cell's object among its frame's labels; -1: none.
        kinds: [N, L] uint8, 1 + the class's place; 0 for what is no object, or not visible.
        boxes: [N, L, 4] x0, y0, x1, y1 of what is visible, as shares of the picture's sides.
        numbers: [N, L, C], also of what is hidden.
    """

    scene: Tensor
    owners: Tensor
    kinds: Tensor
    boxes: Tensor
    numbers: Tensor

    def __len__(self) -> int:
        return len(self.scene)

    def rows(self, chosen: Tensor | slice) -> ReaderTargets:
        """Some of the pictures."""
        return ReaderTargets(
            self.scene[chosen],
            self.owners[chosen],
            self.kinds[chosen],
            self.boxes[chosen],
            self.numbers[chosen],
        )

    @property
    def cell_kinds(self) -> Tensor:
        """[N, h, w] long: of each cell's object, 0 where there is none."""
        return torch.where(self.owners >= 0, self._of_cells(self.kinds.long()), 0)

    @property
    def cell_boxes(self) -> Tensor:
        """[N, 4, h, w]: of each cell's object; not a number where there is none."""
        boxes = torch.stack([self._of_cells(side) for side in self.boxes.unbind(2)], 1)
        return torch.where(self.owners[:, None] >= 0, boxes, torch.nan)

    def _of_cells(self, of_labels: Tensor) -> Tensor:
        count, height, width = self.owners.shape
        padded = functional.pad(of_labels, (0, 1))  # a frame may have no label at all
        places = self.owners.long().clamp_min(0).view(count, -1)
        return padded.gather(1, places).view(count, height, width)

    @staticmethod
    def joined(parts: Sequence[ReaderTargets]) -> ReaderTargets:
        """All pictures of several parts."""
        most = max(part.kinds.shape[1] for part in parts)

        def padded(of_labels: Tensor, value: float) -> Tensor:
            after = (0, 0) * (of_labels.ndim - 2) + (0, most - of_labels.shape[1])
            return functional.pad(of_labels, after, value=value)

        return ReaderTargets(
            torch.cat([part.scene for part in parts]),
            torch.cat([part.owners for part in parts]),
            torch.cat([padded(part.kinds, 0) for part in parts]),
            torch.cat([padded(part.boxes, math.nan) for part in parts]),
            torch.cat([padded(part.numbers, math.nan) for part in parts]),
        )


def reader_names(encoding: Encoding, labelled: Sequence[str]) -> ReaderNames:
    """What can be read of a grammar's scenes whose frames label these classes."""
    names = []
    for slot in _whole(encoding):
        names += [f"{slot.name} sin", f"{slot.name} cos"] if _turns(slot) else [slot.name]
    names += [f"mean {slot.name}" for slot in _averaged(encoding, labelled)]
    classes = [spec.name for spec in encoding.grammar.classes if spec.name in labelled]
    return ReaderNames(tuple(names), tuple(classes))


def reader_targets(
    encoding: Encoding, names: ReaderNames, scenes: Sequence[SceneGraph], frames: Sequence[Frame]
) -> ReaderTargets:
    """The targets of frames of these scenes."""
    most = max((len(frame.labels) for frame in frames), default=0)
    kinds = np.zeros((len(frames), most), np.uint8)
    boxes = np.full((len(frames), most, 4), np.nan, np.float32)
    numbers = np.full((len(frames), most, len(names.objects)), np.nan, np.float32)
    for row, (scene, frame) in enumerate(zip(scenes, frames, strict=True)):
        height, width = frame.index.shape
        on_road = road_numbers(scene)
        for place, label in enumerate(frame.labels):
            if label.class_name not in names.classes:
                continue
            if label.box3d is not None:
                numbers[row, place] = (*box_numbers(label.box3d), *on_road.get(label.node, UNKNOWN))
            if label.visible_box is not None:
                kinds[row, place] = 1 + names.classes.index(label.class_name)
                boxes[row, place] = np.asarray(label.visible_box) / (width, height, width, height)
    return ReaderTargets(
        scene_targets(encoding, names, scenes),
        torch.from_numpy(np.stack([_owners(names, frame) for frame in frames])),
        torch.from_numpy(kinds),
        torch.from_numpy(boxes),
        torch.from_numpy(numbers),
    )


def scene_targets(encoding: Encoding, names: ReaderNames, scenes: Sequence[SceneGraph]) -> Tensor:
    """[N, T]: attributes of the whole scene in the encoding's units, an angle as sine and cosine.

    Of unlabelled classes with several nodes it is the mean, in which nearer nodes count more.
    """
    whole, averaged = _whole(encoding), _averaged(encoding, names.classes)
    rows = np.full((len(scenes), len(names.scene)), np.nan, np.float32)
    for row, scene in zip(rows, scenes, strict=True):
        data = encoding.encode(scene)
        values, present = data.values.numpy(), data.present.numpy()
        along = [float(node.attributes.get("along", 0)) for node in scene.nodes]
        nearness = 1 / (5 + np.maximum(along, 0))
        place = 0
        for slot in whole:
            value = values[present[:, slot.index], slot.index]
            if _turns(slot):
                if len(value):
                    angle = 2 * math.pi * float(value[0])
                    row[place : place + 2] = math.sin(angle), math.cos(angle)
                place += 2
            else:
                if len(value):
                    row[place] = value[0]
                place += 1
        for slot in averaged:
            has = present[:, slot.index]
            if has.any():
                row[place] = np.average(values[has, slot.index], weights=nearness[has])
            place += 1
    return torch.from_numpy(rows)


def box_numbers(box: Box3D) -> tuple[float, ...]:
    """The first six of :data:`OBJECT_NUMBERS`."""
    x, _, z = box.location
    turn = box.rotation_y - math.atan2(x, z)
    return (
        math.log(max(z, NEAREST)),
        x,
        math.sin(turn),
        math.cos(turn),
        math.sin(2 * turn),
        math.cos(2 * turn),
    )


def road_numbers(scene: SceneGraph) -> dict[str, tuple[float, float, float]]:
    """The last three of :data:`OBJECT_NUMBERS` by the id of each node that stands on a street."""
    out = {}
    for node, row in zip(scene.nodes, street_anchors(scene).tolist(), strict=True):
        anchored, lanes, sign, _ = row
        if anchored and "yaw" in node.attributes:
            (road,) = scene.of_class("road")
            start = lanes * float(road.attributes["lane_width"])
            double = 2 * math.radians(float(node.attributes["yaw"]))
            out[node.id] = (
                start + sign * float(node.attributes["across"]),
                math.sin(double),
                math.cos(double),
            )
    return out


def _whole(encoding: Encoding) -> list[Slot]:
    return [s for s in _learned(encoding) if s.class_name in encoding.grammar.single]


def _averaged(encoding: Encoding, labelled: Sequence[str]) -> list[Slot]:
    single = encoding.grammar.single
    return [
        slot
        for slot in _learned(encoding)
        if slot.class_name not in single and slot.class_name not in labelled and not _turns(slot)
    ]


def _learned(encoding: Encoding) -> list[Slot]:
    return [s for s in encoding.slots if s.attribute.mutable and s.kind != "categorical"]


def _turns(slot: Slot) -> bool:
    return slot.kind == "circular"


def _owners(names: ReaderNames, frame: Frame) -> np.ndarray:
    """[h, w] int16: the place of each cell's object among a frame's labels."""
    index = _shrunk(frame.index)
    height, width = (side - side % CELL for side in index.shape)
    blocks = index[:height, :width].reshape(height // CELL, CELL, width // CELL, CELL)
    middle = blocks[:, CELL // 2, :, CELL // 2].astype(np.int64)
    covered = (blocks == middle[:, None, :, None]).sum((1, 3)) >= LEAST_PIXELS
    owner = np.full(int(frame.index.max(initial=0)) + 1, -1, np.int16)
    for place, label in enumerate(frame.labels):
        if label.index < len(owner) and label.class_name in names.classes:
            owner[label.index] = place
    return np.where(covered, owner[middle], -1).astype(np.int16)


def _shrunk(index: np.ndarray) -> np.ndarray:
    """An index map in the size of the first look; what is in the middle of a pixel counts."""
    rows, columns = (
        ((np.arange(small) + 0.5) * side / small).astype(int)
        for small, side in zip(look_size(*index.shape), index.shape, strict=True)
    )
    return index[np.ix_(rows, columns)]
