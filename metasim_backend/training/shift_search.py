"""Out of the traps of MMD²: each attribute is tried all over its range before a round descends.

Far from the target MMD² is flat, and what looks much alike both ways round (a digit upside down)
has a second valley, from which no gradient leads out. So before a round's first step one attribute
after the other is moved, in all nodes alike, to each of some places over its range, and stays where
MMD² is least. It needs renders but no gradient, and leaves spreads as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from metasim_backend.grammar.encoding import Slot
from metasim_backend.rendering import differentiate
from metasim_backend.training.matching import Matcher
from metasim_backend.training.scene_generator import Proposal, SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed, generator

PASSES = 2
LEAST_GAIN = 0.1
CHANCE = 0.5  # over the batch's size: what the MMD² of a matched batch may differ by


@torch.no_grad()
def search_shifts(
    scenes: SceneGenerator,
    matcher: Matcher,
    places: int,
    batch: int,
    seed: int,
    turn: int,
    tried_one: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Move the transformer's output to the best of some shifts of each attribute.

    Args:
        matcher: renderer, φ and target; what it does not see is not moved.
        places: K, tried over each attribute's range or period.
        batch: scenes that MMD² is measured on, the same for every place.
        seed, turn: of the run, and its round of matching.
        tried_one: called after each place; at most :func:`most_trials` times.

    Returns:
        The shift of each attribute that was moved, by slot name, in the encoding's units. One is
        moved only when that lowers MMD² by a tenth, and by more than chance does.
    """
    proposal = scenes.propose([derive_seed(seed, "shift-search", turn, i) for i in range(batch)])
    distribution = scenes.distribution(proposal)
    values = distribution.rsample(generator(seed, "shift-search", turn))
    best = _mmd2(scenes, matcher, proposal, values)
    moved: dict[str, float] = {}
    for _ in range(PASSES):
        changed = False
        for slot in _searched(scenes, matcher):
            rows = distribution.numeric[:, slot.index]
            if not bool(rows.any()):
                continue
            tried = {}
            for shift in _shifts(slot, values[rows, slot.index], places):
                moved_there = _shifted(values, rows, slot, shift)
                tried[shift] = _mmd2(scenes, matcher, proposal, moved_there)
                tried_one()
            shift = min(tried, key=lambda s: tried[s])
            if tried[shift] < best - max(LEAST_GAIN * best, CHANCE / batch):
                best, changed = tried[shift], True
                values = _shifted(values, rows, slot, shift)
                moved[slot.name] = moved.get(slot.name, 0.0) + shift
                scenes.transformer.move_all(slot.index, shift)
        if not changed:
            break
    return moved


def most_trials(scenes: SceneGenerator, matcher: Matcher, places: int) -> int:
    """How many places a search may try."""
    return PASSES * places * len(_searched(scenes, matcher))


def _searched(scenes: SceneGenerator, matcher: Matcher) -> list[Slot]:
    """The mutable numeric attributes that the matcher sees."""
    return [
        slot
        for slot in scenes.encoding.slots
        if slot.attribute.mutable
        and slot.kind != "categorical"
        and (matcher.seen is None or bool(matcher.seen[slot.index]))
    ]


def _shifts(slot: Slot, values: Tensor, places: int) -> list[float]:
    """Of a period every K-th part; of a range what brings the mean to the middle of every K-th."""
    if slot.kind == "circular":
        return [k / places for k in range(1, places)]
    mean = float(values.mean())
    return [(k + 0.5) / places - mean for k in range(places)]


def _shifted(values: Tensor, rows: Tensor, slot: Slot, shift: float) -> Tensor:
    out = values.clone()
    out[rows, slot.index] += shift
    return out


def _mmd2(scenes: SceneGenerator, matcher: Matcher, proposal: Proposal, values: Tensor) -> float:
    images, _ = differentiate.render(
        matcher.renderer,
        scenes.encoding,
        proposal.scenes,
        proposal.split(values),
        proposal.split(torch.zeros_like(values, dtype=torch.bool)),
        noise_seeds(matcher.render_settings, proposal.scenes),
        method=matcher.method,
    )
    return float(matcher.mmd(matcher.features(images)))
