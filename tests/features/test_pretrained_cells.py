"""Counts read off what an ImageNet network sees."""

import pytest
import torch
from coloured_squares import answers, squares
from torchvision import models

from metasim_backend.features.count_network import CountNetwork, CountTraining, train_count_network
from metasim_backend.features.pretrained_cells import PretrainedCells
from metasim_backend.networks.imagenet import file_network


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(models.resnet18().state_dict(), path)
    return path


def test_cells_are_those_that_densities_have(weights):
    cells = PretrainedCells(file_network(weights))
    seen = cells(torch.rand(2, 3, 20, 33))
    assert seen.shape == (2, 128 + 256, 3, 5) and cells.channels == 384
    assert not cells.train().network.training  # BatchNorm keeps what it learned of photographs


def test_only_the_reading_is_learned_and_it_reads_new_pictures(weights):
    images, index, units, grounds = squares(600)
    cells = PretrainedCells(file_network(weights))
    before = {name: value.clone() for name, value in cells.state_dict().items()}
    network = train_count_network(
        images, answers(index, units, grounds), 0, CountTraining(epochs=10), cells=cells
    )
    assert all(torch.equal(before[name], value) for name, value in cells.state_dict().items())
    new_images, new_index, new_units, new_grounds = squares(200, 1)
    counts = answers(new_index, new_units, new_grounds).counts()
    read = network(new_images)
    for column, wanted in ((0, counts[:, 0]), (1, counts[:, 1]), (2, counts.sum(1))):
        assert float(torch.corrcoef(torch.stack([read[:, column], wanted]))[0, 1]) > 0.8
    again = CountNetwork(
        network.classes, network.choices, cells=PretrainedCells(file_network(weights))
    )
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again.eval()(new_images), read)
