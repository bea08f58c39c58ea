"""Counting: densities that add up to counts, a network that learns them."""

import numpy as np
import pytest
import torch
from coloured_squares import SIZE, answers, squares

from metasim_backend.features.count_network import (
    CountNetwork,
    CountTraining,
    densities,
    train_count_network,
)
from metasim_backend.features.extractor import counting_features
from metasim_backend.features.prior_training import PriorTrainingError


def test_each_object_that_is_seen_has_one_unit_of_mass_where_it_is_seen():
    index = torch.zeros(2, 20, 19, dtype=torch.long)
    index[0, 0:4, 6:10] = 1  # half in the first cell, half in the second
    index[0, 16:20, 17:19] = 2  # in the last cells, which the edge cuts
    index[1, 9, 9] = 3
    units = torch.tensor([[-1, 0, 1, -1], [-1, 1, 0, 1]])
    found = densities(index, units)
    assert found.shape == (2, 2, 3, 3)
    network = CountNetwork(("a", "b"), ())
    assert network.readings(network.seen(torch.zeros(2, 3, 20, 19)))[0].shape == found.shape
    expected = torch.zeros(2, 2, 3, 3)
    expected[0, 0, 0, 0] = expected[0, 0, 0, 1] = 0.5
    expected[0, 1, 2, 2] = 1
    expected[1, 1, 1, 1] = 1  # objects 1 and 2 of the second picture are not seen
    torch.testing.assert_close(found, expected)


def test_counts_and_the_stripe_are_read_off_new_pictures():
    images, index, units, grounds = squares(600)
    network = train_count_network(
        images, answers(index, units, grounds), 0, CountTraining(epochs=6)
    )
    assert network.names == ("red", "green", "all", "stripe")
    new_images, new_index, new_units, new_grounds = squares(200, 1)
    truth = answers(new_index, new_units, new_grounds)
    read = network(new_images)
    counts = truth.counts()
    for column, wanted in ((0, counts[:, 0]), (1, counts[:, 1]), (2, counts.sum(1))):
        assert float(np.corrcoef(read[:, column], wanted)[0, 1]) > 0.9
    assert float(np.corrcoef(read[:, 3], new_grounds)[0, 1]) > 0.9
    assert all(share > 0.7 for share in network.explained().values())
    # What it says of its error holds for new pictures.
    error = (read[:, 2] - counts.sum(1)).square().mean().sqrt()
    assert float(network.error[2]) == pytest.approx(float(error), rel=0.5)


def test_the_same_seed_gives_the_same_network():
    images, index, units, grounds = squares(40)
    made = [
        train_count_network(images, answers(index, units, grounds), 5, CountTraining(epochs=1))
        for _ in range(2)
    ]
    for first, second in zip(*(m.state_dict().values() for m in made), strict=True):
        assert torch.equal(first, second)


def test_what_does_not_vary_cannot_be_counted():
    images, index, units, _ = squares(20)
    one = index[:1].expand(20, -1, -1), units[:1].expand(20, -1)
    with pytest.raises(PriorTrainingError, match="same structure"):
        train_count_network(images, answers(*one, np.zeros(20)))
    with pytest.raises(PriorTrainingError, match="at least 8"):
        train_count_network(images[:4], answers(index, units, np.zeros(20)))


def test_readings_serve_as_features_in_units_of_the_priors_spread():
    network = CountNetwork(("car",), ())
    network.spread.copy_(torch.tensor([2.0, 4.0]))
    network.eval()
    features = counting_features(network)
    images = torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        features(images), network(images) / torch.tensor([2.0, 4.0]) / 2**0.5
    )
