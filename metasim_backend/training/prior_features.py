"""Scenes and answers for the small feature network that is trained on the prior's own renders.

The network learns to read scene attributes off a picture. Features that can tell attributes apart
are what matching needs. Its training scenes are the prior's with attributes spread wider, because
the target's attributes may lie outside the prior.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from blender_addon.contract.frames import Frame
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.encoding import Encoding, Slot
from metasim_backend.matching.prior_network import CELL
from metasim_backend.matching.prior_training import Answers
from metasim_backend.training.scene_generator import Proposal, SceneGenerator
from metasim_backend.training.seeds import derive_seed, generator

SCENE_SHIFT = 0.15
NODE_SHIFT = 0.05
SHARE_SHIFTED = 0.6
LABELLED = ("car", "van", "person")
LEAST_SHARE = 0.2
UNKNOWN = torch.tensor(math.nan)


def widened_scenes(scenes: SceneGenerator, count: int, seed: int) -> Proposal:
    """Scenes of the prior whose mutable attributes are shifted, a slot's all alike and each a
    little by itself; about every third slot of a scene stays as the prior has it."""
    out: list[SceneGraph] = []
    for i in range(count):
        (scene,) = scenes.prior([derive_seed(seed, "feature-scene", i)])
        source = generator(seed, "feature-shift", i)
        data = scenes.encoding.encode(scene)
        slots = scenes.encoding.slot_count
        shift = SCENE_SHIFT * torch.randn(1, slots, generator=source)
        shift = shift * (torch.rand(1, slots, generator=source) < SHARE_SHIFTED)
        own = NODE_SHIFT * torch.randn(data.values.shape, generator=source)
        for slot in scenes.encoding.slots:
            if slot.attribute.kind == "categorical":
                shift[:, slot.index] = 0
                own[:, slot.index] = 0
        values = torch.where(data.mutable & data.present, data.values + shift + own, data.values)
        out.append(scenes.encoding.decode(scene, values))
    return scenes.encode(out)


def answers(encoding: Encoding, proposal: Proposal, frames: Sequence[Frame]) -> Answers:
    """What there is to be read off the frames of encoded scenes.

    The scene's numbers are the means of each mutable attribute (of unlabelled classes the nearer
    nodes count more, of labelled ones those that show more). A cell's are those of the labelled
    object that covers it, and its inverse depth.
    """
    labelled = [
        slot
        for slot in encoding.slots
        if slot.class_name in LABELLED and slot.attribute.mutable and slot.kind != "categorical"
    ]
    scene_rows, covers, cells = [], [], []
    for scene, frame, values, mutable in zip(
        proposal.scenes,
        frames,
        proposal.split(proposal.batch["values"]),
        proposal.split(proposal.batch["present"] & proposal.batch["mutable"]),
        strict=True,
    ):
        pixels = {label.node: label.visible_pixels for label in frame.labels}
        weight = torch.tensor(
            [
                math.sqrt(pixels[node.id])
                if node.id in pixels
                else 1 / (5 + max(float(node.attributes.get("along", 0)), 0.0))
                for node in scene.nodes
            ]
        )
        scene_rows.append(_scene_row(encoding, values, mutable, weight))
        cover, attributes = _cell_answers(scene, frame, labelled, values)
        covers.append(cover)
        cells.append(attributes)
    return Answers(torch.stack(scene_rows), torch.stack(covers), torch.stack(cells))


def _readings(slot: Slot, values: Tensor) -> list[Tensor]:
    """A slot's values as what a network can regress: circular ones as sine and cosine."""
    if slot.kind == "circular":
        return [(2 * math.pi * values).sin(), (2 * math.pi * values).cos()]
    return [values]


def _scene_row(encoding: Encoding, values: Tensor, mutable: Tensor, weight: Tensor) -> Tensor:
    row = []
    for slot in encoding.slots:
        if slot.kind == "categorical" or not slot.attribute.mutable:
            continue
        chosen = mutable[:, slot.index]
        total = weight[chosen].sum()
        for reading in _readings(slot, values[chosen, slot.index]):
            row.append((reading * weight[chosen]).sum() / total if total > 0 else UNKNOWN)
    return torch.stack(row)


def _cell_answers(
    scene: SceneGraph, frame: Frame, slots: Sequence[Slot], values: Tensor
) -> tuple[Tensor, Tensor]:
    """[K, h, w] cover of each labelled class, and [C, h, w] attributes of what covers a cell."""
    index = torch.from_numpy(frame.index.astype("int64"))
    height, width = (size - size % CELL for size in index.shape)
    index = index[:height, :width]
    rows = {node.id: row for row, node in enumerate(scene.nodes)}
    count = max((label.index for label in frame.labels), default=0) + 1
    masks = []
    numbers = []
    for name in LABELLED:
        table = torch.zeros(count)
        for label in frame.labels:
            table[label.index] = float(label.class_name == name)
        masks.append(table[index])
    cover = _cells(torch.stack(masks))
    for slot in slots:
        node_values = torch.full((count,), math.nan)
        for label in frame.labels:
            if label.class_name == slot.class_name:
                node_values[label.index] = values[rows[label.node], slot.index]
        for reading in _readings(slot, node_values):
            share = _cells((~reading.isnan()).float()[index][None])[0]
            total = _cells(reading.nan_to_num()[index][None])[0]
            numbers.append(torch.where(share > LEAST_SHARE, total / share, UNKNOWN))
    depth = torch.from_numpy(frame.depth[:height, :width].copy())
    numbers.append(_cells((1 / depth.clamp_min(1.0))[None])[0])
    return cover, torch.stack(numbers)


def _cells(maps: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(maps[None], CELL)[0]
