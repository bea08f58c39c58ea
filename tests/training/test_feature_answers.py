"""What the feature network is taught, against scenes whose answers are known."""

import math

import numpy as np
import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer

from blender_addon.contract.frames import Frame, ObjectLabel, RenderSettings
from metasim_backend.features.prior_network import PriorNetwork, Sizes
from metasim_backend.grammar import grammar_from_dict
from metasim_backend.training.feature_answers import answers, explained_by_slot
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


def test_answers_of_a_rendered_world_are_finite_where_known(scenes):
    proposal = scenes.propose(range(4))
    frames = BlobRenderer().render(proposal.scenes, [RenderSettings(SIZE, SIZE)] * 4)
    made = answers(scenes.encoding, proposal, frames)
    for part in (made.scene, made.cover, made.attributes):
        assert bool(torch.isfinite(part[~part.isnan()]).all())
    assert float(made.cover.max()) <= 1


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
