"""φ, its networks and the count network run where they are told, and answer on the CPU as there."""

from collections import OrderedDict

import pytest
import torch
from coloured_squares import answers, squares
from pretended_device import DEVICE, pretended
from torch import nn

from metasim_backend.features.count_network import CountTraining, train_count_network
from metasim_backend.features.extractor import FeatureExtractor, build_features, counting_features
from metasim_backend.features.picture_distances import inception_pool
from metasim_backend.features.pretrained_cells import PretrainedCells
from metasim_backend.features.prior_training import Answers, PriorTraining, train_prior_network
from metasim_backend.networks.device import device_of
from metasim_backend.networks.stages import TORCHVISION, Family, StageNetwork

CPU = torch.device("cpu")


@pytest.fixture
def on_both():
    """The results of something on the CPU and elsewhere: alike, and all of them on the CPU."""

    def compare(made):
        expected = made(CPU)
        with pretended() as forgotten:
            found = made(DEVICE)
        assert forgotten == []
        for one, other in zip(expected, found, strict=True):
            assert type(other) is torch.Tensor
            torch.testing.assert_close(other, one, rtol=1e-2, atol=1e-4, equal_nan=True)

    return compare


def backbone(inception=False):
    torch.manual_seed(0)
    layers = OrderedDict(
        (name, nn.Conv2d(before, 4, 3, 2, 1)) for name, before in (("a", 3), ("b", 4), ("c", 4))
    )
    family = Family(("a", "b", "c"), least_side=1, inception=inception)
    return StageNetwork(nn.Sequential(layers), family, TORCHVISION, "")


@pytest.mark.parametrize("kind", ["imagenet", "inception"])
def test_an_imagenet_network(kind, on_both):
    images = (squares(6)[0] * 255).to(torch.uint8)

    def made(device):
        network = backbone(kind == "inception")
        features = FeatureExtractor(network, ((2, 4), (2, 4), (1, 1)), "").to(device)
        assert device_of(features) == device
        features.fit_scale(images)
        pictures = (images.float() / 255).requires_grad_()
        found = features(pictures)
        found.square().sum().backward()
        more = [inception_pool(network, images, 4)] if kind == "inception" else []
        return [features.extract(images, 4), found.detach(), pictures.grad, *more]

    on_both(made)


def test_a_network_that_is_trained_on_the_priors_renders(on_both, tmp_path):
    images, index, units, grounds = squares(16)
    truth = answers(index, units, grounds)
    asked = Answers(truth.scene, truth.density.clamp(0, 1), truth.density)
    states = []

    def made(device):
        settings = PriorTraining(epochs=1, batch_size=8)
        network = train_prior_network(images, asked, 3, settings, device=device)
        again = train_prior_network(images, asked, 4, settings, begin=network, device=device)
        assert device_of(again) == device
        network.save(tmp_path / "network.pt")
        features = build_features("prior", prior=network).to(device)
        pictures = images[:5].clone().requires_grad_()
        found = features.fit_scale(images)(pictures)
        found.sum().backward()
        states.append({name: value.cpu() for name, value in features.state_dict().items()})
        return [found.detach(), pictures.grad, again.explained.cpu()]

    on_both(made)
    # What was learned elsewhere is read here.
    read = build_features(tmp_path / "network.pt")
    read.load_state_dict(states[1])
    assert read(images[:5]).isfinite().all()


@pytest.mark.parametrize("own", [True, False])
def test_a_count_network(own, on_both):
    images, index, units, grounds = squares(16)
    truth = answers(index, units, grounds)

    def made(device):
        cells = None if own else PretrainedCells(backbone()).to(device)
        network = train_count_network(
            images, truth, 2, CountTraining(epochs=1, batch_size=8), cells=cells, device=device
        )
        assert device_of(network) == device
        read = network(images)
        return [read, counting_features(network).extract(images), network.error.cpu()]

    on_both(made)
