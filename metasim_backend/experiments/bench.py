"""What an experiment on task networks needs of its world: a target, scenes, a network's score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar import Grammar
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.training.target import Target

# Target pictures for matching, labelled ones for the reward, and others for the report alone.
MATCH, REWARD, REPORT = 1000, 100, 500


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
