"""The digit experiments: target pictures from test digits, training pictures from train digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from blender_addon.contract.frames import Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.datasets.readers.mnist import LABELS, Digits, read_mnist, split_test_digits
from metasim_backend.grammar import Grammar, sample_scene
from metasim_backend.rendering.mnist import MnistWorld
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.training.seeds import derive_seed

CHUNK = 256


@dataclass(frozen=True, eq=False)
class DigitTarget:
    """Target pictures in three sets without a common digit.

    Attributes:
        match: [1000, 3, H, W] uint8.
        reward: 1,000 labelled frames.
        report: [8000, 1, H, W] uint8 with answers [8000], for the report alone.
    """

    match: Tensor
    reward: list[Frame]
    report: Tensor
    report_answers: Tensor


def scenes_of(grammar: Grammar, digits: Digits, seed: int, name: str) -> list[SceneGraph]:
    """A scene of the grammar for each digit, in order."""
    seen = [0] * len(LABELS)
    scenes = []
    for i, label in enumerate(digits.labels.tolist()):
        scene = sample_scene(grammar, derive_seed(seed, name, i))
        (node,) = scene.of_class("digit")
        changes = {"label": LABELS[label], "image": seen[label]}
        scenes.append(scene.with_attributes({node.id: changes}))
        seen[label] += 1
    return scenes


def answers_of(scenes: Sequence[SceneGraph]) -> Tensor:
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


def digit_target(
    hidden: Grammar, settings: RenderSettings, seed: int, data: Path | None
) -> DigitTarget:
    """MNIST's test digits as the hidden grammar shows them."""
    parts = split_test_digits(read_mnist("test", data), derive_seed(seed, "test-digits"))

    def pictures(digits: Digits, name: str) -> tuple[Tensor, list[SceneGraph]]:
        scenes = scenes_of(hidden, digits, seed, name)
        return pictures_of(SpriteRenderer(MnistWorld(digits)), scenes, settings), scenes

    match, _ = pictures(parts.match, "target-match")
    report, scenes = pictures(parts.report, "target-report")
    reward = SpriteRenderer(MnistWorld(parts.reward))
    labelled = scenes_of(hidden, parts.reward, seed, "target-reward")
    frames = reward.render(labelled, [settings] * len(labelled))
    return DigitTarget(match.expand(-1, 3, -1, -1), frames, report, answers_of(scenes))
