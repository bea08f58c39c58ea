"""Streets from which those with the wanted content are chosen.

Some of them are the generator's own. In the others things stand elsewhere along and across the road
than it puts them, so that content can be chosen that it does not make by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.grammar.separation import separated
from metasim_backend.grammar.street_boxes import VEHICLES
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed, generator

DISPLACED = 0.6
"""Share of the proposals in which vehicles are displaced."""
PLACES = ("along", "across")
TOGETHER, APART = 0.2, 0.2
"""Standard deviations, as shares of an attribute's range, of how far all vehicles of a class are
moved alike, and each by itself."""


def proposals(
    scenes: SceneGenerator, count: int, seed: int, *, learned: bool = True
) -> list[SceneGraph]:
    """Streets of the generator, and some with displaced vehicles; a function of the arguments.

    Args:
        learned: of what the generator has learned; else of its grammar.
    """
    seeds = [derive_seed(seed, "proposal", i) for i in range(count)]
    drawn = scenes.proposed(seeds, alone=True) if learned else scenes.prior(seeds)
    made = scenes.transform_all(drawn, derive_seed(seed, "proposal")) if learned else drawn
    out = []
    for one, before, after in zip(seeds, drawn, made, strict=True):
        source = generator(one, "displaced")
        if float(torch.rand((), generator=source)) < DISPLACED:
            after = _displaced(scenes.encoding, after, source)
        # What is as it was drawn meets the conditions already.
        out.append(after if after is before else separated(scenes.grammar, before, after))
    return out


def _displaced(encoding: Encoding, scene: SceneGraph, source: torch.Generator) -> SceneGraph:
    data = encoding.encode(scene)
    places = _places(encoding)
    shape = data.values.shape
    alike = TOGETHER * torch.randn(1, shape[1], generator=source)
    each = APART * torch.randn(shape, generator=source)
    moved = data.mutable & data.present & places
    return encoding.decode(scene, torch.where(moved, data.values + alike + each, data.values))


def _places(encoding: Encoding) -> Tensor:
    """[slots]: which say where a vehicle stands."""
    return torch.tensor(
        [slot.class_name in VEHICLES and slot.attribute.name in PLACES for slot in encoding.slots]
    )
