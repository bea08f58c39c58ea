"""The aerial experiments: target pictures with textures that no training pictures have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Frame, RenderSettings
from metasim_backend.grammar import Grammar, sample_scene
from metasim_backend.rendering.worlds import open_renderer
from metasim_backend.training.seeds import derive_seed

MATCH, REWARD, REPORT = 1000, 100, 500


@dataclass(frozen=True, eq=False)
class AerialTarget:
    """Target pictures in three sets.

    Attributes:
        match: [1000, 3, H, W] uint8.
        reward: 100 labelled frames.
        report: 500 labelled frames, for the report alone.
    """

    match: Tensor
    reward: list[Frame]
    report: list[Frame]


def aerial_target(hidden: Grammar, settings: RenderSettings, seed: int) -> AerialTarget:
    """Scenes of the hidden grammar with the test textures."""
    renderer = open_renderer(hidden.domain, part="test")

    def frames(name: str, count: int) -> list[Frame]:
        scenes = [sample_scene(hidden, derive_seed(seed, name, i)) for i in range(count)]
        return renderer.render(scenes, [settings] * count)

    match = np.stack([frame.image for frame in frames("target-match", MATCH)])
    return AerialTarget(
        torch.from_numpy(match).permute(0, 3, 1, 2).contiguous(),
        frames("target-reward", REWARD),
        frames("target-report", REPORT),
    )
