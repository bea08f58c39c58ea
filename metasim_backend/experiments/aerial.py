"""Aerial pictures: the target's textures are in no picture that the learner makes; mean IoU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.experiments.bench import MATCH, REPORT, REWARD, Budget
from metasim_backend.experiments.hidden_target import scenes_of
from metasim_backend.grammar import Grammar
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.rendering.worlds import open_renderer
from metasim_backend.tasks.segmenter import Segmenter, SegmenterSettings
from metasim_backend.training.seeds import generator
from metasim_backend.training.target import Target


class AerialBench:
    """1,000 target pictures to match, 100 labelled ones for the reward, 500 for the report."""

    def __init__(self, hidden: Grammar, settings: RenderSettings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        train: Any = open_renderer(hidden.domain, part="train")
        self.renderer: SpriteRenderer = train
        test = open_renderer(hidden.domain, part="test")

        def frames(name: str, count: int) -> list[Frame]:
            return test.render(scenes_of(hidden, seed, name, count), [settings] * count)

        matched, self.report = frames("target-match", MATCH), frames("target-report", REPORT)
        self.target = Target(
            _pictures(matched), _pictures(self.report), frames("target-reward", REWARD)
        )

    def scenes(self, grammar: Grammar, count: int) -> list[SceneGraph]:
        return scenes_of(grammar, self.seed, "task-pictures", count)

    def fit(self, scenes: Sequence[SceneGraph], budget: Budget) -> dict[str, float]:
        frames = self.renderer.render(scenes, [self.settings] * len(scenes))
        settings = SegmenterSettings.short(self.settings.width, self.settings.height)
        network = Segmenter(settings, generator(self.seed, "task-network"))
        epochs = settings.epochs if budget.epochs is None else budget.epochs
        network.fit(*network.arrays(frames), epochs, generator(self.seed, "task-fit"))
        score = network.score(self.report)
        return {"mean": 100 * score.value} | {
            name: 100 * iou for name, iou in score.iou.items() if iou is not None
        }


def _pictures(frames: Sequence[Frame]) -> Tensor:
    """[N, 3, H, W] uint8."""
    images = torch.from_numpy(np.stack([frame.image for frame in frames]))
    return images.permute(0, 3, 1, 2).contiguous()
