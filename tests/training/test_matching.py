"""Steps of matching: what φ cannot see is left alone, and noise can be held."""

from dataclasses import replace

import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer

from blender_addon.contract.frames import RenderSettings
from metasim_backend.distances.mmd import MMD
from metasim_backend.grammar import grammar_from_dict, load_grammar, sample_scene, with_overrides
from metasim_backend.settings import MatchSettings
from metasim_backend.training.matching import (
    Matcher,
    kinds_of_nodes,
    match,
    spreading_loss,
    staying_loss,
    widening,
)
from metasim_backend.training.scene_generator import SceneGenerator


class Flatten(torch.nn.Module):
    name = "pixels"

    def forward(self, images):
        return images.flatten(1)


def target_pictures():
    """Brighter than the prior's, and with more to the right."""
    changed = {
        "field": {"attributes": {"light": {"prior": {"normal": [0.9, 0.02]}}}},
        "car": {"attributes": {"x": {"prior": {"normal": [8, 0.3]}}}},
    }
    hidden = with_overrides(grammar_from_dict(GRAMMAR), {"classes": changed})
    scenes = [sample_scene(hidden, 1000 + i) for i in range(30)]
    frames = BlobRenderer().render(scenes, [RenderSettings(SIZE, SIZE)] * 30)
    return torch.stack([torch.from_numpy(f.image) for f in frames]).permute(0, 3, 1, 2)


def matched(steps=25, **options):
    """A generator after some steps, and its slots."""
    scenes = SceneGenerator(grammar_from_dict(GRAMMAR), seed=0)
    scenes.transformer.fit_prior(scenes.propose(range(50)).batch)
    matcher = Matcher(
        BlobRenderer(),
        RenderSettings(SIZE, SIZE),
        "full",
        Flatten(),
        MMD(target_pictures().flatten(1)),
        **options,
    )
    steps_taken = match(
        scenes,
        matcher,
        MatchSettings(steps=steps, batch=8, learning_rate=5e-3, fraction=1.0),
        seed=1,
        optimiser=torch.optim.Adam(scenes.transformer.parameters(), lr=5e-3),
        first_step=0,
        part=(0, steps),
    )
    assert [step for step, _ in steps_taken] == list(range(steps))
    return scenes


def moves(scenes, class_name, attribute):
    """Mean change of an attribute's mean, in the prior's deviations."""
    proposal = scenes.propose(range(200, 260))
    found = scenes.distribution(proposal)
    slot = scenes.encoding.slot(class_name, attribute).index
    rows = proposal.batch.present[:, slot]
    change = (found.mean - found.source)[rows, slot]
    return float(change.mean() / scenes.transformer.scale[slot])


def test_what_is_seen_moves_and_what_is_not_stays():
    encoding = SceneGenerator(grammar_from_dict(GRAMMAR)).encoding
    seen = torch.tensor([slot.name != "car.x" for slot in encoding.slots])
    free, held = matched(), matched(seen=seen)
    assert moves(free, "car", "x") > 0.3
    assert abs(moves(held, "car", "x")) < 0.1
    assert moves(held, "field", "light") > 0.5


def test_a_spread_that_is_held_stays_while_the_values_move():
    slots = len(SceneGenerator(grammar_from_dict(GRAMMAR)).encoding.slots)
    free, held = matched(), matched(held=torch.ones(slots, dtype=torch.bool))
    proposal = free.propose(range(300, 340))

    def change(scenes):
        found = scenes.distribution(proposal)
        return float(widening(scenes, found)[found.numeric].abs().mean())

    assert change(held) < 0.3 * change(free)
    assert moves(held, "car", "x") > 0.3 and moves(held, "field", "light") > 0.5
    slot = held.encoding.slot("car", "x").index
    rows = proposal.batch.present[:, slot]

    def spread(scenes):
        found = scenes.distribution(proposal)
        return float((found.mean - found.source)[rows, slot].std() / found.source[rows, slot].std())

    assert spread(held) < 0.1


def test_an_untrained_generator_has_nothing_to_be_held_back_from():
    scenes = SceneGenerator(grammar_from_dict(GRAMMAR), seed=0)
    torch.nn.init.zeros_(scenes.transformer.head.weight)
    found = scenes.distribution(scenes.propose(range(5)))
    assert float(staying_loss(scenes, found, found.numeric)) == pytest.approx(0, abs=1e-9)
    slot = scenes.encoding.slot("car", "turn").index
    place = scenes.transformer.numeric.index(slot)
    count = len(scenes.transformer.numeric)
    with torch.no_grad():
        scenes.transformer.head.bias[count + place] = 2.0  # moved by two deviations
    found = scenes.distribution(scenes.propose(range(5)))
    only = torch.zeros_like(found.numeric)
    only[:, slot] = found.numeric[:, slot]
    assert float(staying_loss(scenes, found, only)) == pytest.approx(4.0, rel=1e-4)


def test_what_is_fixed_apart_may_be_moved_apart_and_what_is_alike_may_not():
    scenes = SceneGenerator(grammar_from_dict(GRAMMAR), seed=0)
    torch.nn.init.zeros_(scenes.transformer.head.weight)
    proposal = scenes.propose(range(6))
    found = scenes.distribution(proposal)
    slot = scenes.encoding.slot("car", "x").index
    cars = torch.nonzero(proposal.batch.present[:, slot])[:, 0]
    mean = found.mean.detach().clone()
    mean[cars[::2], slot] += scenes.transformer.scale[slot]
    mean[cars[1::2], slot] -= scenes.transformer.scale[slot]
    moved = replace(found, mean=mean)
    only = torch.zeros_like(found.numeric)
    only[cars, slot] = True
    alike = torch.zeros(len(mean), dtype=torch.long)
    apart = alike.clone()
    apart[cars[1::2]] = 1
    assert float(spreading_loss(scenes, moved, only, apart)) == pytest.approx(0, abs=1e-6)
    assert float(spreading_loss(scenes, moved, only, alike)) == pytest.approx(1, rel=0.05)


def test_nodes_are_of_one_kind_when_class_and_fixed_categories_agree(project_root):
    grammar = load_grammar(project_root / "scenes" / "aerial2d.yaml")
    scenes = SceneGenerator(grammar, seed=0)
    proposal = scenes.propose(range(5))
    kinds = kinds_of_nodes(scenes, proposal).tolist()
    nodes = [node for scene in proposal.scenes for node in scene.nodes]
    known: dict[tuple, set] = {}
    for node, kind in zip(nodes, kinds, strict=True):
        known.setdefault((node.class_name, node.attributes.get("lane")), set()).add(kind)
    assert all(len(found) == 1 for found in known.values())
    assert len({next(iter(found)) for found in known.values()}) == len(known)
    assert known["car", "left"] != known["car", "right"]


def test_what_a_prior_draws_at_random_makes_no_kind_of_its_own(project_root):
    grammar = load_grammar(project_root / "scenes" / "mnist_rotation.yaml")
    scenes = SceneGenerator(grammar, seed=0)
    proposal = scenes.propose(range(20))
    labels = {scene.of_class("digit")[0].attributes["label"] for scene in proposal.scenes}
    kinds = kinds_of_nodes(scenes, proposal)
    assert len(labels) > 3
    assert len(kinds.unique()) == len(proposal.batch.node_class.unique())
