"""What an experiment on task networks needs of its world: a target, scenes, a network's score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.datasets.readers.mnist import LABELS, Digits, read_mnist, split_test_digits
from metasim_backend.experiments.hidden_target import scenes_of
from metasim_backend.grammar import Grammar
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.tasks.classifier import Classifier, ClassifierSettings
from metasim_backend.tasks.segmenter import Segmenter, SegmenterSettings
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.target import Target
from metasim_backend.worlds.mnist_sprites import MnistWorld
from metasim_backend.worlds.registry import open_renderer

# Target pictures for matching, labelled ones for the reward, and others for the report alone.
MATCH, REWARD, REPORT = 1000, 100, 500
CHUNK = 256  # pictures that are drawn at once


@dataclass(frozen=True)
class Budget:
    """How much is spent on task networks in one seed.

    Attributes:
        pictures: that a network is trained on.
        epochs: passes over them; None: the task network's own number.
        long: the task network's larger settings.
        rows: the generators whose pictures a network is trained on.
    """

    pictures: int
    epochs: float | None = None
    long: bool = False
    rows: tuple[str, ...] = ("prior", "matched", "learned", "oracle")


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
    """MNIST's train digits feed the generator, its test digits the target; accuracy.

    1,000 test digits to match, 1,000 labelled ones for the reward, 8,000 for the report; no
    digit is in two of them.

    Attributes:
        report: pictures [8000, 1, H, W] uint8 and labels [8000], for the report alone.
    """

    def __init__(
        self, hidden: Grammar, settings: RenderSettings, seed: int, data: Path | None
    ) -> None:
        self.settings, self.seed = settings, seed
        self.digits = read_mnist("train", data)
        self.renderer = SpriteRenderer(MnistWorld(self.digits))
        parts = split_test_digits(read_mnist("test", data), derive_seed(seed, "test-digits"))

        def shown(digits: Digits, name: str) -> tuple[Tensor, list[SceneGraph]]:
            scenes = digit_scenes(hidden, digits, seed, name)
            return pictures_of(SpriteRenderer(MnistWorld(digits)), scenes, settings), scenes

        match, _ = shown(parts.match, "target-match")
        report, scenes = shown(parts.report, "target-report")
        labelled = digit_scenes(hidden, parts.reward, seed, "target-reward")
        frames = SpriteRenderer(MnistWorld(parts.reward)).render(
            labelled, [settings] * len(labelled)
        )
        self.report = report, labels_of(scenes)
        self.target = Target(
            match.expand(-1, 3, -1, -1), report[:REPORT].expand(-1, 3, -1, -1), frames
        )

    def scenes(self, grammar: Grammar, count: int) -> list[SceneGraph]:
        order = torch.randperm(len(self.digits), generator=generator(self.seed, "train-digits"))
        # In the order of the files, so that a sample's number is its place among its label's.
        chosen = order[:count].sort().values
        scenes = digit_scenes(grammar, self.digits, self.seed, "task-pictures")
        return [scenes[i] for i in chosen.tolist()]

    def fit(self, scenes: Sequence[SceneGraph], budget: Budget) -> dict[str, float]:
        images, labels = pictures_of(self.renderer, scenes, self.settings), labels_of(scenes)
        kind = ClassifierSettings.long if budget.long else ClassifierSettings.short
        settings = kind(self.settings.width, self.settings.height)
        network = Classifier(settings, generator(self.seed, "task-network"))
        epochs = settings.epochs if budget.epochs is None else budget.epochs
        network.fit(images, labels, epochs, generator(self.seed, "task-fit"))
        return {"accuracy": 100 * network.score_arrays(*self.report).value}


class AerialBench:
    """The target's textures are in no picture that the learner makes; mean IoU.

    1,000 target pictures to match, 100 labelled ones for the reward, 500 for the report.
    """

    def __init__(self, hidden: Grammar, settings: RenderSettings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        train: Any = open_renderer(hidden.domain, part="train")
        self.renderer: SpriteRenderer = train
        test = open_renderer(hidden.domain, part="test")

        def frames(name: str, count: int) -> list[Frame]:
            return test.render(scenes_of(hidden, seed, name, count), [settings] * count)

        matched, self.report = frames("target-match", MATCH), frames("target-report", REPORT)
        self.target = Target(
            _stacked(matched), _stacked(self.report), frames("target-reward", REWARD)
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


def open_bench(hidden: Grammar, settings: RenderSettings, seed: int, data: Path | None) -> Bench:
    """The bench of the hidden grammar's world.

    Raises:
        DatasetError, RendererSetupError: what it needs is not there.
    """
    if hidden.domain == "mnist":
        return DigitBench(hidden, settings, seed, data)
    return AerialBench(hidden, settings, seed)


def digit_scenes(grammar: Grammar, digits: Digits, seed: int, name: str) -> list[SceneGraph]:
    """A scene of the grammar for each digit, in order."""
    seen = [0] * len(LABELS)
    scenes = []
    drawn = scenes_of(grammar, seed, name, len(digits))
    for scene, label in zip(drawn, digits.labels.tolist(), strict=True):
        (node,) = scene.of_class("digit")
        changes = {"label": LABELS[label], "image": seen[label]}
        scenes.append(scene.with_attributes({node.id: changes}))
        seen[label] += 1
    return scenes


def labels_of(scenes: Sequence[SceneGraph]) -> Tensor:
    """[N] long: each scene's digit, 0 to 9."""
    return torch.tensor(
        [LABELS.index(str(s.of_class("digit")[0].attributes["label"])) for s in scenes]
    )


def pictures_of(
    renderer: SpriteRenderer, scenes: Sequence[SceneGraph], settings: RenderSettings
) -> Tensor:
    """[N, 1, H, W] uint8."""
    return torch.cat(
        [renderer.images(scenes[i : i + CHUNK], settings) for i in range(0, len(scenes), CHUNK)]
    )


def _stacked(frames: Sequence[Frame]) -> Tensor:
    """[N, 3, H, W] uint8."""
    images = torch.from_numpy(np.stack([frame.image for frame in frames]))
    return images.permute(0, 3, 1, 2).contiguous()
