"""The search over each attribute's range finds valleys that no gradient leads to."""

from __future__ import annotations

import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer

from blender_addon.contract.frames import RenderSettings
from metasim_backend.distances.mmd import MMD
from metasim_backend.grammar import grammar_from_dict, sample_scene, with_overrides
from metasim_backend.training.matching import Matcher
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.shift_search import most_trials, search_shifts


class Flatten(torch.nn.Module):
    name = "pixels"

    def forward(self, images):
        return images.flatten(1)


def generator_and_matcher(changed: dict, **options):
    grammar = grammar_from_dict(GRAMMAR)
    hidden = with_overrides(grammar, {"classes": changed})
    shown = [sample_scene(hidden, 1000 + i) for i in range(150)]
    frames = BlobRenderer().render(shown, [RenderSettings(SIZE, SIZE)] * len(shown))
    target = torch.stack([torch.from_numpy(f.image) for f in frames]).permute(0, 3, 1, 2)
    scenes = SceneGenerator(grammar, seed=0)
    scenes.transformer.fit_prior(scenes.propose(range(50)).batch)
    torch.nn.init.zeros_(scenes.transformer.head.weight)
    matcher = Matcher(
        BlobRenderer(),
        RenderSettings(SIZE, SIZE),
        "full",
        Flatten(),
        MMD(target.flatten(1)),
        **options,
    )
    return scenes, matcher


def mean_of(scenes: SceneGenerator, class_name: str, attribute: str) -> float:
    proposal = scenes.propose(range(200, 260))
    slot = scenes.encoding.slot(class_name, attribute)
    rows = proposal.batch.present[:, slot.index]
    return float(scenes.distribution(proposal).mean[rows, slot.index].detach().mean())


BRIGHT = {"field": {"attributes": {"light": {"prior": {"uniform": [0.5, 0.9]}}}}}


def test_an_attribute_comes_to_the_tried_place_nearest_the_targets():
    scenes, matcher = generator_and_matcher(BRIGHT)
    slot = scenes.encoding.slot("field", "light")
    low, _ = slot.attribute.bounds
    wanted = (0.7 - low) / slot.attribute.span
    before = mean_of(scenes, "field", "light")
    moved = search_shifts(scenes, matcher, 20, 60, seed=3, turn=0)
    assert abs(before - wanted) > 0.1
    assert mean_of(scenes, "field", "light") == pytest.approx(wanted, abs=0.5 / 20 + 0.02)
    assert moved["field.light"] == pytest.approx(
        mean_of(scenes, "field", "light") - before, abs=1e-5
    )


def test_what_is_matched_already_and_what_is_not_seen_stay():
    scenes, matcher = generator_and_matcher({})
    assert search_shifts(scenes, matcher, 20, 60, seed=3, turn=0) == {}
    slots = len(scenes.encoding.slots)
    scenes, matcher = generator_and_matcher(BRIGHT, seen=torch.zeros(slots, dtype=torch.bool))
    assert search_shifts(scenes, matcher, 20, 60, seed=3, turn=0) == {}


def test_the_same_seed_finds_the_same_and_spreads_are_left_alone():
    found = []
    for _ in range(2):
        scenes, matcher = generator_and_matcher(BRIGHT)
        proposal = scenes.propose(range(20))
        before = scenes.distribution(proposal).spread.detach()
        found.append(search_shifts(scenes, matcher, 10, 40, seed=4, turn=1))
        assert torch.equal(scenes.distribution(proposal).spread.detach(), before)
    assert found[0] == found[1] != {}


def test_progress_is_told_for_each_place_and_never_beyond_the_most():
    scenes, matcher = generator_and_matcher(BRIGHT)
    tried = []
    search_shifts(scenes, matcher, 10, 40, seed=4, turn=1, tried_one=lambda: tried.append(1))
    most = most_trials(scenes, matcher, 10)
    assert 0 < most / 4 < len(tried) <= most
