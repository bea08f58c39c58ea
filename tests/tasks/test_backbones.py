"""Feature pyramids: weights by path, TensorFlow's padding, norms that train."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.ops import FrozenBatchNorm2d

from metasim_backend.networks.tensorflow_padding import SamePaddedConv2d, pad_as_tensorflow
from metasim_backend.tasks.backbones import (
    BACKBONES,
    BackboneError,
    FixedBatchNorm2d,
    build_pyramid,
)

DATA = Path(os.environ.get("METASIM_DATA", Path(__file__).parents[2] / "../shared/data"))
MOBILENET = DATA / "weights" / "mobilenet_v2_imagenet_1001.pth"
needs_mobilenet = pytest.mark.skipif(not MOBILENET.is_file(), reason=f"{MOBILENET} is not there")


@pytest.fixture(autouse=True)
def seed():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


@pytest.mark.parametrize("backbone", BACKBONES)
def test_levels_have_strides_4_to_64(backbone):
    pyramid = build_pyramid(backbone, "none", "group", 4, 32).module
    with torch.no_grad():
        levels = pyramid(torch.rand(1, 3, 64, 128))
    assert {name: tuple(level.shape[1:]) for name, level in levels.items()} == {
        "0": (32, 16, 32),
        "1": (32, 8, 16),
        "2": (32, 4, 8),
        "3": (32, 2, 4),
        "pool": (32, 1, 2),
    }


@pytest.mark.parametrize("size", [7, 8, 15, 16])
@pytest.mark.parametrize("kernel", [3, 5])
def test_same_padding_puts_the_odd_pixel_right_and_below(size, kernel):
    # TensorFlow's rule, cell by cell: output i sees inputs from i * 2 - total // 2 on.
    conv = SamePaddedConv2d(1, 1, kernel, stride=2, bias=False)
    image = torch.rand(1, 1, size, size)
    cells = -(-size // 2)
    total = max((cells - 1) * 2 + kernel - size, 0)
    expected = torch.zeros(cells, cells)
    for i in range(cells):
        for j in range(cells):
            for a in range(kernel):
                for b in range(kernel):
                    y, x = 2 * i - total // 2 + a, 2 * j - total // 2 + b
                    if 0 <= y < size and 0 <= x < size:
                        expected[i, j] += conv.weight[0, 0, a, b].item() * image[0, 0, y, x]
    assert torch.allclose(conv(image)[0, 0], expected, atol=1e-6)


def test_only_strided_convolutions_are_padded_anew_and_keep_their_weights():
    network = models.mobilenet_v2(num_classes=3).features
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    pad_as_tensorflow(network)
    padded = [m for m in network.modules() if isinstance(m, SamePaddedConv2d)]
    strided = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
    assert len(padded) == len(strided) == 5
    assert all(torch.equal(before[n], t) for n, t in network.state_dict().items())


def test_fixed_norm_is_torchvisions_frozen_norm_and_stays_so_in_training():
    frozen = FrozenBatchNorm2d(6)
    for name, low in (("weight", 0.5), ("bias", -1), ("running_mean", -1), ("running_var", 0.5)):
        getattr(frozen, name).uniform_(low, low + 1)
    fixed = FixedBatchNorm2d(6)
    fixed.load_state_dict(frozen.state_dict(), strict=False)
    x = torch.randn(3, 6, 5, 4)
    for norm in (fixed, fixed.train()):
        assert torch.allclose(norm(x), frozen(x), atol=1e-6)
    assert torch.equal(fixed.running_mean, frozen.running_mean)


@needs_mobilenet
def test_weights_by_path_give_the_classifiers_own_features():
    pyramid = build_pyramid("mobilenet_v2", str(MOBILENET), "frozen", 2, 16)
    classifier = models.mobilenet_v2(num_classes=1001)
    classifier.load_state_dict(torch.load(MOBILENET, weights_only=True))
    classifier.eval()
    pad_as_tensorflow(classifier)
    image = torch.rand(1, 3, 64, 96) * 2 - 1
    with torch.no_grad():
        expected = classifier.features[:18](image)
        assert torch.allclose(pyramid.module.body(image)["3"], expected, atol=1e-4)
    assert pyramid.mean == pyramid.std == (0.5, 0.5, 0.5)
    assert "mobilenet_v2_imagenet_1001.pth" in pyramid.weights


@needs_mobilenet
def test_stages_before_the_trained_ones_are_fixed():
    body = build_pyramid("mobilenet_v2", str(MOBILENET), "frozen", 1, 16).module.body
    trained = {name.split(".")[0] for name, p in body.named_parameters() if p.requires_grad}
    assert trained == {"14", "15", "16", "17"}


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save(models.mobilenet_v3_small(num_classes=2).state_dict(), path)
    with pytest.raises(BackboneError, match="do not fit backbone mobilenet_v2"):
        build_pyramid("mobilenet_v2", str(path), "frozen", 2, 16)


def test_bad_weights_and_names_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(BackboneError, match=r"no\.pth' does not exist"):
        build_pyramid("resnet18", str(tmp_path / "no.pth"), "frozen", 2, 16)
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(BackboneError, match="not a PyTorch state dict"):
        build_pyramid("resnet18", str(tmp_path / "text.pth"), "frozen", 2, 16)
    with pytest.raises(BackboneError, match="Unknown backbone 'vgg'"):
        build_pyramid("vgg", "none", "group", 2, 16)
    torch.save(models.resnet18(num_classes=2).state_dict(), tmp_path / "r.pth")
    with pytest.raises(BackboneError, match="'group' cannot use them"):
        build_pyramid("resnet18", str(tmp_path / "r.pth"), "group", 2, 16)


def test_a_normed_pyramid_has_group_norm_whatever_the_backbones_norm():
    def norms(**settings):
        fpn = build_pyramid("mobilenet_v2", "none", trained_stages=4, channels=16, **settings)
        return sum(isinstance(m, nn.GroupNorm) for m in fpn.module.fpn.modules())

    assert norms(norm="frozen") == 0
    assert norms(norm="frozen", normed_pyramid=True) == norms(norm="group") == 8
