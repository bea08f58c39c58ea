"""Scenes for the feature network: wider than the prior's, or near what the generator makes."""

import numpy as np
import pytest
from blob_world import GRAMMAR

from metasim_backend.grammar import grammar_from_dict
from metasim_backend.training.feature_scenes import scenes_near, widened_scenes
from metasim_backend.training.scene_generator import SceneGenerator


@pytest.fixture(scope="module")
def scenes():
    return SceneGenerator(grammar_from_dict(GRAMMAR))


def test_widened_scenes_are_wider_in_mutable_attributes_and_reproducible(scenes):
    wide = widened_scenes(scenes, 200, 0)
    slot = scenes.encoding.slot("field", "light").index
    rows = wide.batch.present[:, slot]
    prior = scenes.propose(range(200)).batch["values"][:, slot]
    assert wide.batch["values"][rows, slot].std() > 1.15 * prior[prior > 0].std()
    assert widened_scenes(scenes, 3, 0).scenes == wide.scenes[:3]


def test_scenes_over_the_range_reach_where_the_prior_does_not(scenes):
    wide = widened_scenes(scenes, 300, 0, "range")
    slot = scenes.encoding.slot("field", "light").index
    values = wide.batch["values"][wide.batch.present[:, slot], slot]
    assert values.min() < 0.05 and values.max() > 0.95  # the prior's lie between 0.3 and 0.7
    within = ((values > 0.3) & (values < 0.7)).float().mean()
    assert float(within) == pytest.approx(0.25 + 0.75 * 0.4, abs=0.08)


def test_scenes_near_the_generator_have_at_most_one_attribute_of_a_node_elsewhere(scenes):
    proposal = scenes_near(scenes, 60, 0, 1)
    assert scenes_near(scenes, 60, 0, 2).scenes != proposal.scenes
    seeds = [scene.seed for scene in proposal.scenes]
    prior = scenes.propose(seeds)  # an untrained transformer changes few numbers and little
    change = proposal.batch["values"] - prior.batch["values"]
    numeric = [s.index for s in scenes.encoding.slots if s.kind != "categorical"]
    change[:, scenes.encoding.slot("car", "turn").index] -= change[
        :, scenes.encoding.slot("car", "turn").index
    ].round()
    off = change[:, numeric].abs() > 0.1
    assert int(off.sum(1).max()) == 1
    assert float(off.any(1).float().mean()) > 0.4


def test_what_could_not_be_read_is_varied_more_often(scenes):
    encoding = scenes.encoding
    known = {"field.light": 0.0, "car.x": 0.99, "car.turn": 0.0}
    proposal = scenes_near(scenes, 300, 0, 1, explained=known)
    before = scenes.propose([scene.seed for scene in proposal.scenes]).batch["values"]
    off = (proposal.batch["values"] - before).abs() > 0.1
    turned, moved = (int(off[:, encoding.slot("car", name).index].sum()) for name in ("turn", "x"))
    assert turned > 5 * moved > 0


def test_scenes_nearer_yet_are_moved_by_twice_the_spread(scenes):
    proposal = scenes_near(scenes, 400, 0, 2, "spread")
    before = scenes.propose([scene.seed for scene in proposal.scenes]).batch["values"]
    slot = scenes.encoding.slot("field", "light").index
    rows = proposal.batch.present[:, slot]
    spread = float(before[rows, slot].std())  # an untrained transformer leaves it
    move = (proposal.batch["values"] - before)[rows, slot]
    moved = move[move.abs() > 0.05 * 1]
    assert float((move.abs() > 0.05).float().mean()) == pytest.approx(0.42, abs=0.08)
    assert float(move.square().mean().sqrt()) == pytest.approx(spread * 2 * 0.5**0.5, rel=0.15)
    assert abs(float(moved.mean())) < spread / 2


def test_a_batch_of_scenes_is_transformed_like_one_by_one(scenes):
    """The same distribution: an untrained transformer's spread is 0.01 about what came in."""
    prior = scenes.prior(range(300))
    learned = scenes.transform_all(prior, 5)
    assert [s.seed for s in learned] == [s.seed for s in prior]
    assert learned == scenes.transform_all(prior, 5) != scenes.transform_all(prior, 6)
    change = np.array(
        [
            float(b.root.attributes["light"]) - float(a.root.attributes["light"])
            for a, b in zip(prior, learned, strict=True)
        ]
    )
    single = np.array(
        [
            float(b.root.attributes["light"]) - float(a.root.attributes["light"])
            for a, b in zip(prior, [scenes.transform(s) for s in prior], strict=True)
        ]
    )
    assert change.std() == pytest.approx(single.std(), rel=0.2)
    assert abs(change.mean() - single.mean()) < 0.005
