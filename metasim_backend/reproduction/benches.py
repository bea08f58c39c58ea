"""What an experiment needs of its world: a target, pictures to train on, a task network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.datasets.readers.mnist import read_mnist
from metasim_backend.grammar import Grammar, sample_scene
from metasim_backend.rendering.mnist import MnistWorld
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.rendering.worlds import open_renderer
from metasim_backend.reproduction.aerial import aerial_target
from metasim_backend.reproduction.digits import answers_of, digit_target, pictures_of, scenes_of
from metasim_backend.reproduction.experiments import Budget
from metasim_backend.tasks.classifier import Classifier, ClassifierSettings
from metasim_backend.tasks.segmenter import Segmenter, SegmenterSettings
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.target import Target

UNSEEN = 500
CHUNK = 256


class Bench(Protocol):
    """One seed's data and networks.

    Attributes:
        renderer: of the learner's pictures.
        target: what the learner may see, and the report's pictures to look at.
    """

    renderer: SpriteRenderer
    target: Target

    def scenes(self, grammar: Grammar, count: int) -> list[SceneGraph]:
        """Scenes to train a task network on: those of the same number are alike but for what
        the grammars differ in."""
        ...

    def fit(self, scenes: Sequence[SceneGraph], budget: Budget) -> dict[str, float]:
        """Train a fresh task network on pictures of scenes and score it on the report's, in per
        cent by name; networks differ in nothing but their pictures."""
        ...


class DigitBench:
    """Digits: train digits feed the generator, test digits the target; accuracy."""

    def __init__(
        self, hidden: Grammar, settings: RenderSettings, seed: int, data: Path | None
    ) -> None:
        self.settings, self.seed = settings, seed
        self.digits = read_mnist("train", data)
        self.renderer = SpriteRenderer(MnistWorld(self.digits))
        found = digit_target(hidden, settings, seed, data)
        self.report = (found.report, found.report_answers)
        self.target = Target(found.match, found.report[:UNSEEN].expand(-1, 3, -1, -1), found.reward)

    def scenes(self, grammar: Grammar, count: int) -> list[SceneGraph]:
        order = torch.randperm(len(self.digits), generator=generator(self.seed, "train-digits"))
        # In the order of the files, so that a sample's number is its place among its label's.
        chosen = order[:count].sort().values
        scenes = scenes_of(grammar, self.digits, self.seed, "task-pictures")
        return [scenes[i] for i in chosen.tolist()]

    def fit(self, scenes: Sequence[SceneGraph], budget: Budget) -> dict[str, float]:
        images, answers = pictures_of(self.renderer, scenes, self.settings), answers_of(scenes)
        kind = ClassifierSettings.long if budget.long else ClassifierSettings.short
        settings = kind(self.settings.width, self.settings.height)
        network = Classifier(settings, generator(self.seed, "task-network"))
        epochs = settings.epochs if budget.epochs is None else budget.epochs
        network.fit(images, answers, epochs, generator(self.seed, "task-fit"))
        return {"accuracy": 100 * network.score_arrays(*self.report).value}


class AerialBench:
    """Aerial pictures: other textures in the target than in training; mean IoU."""

    def __init__(self, hidden: Grammar, settings: RenderSettings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        renderer: Any = open_renderer(hidden.domain, part="train")
        self.renderer: SpriteRenderer = renderer
        found = aerial_target(hidden, settings, seed)
        self.report = found.report
        unseen = torch.stack([_tensor(frame.image) for frame in found.report])
        self.target = Target(found.match, unseen, found.reward)

    def scenes(self, grammar: Grammar, count: int) -> list[SceneGraph]:
        return [
            sample_scene(grammar, derive_seed(self.seed, "task-pictures", i)) for i in range(count)
        ]

    def fit(self, scenes: Sequence[SceneGraph], budget: Budget) -> dict[str, float]:
        frames = self.renderer.render(scenes, [self.settings] * len(scenes))
        settings = SegmenterSettings.short(self.settings.width, self.settings.height)
        network = Segmenter(settings, generator(self.seed, "task-network"))
        images, answers = network.arrays(frames)
        epochs = settings.epochs if budget.epochs is None else budget.epochs
        network.fit(images, answers, epochs, generator(self.seed, "task-fit"))
        score = network.score(self.report)
        return {"mean": 100 * score.value} | {
            name: 100 * iou for name, iou in score.iou.items() if iou is not None
        }


def open_bench(
    hidden: Grammar, settings: RenderSettings, seed: int, data: Path | None = None
) -> Bench:
    """The bench of the hidden grammar's world.

    Raises:
        DatasetError, RendererSetupError: what it needs is not there.
    """
    if hidden.domain == "mnist":
        return DigitBench(hidden, settings, seed, data)
    return AerialBench(hidden, settings, seed)


def _tensor(image: Any) -> Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)
