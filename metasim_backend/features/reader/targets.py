"""What there is to be read in a picture: regression targets made from frames and their scenes.

Of the whole picture these are the attributes of camera, light and road. In each cell of a fine
grid they are the class of the labelled object that stands there, and how that object stands before
the camera. The latter are numbers of KITTI's 3-D boxes and not the grammar's attributes. So what is
read does not depend on what an object's parent is, and can be read in photographs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Box3D, Frame
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.encoding import Encoding, Slot

CELL = 4
"""Pixels along a cell's side."""
LEAST_PIXELS = 5
"""Of a cell's sixteen that an object must cover."""
NEAREST = 1.0
CELL_NUMBERS = (
    "log distance",
    "lateral offset",
    "sin aspect",
    "cos aspect",
    "sin 2 aspect",
    "cos 2 aspect",
)
"""Distance and lateral offset of an object's 3-D box in metres, camera axes. Its aspect is its yaw
from the ray to it (KITTI's alpha), which is what it looks like; the double is all that shows of
what looks alike from both ends."""


@dataclass(frozen=True)
class ReaderNames:
    """What a reader reads.

    Attributes:
        scene: names of the T numbers of a whole picture, such as ``"camera.pitch"``.
        classes: the K labelled classes.
        cells: the C numbers of an object.
    """

    scene: tuple[str, ...]
    classes: tuple[str, ...]
    cells: tuple[str, ...] = CELL_NUMBERS


@dataclass(frozen=True, eq=False)
class ReaderTargets:
    """What is to be read in N pictures with h x w cells; not a number where it is not known.

    Attributes:
        scene: [N, T].
        classes: [N, h, w] uint8, 0 where no labelled object is, else 1 + a class's place.
        cells: [N, C, h, w].
        owners: [N, h, w] int16, the place of a cell's object among its frame's labels; -1: none.
    """

    scene: Tensor
    classes: Tensor
    cells: Tensor
    owners: Tensor

    def __len__(self) -> int:
        return len(self.scene)

    @staticmethod
    def joined(parts: Sequence[ReaderTargets]) -> ReaderTargets:
        """All pictures of several parts."""
        return ReaderTargets(
            torch.cat([part.scene for part in parts]),
            torch.cat([part.classes for part in parts]),
            torch.cat([part.cells for part in parts]),
            torch.cat([part.owners for part in parts]),
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
    classes, cells, owners = zip(*(_cells(names, frame) for frame in frames), strict=True)
    return ReaderTargets(
        scene_targets(encoding, names, scenes),
        torch.from_numpy(np.stack(classes)),
        torch.from_numpy(np.stack(cells)),
        torch.from_numpy(np.stack(owners)),
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


def object_numbers(box: Box3D) -> tuple[float, ...]:
    """:data:`CELL_NUMBERS` of an object."""
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


def _cells(names: ReaderNames, frame: Frame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[h, w] uint8 classes, [C, h, w] numbers, [h, w] int16 owners of one frame."""
    height, width = (side - side % CELL for side in frame.index.shape)
    blocks = frame.index[:height, :width].reshape(height // CELL, CELL, width // CELL, CELL)
    middle = blocks[:, CELL // 2, :, CELL // 2].astype(np.int64)
    covered = (blocks == middle[:, None, :, None]).sum((1, 3)) >= LEAST_PIXELS
    most = int(frame.index.max(initial=0)) + 1
    owner = np.full(most, -1, np.int16)
    kind = np.zeros(most, np.uint8)
    numbers = np.full((len(names.cells), most), np.nan, np.float32)
    for place, label in enumerate(frame.labels):
        if label.index >= most or label.class_name not in names.classes:
            continue
        owner[label.index] = place
        kind[label.index] = 1 + names.classes.index(label.class_name)
        if label.box3d is not None:
            numbers[:, label.index] = object_numbers(label.box3d)
    owners = np.where(covered, owner[middle], -1).astype(np.int16)
    inside = owners >= 0
    return (
        np.where(inside, kind[middle], 0).astype(np.uint8),
        np.where(inside, numbers[:, middle], np.nan).astype(np.float32),
        owners,
    )
