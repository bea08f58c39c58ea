"""Scenes and answers for the small feature network that is trained on the prior's own renders.

The network learns to read scene attributes off a picture: the mean of every mutable attribute
and the count of every class. Features that can tell attributes apart are what matching needs.
Its training scenes are the prior's with attributes spread wider, because the target's attributes
may lie outside the prior.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.training.scene_generator import Proposal, SceneGenerator
from metasim_backend.training.seeds import derive_seed, generator

SCENE_SHIFT = 0.15
NODE_SHIFT = 0.05
SHARE_SHIFTED = 0.6


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


def scene_statistics(encoding: Encoding, proposal: Proposal) -> Tensor:
    """[B, T]: per scene the mean of each mutable numeric slot (circular ones as mean sine and
    cosine) and the number of nodes of each class; each column standardised, absent means 0."""
    columns = []
    for values, present, mutable, node_class in zip(
        *(
            proposal.split(getattr(proposal.batch, name))
            for name in ("values", "present", "mutable", "node_class")
        ),
        strict=True,
    ):
        row: list[Tensor] = []
        for slot in encoding.slots:
            if slot.attribute.kind == "categorical":
                continue
            chosen = values[(present & mutable)[:, slot.index], slot.index]
            if slot.attribute.kind == "circular":
                parts = [(2 * math.pi * chosen).sin(), (2 * math.pi * chosen).cos()]
            else:
                parts = [chosen]
            row += [p.mean() if p.numel() else torch.tensor(math.nan) for p in parts]
        counts = torch.bincount(node_class, minlength=encoding.class_count).float()
        columns.append(torch.cat([torch.stack(row), counts]))
    table = torch.stack(columns).double()
    missing = table.isnan()
    filled = torch.where(missing, 0.0, table)
    count = (~missing).sum(dim=0).clamp_min(1)
    mean = filled.sum(dim=0) / count
    deviation = torch.where(missing, 0.0, table - mean)
    spread = (deviation.square().sum(dim=0) / count).sqrt()
    varying = spread > 1e-6
    return (deviation[:, varying] / spread[varying]).float()
