"""Scenes and answers for the small feature network that is trained on the prior's own renders.

The network learns to read scene attributes off a picture. Features that can tell attributes apart
are what matching needs. Its training scenes are the prior's with attributes spread wider, because
the target's attributes may lie outside the prior.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Frame
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.encoding import Encoding, Slot
from metasim_backend.matching.prior_network import CELL, PriorNetwork
from metasim_backend.matching.prior_training import Answers
from metasim_backend.training.scene_generator import Proposal, SceneGenerator
from metasim_backend.training.seeds import derive_seed, generator

SCENE_SHIFT = 0.15
NODE_SHIFT = 0.05
SHARE_SHIFTED = 0.6
WIDENING = ("shift", "range")
SHARE_OVER_RANGE = 0.75
SHARE_CHANGED = 0.8
NEARNESS = ("range", "spread")
TIMES_SPREAD = 2.0
LEAST_SPREAD = 0.02  # of the range: what has collapsed must be seen to vary again
LEAST_WEIGHT = 0.1
LEAST_SHARE = 0.2
UNKNOWN = torch.tensor(math.nan)
FRAMES = 64


def widened_scenes(scenes: SceneGenerator, count: int, seed: int, widen: str = "shift") -> Proposal:
    """Scenes of the prior with other mutable attributes.

    Args:
        widen: ``"shift"``: a slot's values are shifted all alike, and each a little by itself;
            about every third slot of a scene stays as the prior has it. ``"range"``: three of
            four nodes have an attribute from anywhere in its range, the fourth the prior's.
    """
    out: list[SceneGraph] = []
    for i in range(count):
        (scene,) = scenes.prior([derive_seed(seed, "feature-scene", i)])
        source = generator(seed, "feature-shift", i)
        data = scenes.encoding.encode(scene)
        if widen == "range":
            anywhere = torch.rand(data.values.shape, generator=source)
            chosen = torch.rand(data.values.shape, generator=source) < SHARE_OVER_RANGE
            numeric = torch.tensor([slot.kind != "categorical" for slot in scenes.encoding.slots])
            changing = data.mutable & data.present & chosen & numeric
            values = torch.where(changing, anywhere, data.values)
            out.append(scenes.encoding.decode(scene, values))
            continue
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


def scenes_near(
    scenes: SceneGenerator,
    count: int,
    seed: int,
    turn: int,
    near: str = "range",
    explained: Mapping[str, float] | None = None,
) -> Proposal:
    """Scenes of the learned generator with other mutable attributes.

    Args:
        turn: the round of matching, from 1; another number, other scenes.
        near: ``"range"``: in four of five scenes each node has one attribute from anywhere in that
            attribute's range. ``"spread"``: so in round 1 only; later half of all attributes are
            moved by twice the spread that they have.
        explained: by slot, what an earlier network could read; the one attribute is the more often
            one that it could not.
    """
    out: list[SceneGraph] = []
    prior = scenes.prior([derive_seed(seed, "feature-scene", turn, i) for i in range(count)])
    learned = scenes.transform_all(prior, derive_seed(seed, "feature-scene", turn))
    numeric = torch.tensor([slot.kind != "categorical" for slot in scenes.encoding.slots])
    if near == "spread" and turn > 1:
        return scenes.encode(_moved_by_spread(scenes, learned, numeric, seed, turn))
    known = explained or {}
    weight = torch.tensor(
        [
            1 + LEAST_WEIGHT - min(max(known.get(s.name, 0.0), 0.0), 1.0)
            for s in scenes.encoding.slots
        ]
    )
    for i, scene in enumerate(learned):
        source = generator(seed, "feature-shift", turn, i)
        data = scenes.encoding.encode(scene)
        free = data.mutable & data.present & numeric
        # Exponential draws race: each slot wins in proportion to its weight.
        race = -torch.rand(free.shape, generator=source).clamp_min(1e-20).log() / weight
        race = torch.where(free, race, math.inf)
        one = race == race.amin(1, keepdim=True)
        anywhere = torch.rand(free.shape, generator=source)
        changed = bool(torch.rand((), generator=source) < SHARE_CHANGED)
        values = torch.where(one & free & changed, anywhere, data.values)
        out.append(scenes.encoding.decode(scene, values))
    return scenes.encode(out)


def _moved_by_spread(
    scenes: SceneGenerator, learned: Sequence[SceneGraph], numeric: Tensor, seed: int, turn: int
) -> list[SceneGraph]:
    """Half of all mutable numbers moved by a normal of twice their slot's spread."""
    data = [scenes.encoding.encode(scene) for scene in learned]
    values = torch.cat([d.values for d in data])
    present = torch.cat([d.present for d in data])
    spread = torch.zeros(len(scenes.encoding.slots))
    for slot in scenes.encoding.slots:
        own = values[present[:, slot.index], slot.index]
        if slot.kind == "circular":
            angle = 2 * math.pi * own
            mean = torch.atan2(angle.sin().mean(), angle.cos().mean()) / (2 * math.pi)
            own = own - mean - (own - mean).round()
        if len(own) > 1:
            spread[slot.index] = own.std().clamp_min(LEAST_SPREAD)
    out = []
    for i, (scene, own) in enumerate(zip(learned, data, strict=True)):
        source = generator(seed, "feature-shift", turn, i)
        free = own.mutable & own.present & numeric
        chosen = torch.rand(free.shape, generator=source) < 0.5
        move = TIMES_SPREAD * spread * torch.randn(free.shape, generator=source)
        moved = torch.where(free & chosen, own.values + move, own.values)
        out.append(scenes.encoding.decode(scene, moved))
    return out


def answers(
    encoding: Encoding, proposal: Proposal, frames: Sequence[Frame], harmonics: int = 1
) -> Answers:
    """What there is to be read off the frames of encoded scenes.

    The scene's numbers are the mean of each mutable attribute, and its spread where there can be
    several nodes (of unlabelled classes the nearer nodes count more, of labelled ones those that
    show more). A cell's are those of the labelled
    object that covers it, and its inverse depth where there is any. Angles are read as sine and
    cosine, with two harmonics also of the double angle, which is all that can be seen of a thing
    that looks alike from both ends.
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
        depth = torch.from_numpy(np.stack([frame.depth[:height, :width] for frame in some]))
        if depth.isfinite().any():
            found = torch.cat([found, _cells((1 / depth.clamp_min(1.0))[:, None])], 1)
        cells.append(found)
    return torch.cat(covers), torch.cat(cells)


def _looked_up(table: Tensor, index: Tensor) -> Tensor:
    """[N, K, H, W]: of a table [N, K, M] the entries that maps [N, H, W] name."""
    flat = index.flatten(1)[:, None].expand(-1, table.shape[1], -1)
    return table.gather(2, flat).unflatten(2, index.shape[1:])


def _cells(maps: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(maps, CELL)
