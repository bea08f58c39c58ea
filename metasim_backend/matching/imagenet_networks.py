"""ImageNet networks as lists of stages: from torchvision's weights or from a weights file.

A file's network is told by its keys:

- MobileNetV2 with 1,001 classes comes from TensorFlow: SAME padding, inputs in [-1, 1], and
  BatchNorm with ε = 1e-3;
- SqueezeNet 1.1 without a classifier comes from Caffe: inputs BGR, 0-255, minus a mean;
- everything else is read as torchvision's own: RGB, standardised with ImageNet's mean.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from metasim_backend.matching.weights_download import DownloadError, cached_or_downloaded
from metasim_backend.tasks.backbones import pad_as_tensorflow


class FeaturesError(ValueError):
    """Features that cannot be computed: unknown choice, or weights that cannot be had."""


@dataclass(frozen=True)
class _Family:
    """A network's modules at the end of three stages (strides about 8, 16, 32), and the smallest
    side of a picture that gets through it, in pixels."""

    stages: tuple[str, str, str]
    least_side: int = 64


_RESNET = _Family(("layer2", "layer3", "layer4"))
_FAMILIES: dict[str, _Family] = {
    "resnet18": _RESNET,
    "resnet34": _RESNET,
    "resnet50": _RESNET,
    "resnet101": _RESNET,
    "resnet152": _RESNET,
    "inception_v3": _Family(("Mixed_5d", "Mixed_6e", "Mixed_7c"), least_side=128),
    "mobilenet_v2": _Family(("6", "13", "18")),
    "mobilenet_v3_large": _Family(("6", "12", "16")),
    "squeezenet1_1": _Family(("4", "7", "12")),
    "vgg16": _Family(("15", "22", "29")),
}
IMAGENET_NETWORKS = tuple(_FAMILIES)
_RESNET_BLOCKS = {
    ("basic", 2, 2, 2, 2): "resnet18",
    ("basic", 3, 4, 6, 3): "resnet34",
    ("bottleneck", 3, 4, 6, 3): "resnet50",
    ("bottleneck", 3, 4, 23, 3): "resnet101",
    ("bottleneck", 3, 8, 36, 3): "resnet152",
}


@dataclass(frozen=True)
class InputScaling:
    """From RGB in [0, 1] to what a network was trained on: (x - mean) / std, then perhaps BGR."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    bgr: bool = False


TORCHVISION = InputScaling()
MINUS_ONE_TO_ONE = InputScaling((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CAFFE = InputScaling((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3, bgr=True)


class StageNetwork(nn.Module):
    """The trunk of a classifier, run to its last stage.

    Shapes: forward takes [B, 3, H, W] RGB in [0, 1] and gives one [B, C, h, w] a stage. Pictures
    with a side under ``least_side`` pixels are enlarged first.

    Attributes:
        described: what the network is and where its weights come from, in words.
        inception: whether it is Inception-v3, on which FID and KID are defined.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, trunk: nn.Module, family: _Family, scaling: InputScaling, described: str
    ) -> None:
        super().__init__()
        self.described = described
        self.inception = family is _FAMILIES["inception_v3"]
        self.scaling = scaling
        self._stage_names = family.stages
        self._least_side = family.least_side
        self.layers = nn.ModuleDict()
        for name, layer in trunk.named_children():
            if name != "AuxLogits":  # Inception's second classifier, a branch
                self.layers[name] = layer
            if name == family.stages[-1]:
                break
        self.register_buffer("mean", torch.tensor(scaling.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(scaling.std).view(3, 1, 1), persistent=False)
        self.eval()  # in training mode BatchNorm would standardise by the batch

    def forward(self, images: Tensor) -> list[Tensor]:
        return self.stages(images)

    def stages(self, images: Tensor, first: int = 3) -> list[Tensor]:
        """The outputs of the first stages; what comes after them is not run."""
        shorter = min(images.shape[-2:])
        if shorter < self._least_side:
            images = functional.interpolate(
                images, scale_factor=self._least_side / shorter, mode="bilinear"
            )
        x = (images - self.mean) / self.std
        if self.scaling.bgr:
            x = x.flip(1)
        outputs = []
        for name, layer in self.layers.items():
            x = layer(x)
            if name in self._stage_names:
                outputs.append(x)
            if len(outputs) == first:
                break
        return outputs


def imagenet_network(choice: str) -> StageNetwork:
    """The network of a torchvision name or of a weights file's path.

    Raises:
        FeaturesError: neither of them, or weights that cannot be had.
    """
    if choice in _FAMILIES:
        return torchvision_network(choice)
    if not Path(choice).is_file():
        raise FeaturesError(
            f"There is no ImageNet network {choice!r}; choose {', '.join(IMAGENET_NETWORKS)} or "
            "the path of a weights file."
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


def read_state(path: Path) -> dict[str, Any]:
    """A weights file's content, unwrapped from "state_dict", "model" and "module.".

    Raises:
        FeaturesError: no such file, or not a dict that ``torch.save`` wrote.
    """
    if not path.is_file():
        raise FeaturesError(
            f"The weights file {path} does not exist; give the path of a file, 'auto', 'prior' or "
            f"one of {', '.join(IMAGENET_NETWORKS)}."
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise FeaturesError(
            f"The weights file {path} cannot be read as a PyTorch state dict "
            f"({type(error).__name__}); save one with torch.save(model.state_dict(), path)."
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not state:
        raise FeaturesError(f"The weights file {path} holds no state dict.")
    return {str(key).removeprefix("module."): value for key, value in state.items()}


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
