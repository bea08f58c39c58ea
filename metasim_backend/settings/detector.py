"""The driving world's task network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Count, Whole, setting


@dataclass(frozen=True, config=GROUP)
class DetectorChoice:
    """The driving world's task network."""

    size: Literal["small", "paper"] = setting(
        "small",
        "small: for a CPU, with narrow heads and few proposals. paper: the paper's.",
    )
    backbone: Literal["resnet50", "resnet18", "mobilenet_v2", "mobilenet_v3_large"] = setting(
        "mobilenet_v2", "The network that its heads stand on. The paper's is resnet50."
    )
    weights: str = setting(
        "none",
        "What the backbone begins with: none, a file's path, or DEFAULT for torchvision's "
        "where they can be had.",
    )
    masks: bool = setting(True, "Whether Mask R-CNN's mask head is trained.")
    upscale: Annotated[float, Field(gt=0)] = setting(
        1.0, "Pictures are enlarged by this before they enter the network."
    )
    compare_steps: Whole = setting(
        150,
        "Steps of the fresh detectors that compare prior and learned data in the report. 0 leaves "
        "the comparison out.",
    )
    compare_scenes: Count = setting(100, "Scenes that each of them is trained on.")
