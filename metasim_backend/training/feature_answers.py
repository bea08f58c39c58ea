"""What there is to be read off the feature network's training pictures, and how well it is read.

Features that can tell attributes apart are what matching needs, so the network learns to read scene
attributes off a picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Frame
from metasim_backend.features.prior_network import CELL, PriorNetwork
from metasim_backend.features.prior_training import Answers
from metasim_backend.grammar.encoding import Encoding, Slot
from metasim_backend.training.scene_generator import Proposal

LEAST_SHARE = 0.2
UNKNOWN = torch.tensor(math.nan)
FRAMES = 64


def explained_by_slot(
    encoding: Encoding, network: PriorNetwork, harmonics: int = 1
) -> dict[str, float]:
    """How well a network reads each mutable numeric attribute: the share of the variance that is
    explained on held-out scenes, 1 for one that did not vary. Of an angle's sine and cosine the
    worse counts (one alone leaves two directions open), of its harmonics the better."""
    shares = iter(network.explained[: network.sizes.scene].tolist())
    found = {}
    for slot in encoding.slots:
        if slot.kind == "categorical" or not slot.attribute.mutable:
            continue
        own = []
        for _ in range(2 * harmonics if slot.kind == "circular" else 1):
            share = next(shares)
            own.append(1.0 if math.isnan(share) else share)
            if slot.class_name not in encoding.grammar.single:
                next(shares)  # its spread
        pairs = [own[i : i + 2] for i in range(0, len(own), 2)]
        found[slot.name] = max(min(pair) for pair in pairs)
    return found


def answers(
    encoding: Encoding, proposal: Proposal, frames: Sequence[Frame], harmonics: int = 1
) -> Answers:
    """What there is to be read off the frames of encoded scenes.

    The scene's numbers are the mean of each mutable attribute, and its spread where there can be
    several nodes (of unlabelled classes the nearer nodes count more, of labelled ones those that
    show more). A cell's are those of the labelled object that covers it, and its inverse depth in
    worlds that have one. Angles are read as sine and cosine, with two harmonics also of the double
    angle, which is all that can be seen of a thing that looks alike from both ends.
    """
    named = sorted({label.class_name for frame in frames for label in frame.labels})
    classes = {
        scene.node(label.node).class_name
        for scene, frame in zip(proposal.scenes, frames, strict=True)
        for label in frame.labels
    }
    labelled = [
        slot
        for slot in encoding.slots
        if slot.class_name in classes and slot.attribute.mutable and slot.kind != "categorical"
    ]
    scene_rows = []
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
        scene_rows.append(_scene_row(encoding, values, mutable, weight, harmonics))
    covers, cells = _cell_answers(proposal, frames, named, labelled, harmonics)
    return Answers(torch.stack(scene_rows), covers, cells)


def _readings(slot: Slot, values: Tensor, harmonics: int) -> list[Tensor]:
    """A slot's values as what a network can regress."""
    if slot.kind != "circular":
        return [values]
    angles = [2 * math.pi * values * k for k in range(1, harmonics + 1)]
    return [part for angle in angles for part in (angle.sin(), angle.cos())]


def _scene_row(
    encoding: Encoding, values: Tensor, mutable: Tensor, weight: Tensor, harmonics: int
) -> Tensor:
    row = []
    for slot in encoding.slots:
        if slot.kind == "categorical" or not slot.attribute.mutable:
            continue
        chosen = mutable[:, slot.index]
        total = weight[chosen].sum()
        share = weight[chosen] / total if total > 0 else None
        for reading in _readings(slot, values[chosen, slot.index], harmonics):
            mean = UNKNOWN if share is None else (share * reading).sum()
            row.append(mean)
            if slot.class_name not in encoding.grammar.single:
                # What a mean of several hides: two cars, one on either side.
                spread = UNKNOWN if share is None else (share * (reading - mean).square()).sum()
                row.append(spread.sqrt())
    return torch.stack(row)


def _cell_answers(
    proposal: Proposal,
    frames: Sequence[Frame],
    classes: Sequence[str],
    slots: Sequence[Slot],
    harmonics: int,
) -> tuple[Tensor, Tensor]:
    """[N, K, h, w] cover of each labelled class, [N, C, h, w] attributes of what covers a cell."""
    most = max((label.index for frame in frames for label in frame.labels), default=0) + 1
    # What each index of each picture stands for, so that maps are looked up and not searched.
    covered = torch.zeros(len(frames), len(classes), most)
    numbers = torch.full((len(frames), len(slots), most), math.nan)
    of_class = {name: k for k, name in enumerate(classes)}
    by_class: dict[str, list[tuple[int, int]]] = {}
    for c, slot in enumerate(slots):
        by_class.setdefault(slot.class_name, []).append((c, slot.index))
    values = proposal.split(proposal.batch["values"])
    for n, (scene, frame) in enumerate(zip(proposal.scenes, frames, strict=True)):
        rows = {node.id: row for row, node in enumerate(scene.nodes)}
        for label in frame.labels:
            covered[n, of_class[label.class_name], label.index] = 1
            node_class = scene.node(label.node).class_name
            for c, column in by_class.get(node_class, ()):
                numbers[n, c, label.index] = values[n][rows[label.node], column]
    read = (
        torch.cat(
            [
                reading
                for c, slot in enumerate(slots)
                for reading in _readings(slot, numbers[:, c : c + 1], harmonics)
            ],
            dim=1,
        )
        if slots
        else numbers
    )
    # Asked of all frames at once: every picture must have the same numbers.
    deep = any(np.isfinite(frame.depth).any() for frame in frames)
    covers, cells = [], []
    for start in range(0, len(frames), FRAMES):
        some = frames[start : start + FRAMES]
        index = torch.from_numpy(np.stack([frame.index for frame in some]).astype(np.int64))
        height, width = (size - size % CELL for size in index.shape[1:])
        index = index[:, :height, :width]
        part = slice(start, start + FRAMES)
        covers.append(_cells(_looked_up(covered[part], index)))
        own = _looked_up(read[part], index)
        share, total = _cells((~own.isnan()).float()), _cells(own.nan_to_num())
        found = torch.where(share > LEAST_SHARE, total / share, UNKNOWN)
        if deep:
            depth = torch.from_numpy(np.stack([frame.depth[:height, :width] for frame in some]))
            found = torch.cat([found, _cells((1 / depth.clamp_min(1.0))[:, None])], 1)
        cells.append(found)
    return torch.cat(covers), torch.cat(cells)


def _looked_up(table: Tensor, index: Tensor) -> Tensor:
    """[N, K, H, W]: of a table [N, K, M] the entries that maps [N, H, W] name."""
    flat = index.flatten(1)[:, None].expand(-1, table.shape[1], -1)
    return table.gather(2, flat).unflatten(2, index.shape[1:])


def _cells(maps: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(maps, CELL)
