"""Feature pyramids for the detector: torchvision's ImageNet networks with an FPN on top.

The pyramid has levels of stride 4, 8, 16, 32 and (by pooling) 64 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import nn
from torchvision import models
from torchvision.models.detection.backbone_utils import BackboneWithFPN

from metasim_backend.networks.tensorflow_padding import pad_as_tensorflow

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
TENSORFLOW_CLASSES = 1001
"""ImageNet networks trained in TensorFlow's own repository have a background class at 0."""
NONE_AS_TENSORFLOW = "none, as TensorFlow's"
"""Weights of a network that is to take the state of one that began with such weights."""

# The last block of each stride (4, 8, 16, 32), the module to train from it on, and its channels.
_STAGES: dict[str, dict[str, int]] = {
    "resnet50": {"layer1": 256, "layer2": 512, "layer3": 1024, "layer4": 2048},
    "resnet18": {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512},
    "mobilenet_v2": {"3": 24, "6": 32, "13": 96, "17": 320},
    "mobilenet_v3_large": {"3": 24, "6": 40, "12": 112, "15": 160},
}
BACKBONES = tuple(_STAGES)


class BackboneError(ValueError):
    """A backbone or weights that cannot be used."""


@dataclass(frozen=True)
class Pyramid:
    """A backbone with its FPN, and how its input has to be scaled.

    Attributes:
        module: [B, 3, H, W] -> levels "0".."3" and "pool".
        mean, std: for each colour, of inputs in [0, 1].
        weights: which weights it has, in words for the report.
        as_tensorflow: whether it pads as TensorFlow does.
    """

    module: BackboneWithFPN
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    weights: str
    as_tensorflow: bool = False


def build_pyramid(
    backbone: str,
    weights: str,
    norm: str,
    trained_stages: int,
    channels: int,
    normed_pyramid: bool = False,
) -> Pyramid:
    """Build a feature pyramid; draws its first weights from torch's global generator.

    Args:
        backbone: one of :data:`BACKBONES`.
        weights: "DEFAULT" (torchvision's, downloaded when not cached), "none", or the path of a
            state dict of the torchvision classifier of that name. A file with 1001 classes comes
            from TensorFlow: its network pads as TensorFlow does and reads [-1, 1], and so does one
            without weights of :data:`NONE_AS_TENSORFLOW`.
        norm: "frozen" (BatchNorm with fixed statistics), "batch" or "group".
        trained_stages: how many of the four stages are trained, from the last one back; 4 or
            more trains the stem too.
        channels: of each level of the pyramid.
        normed_pyramid: with GroupNorm after each convolution of the pyramid; norm "group"
            implies it.

    Raises:
        BackboneError: unknown backbone, weights that cannot be had or do not fit, GroupNorm
            with weights of BatchNorm.
    """
    if backbone not in _STAGES:
        raise BackboneError(f"Unknown backbone {backbone!r}; choose {', '.join(BACKBONES)}.")
    state, source = _read_weights(backbone, weights)
    if state is not None and norm == "group":
        raise BackboneError(
            f"Weights {weights!r} were trained with BatchNorm and norm 'group' cannot use them; "
            "choose norm 'frozen' or 'batch'."
        )
    from_tensorflow = weights == NONE_AS_TENSORFLOW or (
        state is not None
        and any(
            name.startswith("classifier.") and tensor.ndim and len(tensor) == TENSORFLOW_CLASSES
            for name, tensor in state.items()
        )
    )
    network = getattr(models, backbone)(weights=None, norm_layer=_norm_layer(norm))
    body: nn.Module = network
    if backbone.startswith("mobilenet"):
        body = network.features
        if state is not None:
            state = {
                name.removeprefix("features."): tensor
                for name, tensor in state.items()
                if name.startswith("features.")
            }
    if state is not None:
        _load(body, state, weights, backbone)
    if from_tensorflow:
        pad_as_tensorflow(body)
    stages = _STAGES[backbone]
    _freeze(body, list(stages), trained_stages)
    module = BackboneWithFPN(
        body,
        return_layers={name: str(level) for level, name in enumerate(stages)},
        in_channels_list=list(stages.values()),
        out_channels=channels,
        norm_layer=_group_norm if normed_pyramid or norm == "group" else None,
    )
    half = (0.5, 0.5, 0.5)
    return Pyramid(
        module,
        mean=half if from_tensorflow else IMAGENET_MEAN,
        std=half if from_tensorflow else IMAGENET_STD,
        weights=source,
        as_tensorflow=from_tensorflow,
    )


class FixedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm whose statistics, weight and bias never change.

    The same function as torchvision's FrozenBatchNorm2d, by PyTorch's fused kernel: forward and
    backward take two thirds of the time on a CPU.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> FixedBatchNorm2d:
        return super().train(False)


def _group_norm(channels: int) -> nn.GroupNorm:
    groups = next(g for g in (32, 16, 8, 4, 2, 1) if channels % g == 0 and channels // g >= 4)
    return nn.GroupNorm(groups, channels)


def _norm_layer(norm: str) -> Callable[..., nn.Module]:
    if norm == "group":
        return _group_norm
    kind = {"batch": nn.BatchNorm2d, "frozen": FixedBatchNorm2d}.get(norm)
    if kind is None:
        raise BackboneError(f"Unknown norm {norm!r}; choose frozen, batch or group.")
    return kind


def _read_weights(backbone: str, weights: str) -> tuple[dict[str, Any] | None, str]:
    if weights in ("none", NONE_AS_TENSORFLOW):
        return None, "none (random)"
    if weights == "DEFAULT":
        entry = models.get_model_weights(backbone).DEFAULT  # type: ignore[attr-defined]
        try:
            return dict(entry.get_state_dict(progress=False)), f"ImageNet, torchvision {entry}"
        except (URLError, OSError) as error:
            raise BackboneError(
                f"ImageNet weights of {backbone} could not be fetched from {entry.url} ({error}); "
                "give a weights file by its path, or weights 'none' to train from scratch."
            ) from error
    path = Path(weights)
    if not path.is_file():
        raise BackboneError(
            f"Weights file {weights!r} does not exist; give a file, 'DEFAULT' or 'none'."
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise whatever the damage leads to
        raise BackboneError(
            f"Weights file {weights!r} is not a PyTorch state dict; save one with torch.save."
        ) from error
    if not isinstance(state, dict) or not all(torch.is_tensor(v) for v in state.values()):
        raise BackboneError(
            f"Weights file {weights!r} is not a plain state dict; save model.state_dict() alone."
        )
    return state, f"ImageNet, file {path.name}"


def _load(body: nn.Module, state: dict[str, Any], weights: str, backbone: str) -> None:
    expected = body.state_dict()
    # Statistics' counters are absent in frozen norms, the classifier in the body.
    missing = [
        n
        for n in expected
        if n not in state and not n.startswith("fc.") and not n.endswith("num_batches_tracked")
    ]
    wrong = [
        n
        for n in expected
        if n in state and state[n].shape != expected[n].shape and not n.startswith("fc.")
    ]
    if missing or wrong:
        raise BackboneError(
            f"Weights {weights!r} do not fit backbone {backbone} (first difference: "
            f"{(missing + wrong)[0]!r}); give weights of torchvision's {backbone}."
        )
    body.load_state_dict(
        {n: state[n] for n in expected if n in state and not n.startswith("fc.")}, strict=False
    )


def _freeze(body: nn.Module, stages: list[str], trained: int) -> None:
    if trained >= len(stages):
        return
    names = [name for name, _ in body.named_children()]
    last_fixed = stages[len(stages) - trained - 1]
    for name in names[: names.index(last_fixed) + 1]:
        getattr(body, name).requires_grad_(False)
