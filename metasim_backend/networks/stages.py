"""A classifier's trunk, run stage by stage, and its weights file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class FeaturesError(ValueError):
    """Features that cannot be computed: unknown choice, or weights that cannot be had."""


@dataclass(frozen=True)
class Family:
    """What is alike in networks of one family.

    Attributes:
        stages: modules at the end of three stages, of strides about 8, 16, 32.
        least_side: the smallest side of a picture that gets through it, pixels.
        inception: whether it is Inception-v3.
        fine: the module at the end of the stage of stride about 4.
    """

    stages: tuple[str, str, str]
    least_side: int = 64
    inception: bool = False
    fine: str = ""


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
        self, trunk: nn.Module, family: Family, scaling: InputScaling, described: str
    ) -> None:
        super().__init__()
        self.described = described
        self.inception = family.inception
        self.scaling = scaling
        self._stage_names, self._fine = family.stages, family.fine
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
        return self._outputs(images, self._stage_names[:first])

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The outputs at strides of about 4, 8, 16 and 32."""
        return self._outputs(images, (self._fine, *self._stage_names))

    def _outputs(self, images: Tensor, names: tuple[str, ...]) -> list[Tensor]:
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
            if name in names:
                outputs.append(x)
            if len(outputs) == len(names):
                break
        return outputs


def read_state(path: Path) -> dict[str, Any]:
    """A weights file's content, unwrapped from "state_dict", "model" and "module.".

    Raises:
        FeaturesError: no such file, or not a dict that ``torch.save`` wrote.
    """
    if not path.is_file():
        raise FeaturesError(
            f"The weights file {path} does not exist; give the path of a file or the name of a "
            "network."
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise whatever the damage leads to
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
