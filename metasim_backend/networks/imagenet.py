"""ImageNet networks as lists of stages: from torchvision's weights or from a weights file.

A file's network is told by its keys:

- MobileNetV2 with 1,001 classes comes from TensorFlow: SAME padding, inputs in [-1, 1], and
  BatchNorm with ε = 1e-3;
- SqueezeNet 1.1 without a classifier comes from Caffe: inputs BGR, 0-255, minus a mean;
- everything else is read as torchvision's own: RGB, standardised with ImageNet's mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from metasim_backend.networks.packaged import PACKAGED, packaged_network
from metasim_backend.networks.stages import (
    CAFFE,
    MINUS_ONE_TO_ONE,
    TORCHVISION,
    Family,
    FeaturesError,
    InputScaling,
    StageNetwork,
    read_state,
)
from metasim_backend.networks.tensorflow_padding import pad_as_tensorflow
from metasim_backend.networks.weights_download import DownloadError, cached_or_downloaded

_RESNET = Family(("layer2", "layer3", "layer4"), fine="layer1")
_FAMILIES: dict[str, Family] = {
    "resnet18": _RESNET,
    "resnet34": _RESNET,
    "resnet50": _RESNET,
    "resnet101": _RESNET,
    "resnet152": _RESNET,
    "inception_v3": Family(
        ("Mixed_5d", "Mixed_6e", "Mixed_7c"), least_side=128, inception=True, fine="maxpool1"
    ),
    "mobilenet_v2": Family(("6", "13", "18"), fine="3"),
    "mobilenet_v3_large": Family(("6", "12", "16"), fine="3"),
    "squeezenet1_1": Family(("4", "7", "12"), fine="2"),
    "vgg16": Family(("15", "22", "29"), fine="9"),
}
IMAGENET_NETWORKS = tuple(_FAMILIES)
_RESNET_BLOCKS = {
    ("basic", 2, 2, 2, 2): "resnet18",
    ("basic", 3, 4, 6, 3): "resnet34",
    ("bottleneck", 3, 4, 6, 3): "resnet50",
    ("bottleneck", 3, 4, 23, 3): "resnet101",
    ("bottleneck", 3, 8, 36, 3): "resnet152",
}


def imagenet_network(choice: str) -> StageNetwork:
    """The network of a torchvision name or of a weights file's path.

    Raises:
        FeaturesError: neither of them, or weights that cannot be had.
    """
    if choice in _FAMILIES:
        return torchvision_network(choice)
    if choice == PACKAGED:
        return packaged_network()
    if not Path(choice).is_file():
        raise FeaturesError(
            f"There is no ImageNet network {choice!r}; choose {PACKAGED}, "
            f"{', '.join(IMAGENET_NETWORKS)} or the path of a weights file."
        )
    return file_network(Path(choice))


def torchvision_network(
    name: str, *, first_answer: float = 5.0, whole: float = 600.0
) -> StageNetwork:
    """A network with torchvision's DEFAULT ImageNet weights, cached or downloaded.

    Args:
        name: one of :data:`IMAGENET_NETWORKS`.
        first_answer, whole: seconds, as in :func:`cached_or_downloaded`.

    Raises:
        FeaturesError: unknown name, or weights that cannot be had.
    """
    if name not in _FAMILIES:
        raise FeaturesError(
            f"Unknown feature network {name!r}; choose {', '.join(IMAGENET_NETWORKS)}."
        )
    weights = models.get_model_weights(name).DEFAULT  # type: ignore[attr-defined]
    try:
        path = cached_or_downloaded(weights.url, first_answer=first_answer, whole=whole)
    except DownloadError as error:
        raise FeaturesError(f"ImageNet weights of {name} cannot be had: {error}") from error
    # torchvision's Inception comes from TensorFlow and re-scales its input by itself.
    scaling = MINUS_ONE_TO_ONE if name == "inception_v3" else TORCHVISION
    described = f"{name} with torchvision's ImageNet weights {weights.name}"
    return _build(name, read_state(path), scaling, described, str(path))


def file_network(path: Path, state: Mapping[str, Tensor] | None = None) -> StageNetwork:
    """The network of a weights file.

    Args:
        path: a state dict saved by ``torch.save``.
        state: its content, when it was read already.

    Raises:
        FeaturesError: no such file, not a state dict, or not of a network that is known.
    """
    state = read_state(path) if state is None else state
    name = _recognise(state)
    if name is None:
        raise FeaturesError(
            f"The weights file {path} is of no network that is known here; give one of "
            f"{', '.join(IMAGENET_NETWORKS)}."
        )
    classes = next(
        (len(v) for k, v in state.items() if k in ("fc.weight", "classifier.1.weight")), None
    )
    scaling, from_tensorflow, remark = TORCHVISION, False, "torchvision's input scaling"
    if name == "mobilenet_v2" and classes == 1001:
        scaling, from_tensorflow = MINUS_ONE_TO_ONE, True
        remark = "TensorFlow's padding, inputs in [-1, 1]"
    elif name == "squeezenet1_1" and classes is None:
        scaling, remark = CAFFE, "inputs BGR minus Caffe's mean"
    elif name == "inception_v3":
        scaling, remark = MINUS_ONE_TO_ONE, "inputs in [-1, 1]"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    described = f"{name} with the weights file {path.name} (SHA-256 {digest}; {remark})"
    network = _build(name, state, scaling, described, str(path))
    if from_tensorflow:
        use_tensorflow_arithmetic(network)
    return network


def use_tensorflow_arithmetic(network: nn.Module) -> None:
    """SAME padding for strided convolutions, ε = 1e-3 for BatchNorm; weights stay."""
    pad_as_tensorflow(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3


def _recognise(state: Mapping[str, Any]) -> str | None:
    if "layer4.0.conv1.weight" in state:
        kind = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
        blocks = [
            len({key.split(".")[1] for key in state if key.startswith(f"layer{stage}.")})
            for stage in (1, 2, 3, 4)
        ]
        return _RESNET_BLOCKS.get((kind, *blocks))  # type: ignore[arg-type]
    for key, name in (
        ("Mixed_7c.branch_pool.conv.weight", "inception_v3"),
        ("features.18.0.weight", "mobilenet_v2"),
        ("features.16.0.weight", "mobilenet_v3_large"),
        ("features.12.expand3x3.weight", "squeezenet1_1"),
        ("features.28.weight", "vgg16"),
    ):
        if key in state:
            return name
    return None


def _build(
    name: str, state: Mapping[str, Any], scaling: InputScaling, described: str, source: str
) -> StageNetwork:
    options: dict[str, Any] = {"weights": None}
    if name == "inception_v3":
        options |= {"init_weights": False, "aux_logits": False, "transform_input": False}
    builder: Callable[..., nn.Module] = getattr(models, name)
    with torch.device("meta"):  # no time, memory or random numbers for first weights
        network = builder(**options)
    trunk = getattr(network, "features", network)
    prefix = "features." if trunk is not network else ""
    wanted = {
        key: state[prefix + key]
        for key in trunk.state_dict()
        if prefix + key in state and not key.startswith("fc.")
    }
    missing = [
        key
        for key, value in trunk.state_dict().items()
        if not key.startswith("fc.")
        and getattr(wanted.get(key), "shape", None) != value.shape
        and not key.endswith("num_batches_tracked")
    ]
    if missing:
        raise FeaturesError(
            f"The weights of {source} do not fit {name}: {prefix}{missing[0]} is missing or has "
            "another shape; give a state dict of torchvision's network."
        )
    trunk.load_state_dict({k: v.float() for k, v in wanted.items()}, strict=False, assign=True)
    for module in trunk.modules():
        if isinstance(module, nn.BatchNorm2d):  # a counter that evaluation does not read
            module.num_batches_tracked = None
        elif isinstance(module, nn.ReLU | nn.ReLU6 | nn.Hardswish):
            module.inplace = False  # a stage's output is kept
    return StageNetwork(trunk, _FAMILIES[name], scaling, described)
