"""Whole steps of a run with the networks elsewhere: nothing of it is forgotten on the CPU."""

import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer
from pretended_device import DEVICE, pretended

from blender_addon.contract.frames import RenderSettings
from metasim_backend.distances.mmd import MMD
from metasim_backend.features.extractor import build_features
from metasim_backend.features.prior_network import PriorNetwork, Sizes
from metasim_backend.grammar import grammar_from_dict
from metasim_backend.networks.device import device_of
from metasim_backend.settings import MatchSettings, settings_from_dict
from metasim_backend.training import task_network
from metasim_backend.training.matching import Matcher, match
from metasim_backend.training.scene_generator import SceneGenerator


@pytest.mark.parametrize("behind_features", [False, True])
def test_matching_steps(behind_features):
    target = torch.rand(6, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))

    def learned(device):
        scenes = SceneGenerator(grammar_from_dict(GRAMMAR), seed=0)
        scenes.transformer.fit_prior(scenes.propose(range(20)).batch)
        features = build_features("prior", prior=PriorNetwork(Sizes(2, 1, 2))).to(device)
        features.fit_scale(target)
        matcher = Matcher(
            BlobRenderer(),
            RenderSettings(SIZE, SIZE),
            "full",
            features,
            MMD(features.extract(target)),
            behind_features,
        )
        steps = match(
            scenes,
            matcher,
            MatchSettings(steps=2, batch=4, learning_rate=5e-3, fraction=1.0),
            seed=1,
            optimiser=torch.optim.Adam(scenes.transformer.parameters(), lr=5e-3),
            first_step=0,
            part=(0, 2),
        )
        assert device_of(features) == device
        return [values for _, values in steps], scenes.transformer.head.bias.detach()

    expected, bias = learned(torch.device("cpu"))
    with pretended() as forgotten:
        found, found_bias = learned(DEVICE)
    assert [call for call in forgotten if "convolution" in call] == []
    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, rel=1e-2)
    torch.testing.assert_close(found_bias, bias, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("domain", ["driving", "mnist", "aerial2d"])
def test_the_setting_reaches_every_task_network(domain, monkeypatch):
    settings = settings_from_dict(
        {"networks": {"device": "cuda"}, "rendering": {"width": 64, "height": 64}}
    )
    asked = []

    def there(choice):
        asked.append(choice)
        return DEVICE

    monkeypatch.setattr(task_network, "network_device", there)
    with pretended():
        network = task_network.new_task_network(settings, domain)
    assert asked[-1] == "cuda"
    assert network.device == DEVICE and device_of(network.model) == DEVICE
