"""What the feature network is taught, against scenes whose answers are known."""

import math

import numpy as np
import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer

from blender_addon.contract.frames import Frame, ObjectLabel, RenderSettings
from metasim_backend.grammar import grammar_from_dict
from metasim_backend.matching.prior_network import PriorNetwork, Sizes
from metasim_backend.training.prior_features import (
    answers,
    explained_by_slot,
    scenes_near,
    widened_scenes,
)
from metasim_backend.training.scene_generator import SceneGenerator


@pytest.fixture(scope="module")
def scenes():
    return SceneGenerator(grammar_from_dict(GRAMMAR))


def frame_with(index: np.ndarray, nodes: list[str]) -> Frame:
    labels = tuple(
        ObjectLabel(node, "car", i, int((index == i).sum()), None, None, 1.0, 0.0, 0)
        for i, node in enumerate(nodes, 1)
    )
    image = np.zeros((*index.shape, 3), np.uint8)
    depth = np.full(index.shape, 4.0, np.float32)
    return Frame(image, index.astype(np.uint16), depth, labels, np.eye(3), np.eye(4))


def test_cells_hold_the_attributes_of_what_covers_them(scenes):
    proposal = scenes.propose([0])
    cars = [node.id for node in proposal.scenes[0].of_class("car")]
    index = np.zeros((16, 24))
    index[0:8, 0:8] = 1  # the first cell whole
    index[8:16, 8:12] = 2  # half of the fifth
    made = answers(scenes.encoding, proposal, [frame_with(index, cars)])
    assert made.cover.shape == (1, 1, 2, 3)
    np.testing.assert_allclose(made.cover[0, 0], [[1, 0, 0], [0, 0.5, 0]])
    x = made.attributes[0, 0]
    values = [float(n.attributes["x"]) / 10 for n in proposal.scenes[0].of_class("car")]
    assert float(x[0, 0]) == pytest.approx(values[0], rel=1e-5)
    assert float(x[1, 1]) == pytest.approx(values[1], rel=1e-5)
    assert int(x.isnan().sum()) == 4
    turn = math.radians(float(proposal.scenes[0].of_class("car")[0].attributes["turn"]))
    assert float(made.attributes[0, 1, 0, 0]) == pytest.approx(math.sin(turn), abs=1e-5)
    assert float(made.attributes[0, -1, 0, 0]) == pytest.approx(1 / 4)


def test_the_scenes_numbers_weigh_objects_by_what_they_show(scenes):
    proposal = scenes.propose([0])
    nodes = proposal.scenes[0].of_class("car")
    index = np.zeros((16, 24))
    index[0:8, 0:8] = 2  # only the second is seen
    made = answers(scenes.encoding, proposal, [frame_with(index, [n.id for n in nodes])])
    light, x, spread = made.scene[0, :3]
    assert float(light) == pytest.approx(float(proposal.scenes[0].root.attributes["light"]))
    assert float(x) == pytest.approx(float(nodes[1].attributes["x"]) / 10, rel=1e-5)
    assert float(spread) == pytest.approx(0, abs=1e-3)  # of one there is none


def test_the_scenes_numbers_hold_the_spread_of_several_nodes(scenes):
    proposal = scenes.propose([0])
    nodes = proposal.scenes[0].of_class("car")
    index = np.zeros((16, 24))
    index[0:8, 0:8], index[8:16, 8:16] = 1, 2  # both are seen alike
    made = answers(scenes.encoding, proposal, [frame_with(index, [n.id for n in nodes])])
    both = np.array([float(n.attributes["x"]) / 10 for n in nodes])
    assert float(made.scene[0, 1]) == pytest.approx(both.mean(), rel=1e-5)
    assert float(made.scene[0, 2]) == pytest.approx(both.std(), rel=1e-4)


def test_with_two_harmonics_angles_are_read_with_their_double(scenes):
    """Of what looks alike from both ends only the double angle can be seen."""
    proposal = scenes.propose([0])
    nodes = proposal.scenes[0].of_class("car")
    index = np.zeros((8, 8))
    index[:] = 1
    frames = [frame_with(index, [n.id for n in nodes])]
    made = answers(scenes.encoding, proposal, frames, harmonics=2)
    turn = math.radians(float(nodes[0].attributes["turn"]))
    expected = [math.sin(turn), math.cos(turn), math.sin(2 * turn), math.cos(2 * turn)]
    np.testing.assert_allclose(made.attributes[0, 1:5, 0, 0], expected, atol=1e-5)


def test_an_attribute_that_nothing_shows_is_unknown(scenes):
    proposal = scenes.propose([0])
    nodes = [n.id for n in proposal.scenes[0].of_class("car")]
    made = answers(scenes.encoding, proposal, [frame_with(np.zeros((16, 24)), nodes)])
    assert bool(made.scene[0, 1].isnan()) and not bool(made.scene[0, 0].isnan())


def test_widened_scenes_are_wider_in_mutable_attributes_and_reproducible(scenes):
    wide = widened_scenes(scenes, 200, 0)
    slot = scenes.encoding.slot("field", "light").index
    rows = wide.batch.present[:, slot]
    prior = scenes.propose(range(200)).batch["values"][:, slot]
    assert wide.batch["values"][rows, slot].std() > 1.15 * prior[prior > 0].std()
    assert widened_scenes(scenes, 3, 0).scenes == wide.scenes[:3]


def test_answers_of_a_rendered_world_are_finite_where_known(scenes):
    proposal = scenes.propose(range(4))
    frames = BlobRenderer().render(proposal.scenes, [RenderSettings(SIZE, SIZE)] * 4)
    made = answers(scenes.encoding, proposal, frames)
    for part in (made.scene, made.cover, made.attributes):
        assert bool(torch.isfinite(part[~part.isnan()]).all())
    assert float(made.cover.max()) <= 1


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


def test_what_a_network_explains_is_told_by_slot(scenes):
    """Light, then mean and spread of x, then of sine and cosine of turn."""
    network = PriorNetwork(Sizes(7, 1, 4))
    network.explained.copy_(
        torch.tensor([0.9, 0.4, 0.99, 0.1, 0.99, 0.3, 0.99, 0.0, 0.0, 0.0, 0.0])
    )
    found = explained_by_slot(scenes.encoding, network)
    assert found == pytest.approx({"field.light": 0.9, "car.x": 0.4, "car.turn": 0.1})
    network.explained[0] = math.nan  # it did not vary
    assert explained_by_slot(scenes.encoding, network)["field.light"] == 1.0


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
