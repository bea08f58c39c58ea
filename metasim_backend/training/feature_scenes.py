"""Scenes that the small feature network is trained on.

The target's attributes may lie outside the prior, so these are the prior's scenes with attributes
spread wider; in later rounds of matching, scenes near what the generator makes by then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.statistics.circular_tensors import offsets_from_mean
from metasim_backend.training.scene_generator import Proposal, SceneGenerator
from metasim_backend.training.seeds import derive_seed, generator

SCENE_SHIFT = 0.15
NODE_SHIFT = 0.05
SHARE_SHIFTED = 0.6
SHARE_OVER_RANGE = 0.75
SHARE_CHANGED = 0.8
TIMES_SPREAD = 2.0
LEAST_SPREAD = 0.02  # of the range: what has collapsed must be seen to vary again
LEAST_WEIGHT = 0.1


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
        out.append(widened(scenes, scene, generator(seed, "feature-shift", i), widen))
    return scenes.encode(out)


def widened(
    scenes: SceneGenerator, scene: SceneGraph, source: torch.Generator, widen: str
) -> SceneGraph:
    """One scene with other mutable attributes; see :func:`widened_scenes`."""
    data = scenes.encoding.encode(scene)
    if widen == "range":
        anywhere = torch.rand(data.values.shape, generator=source)
        chosen = torch.rand(data.values.shape, generator=source) < SHARE_OVER_RANGE
        numeric = torch.tensor([slot.kind != "categorical" for slot in scenes.encoding.slots])
        changing = data.mutable & data.present & chosen & numeric
        values = torch.where(changing, anywhere, data.values)
        return scenes.encoding.decode(scene, values)
    slots = scenes.encoding.slot_count
    shift = SCENE_SHIFT * torch.randn(1, slots, generator=source)
    shift = shift * (torch.rand(1, slots, generator=source) < SHARE_SHIFTED)
    own = NODE_SHIFT * torch.randn(data.values.shape, generator=source)
    for slot in scenes.encoding.slots:
        if slot.attribute.kind == "categorical":
            shift[:, slot.index] = 0
            own[:, slot.index] = 0
    values = torch.where(data.mutable & data.present, data.values + shift + own, data.values)
    return scenes.encoding.decode(scene, values)


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
    proposed = scenes.proposed([derive_seed(seed, "feature-scene", turn, i) for i in range(count)])
    learned = scenes.transform_all(proposed, derive_seed(seed, "feature-scene", turn))
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
            _, own = offsets_from_mean(own)
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
