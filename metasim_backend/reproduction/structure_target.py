"""Target pictures of the experiments on structure: no digit or texture of theirs is in training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import torch
from torch import Tensor

from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import Grammar, sample_scene
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.rendering.worlds import open_renderer
from metasim_backend.training.evaluation import pictures
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.target import Target

UNSEEN = 200


@contextmanager
def structure_bench(
    hidden: Grammar, settings: RenderSettings, seed: int, count: int, data: Path | None = None
) -> Iterator[tuple[DifferenceRenderer, Target]]:
    """The learner's renderer, and the target that it may see.

    Args:
        hidden: the target's grammar.
        count: pictures that the learner sees; 200 others are for the report.

    Raises:
        DatasetError, RendererSetupError: what it needs is not there.
    """
    if hidden.domain == "driving":
        with closing(open_renderer(hidden.domain)) as renderer:
            yield renderer, _target(renderer, renderer, hidden, settings, seed, count)
        return
    with closing(open_renderer(hidden.domain, data=data)) as renderer:
        if hidden.domain == "mnist":
            shown, unseen = _digits(seed, data)
        else:
            shown = unseen = open_renderer(hidden.domain, part="test")
        yield renderer, _target(shown, unseen, hidden, settings, seed, count)


def _digits(seed: int, data: Path | None) -> tuple[DifferenceRenderer, DifferenceRenderer]:
    """MNIST's test digits in two parts without a common digit, as their renderers."""
    from metasim_backend.datasets.readers.mnist import read_mnist, split_test_digits
    from metasim_backend.rendering.mnist import MnistWorld
    from metasim_backend.rendering.sprites import SpriteRenderer

    parts = split_test_digits(
        read_mnist("test", data), derive_seed(seed, "test-digits"), match=5000, reward=0
    )
    return SpriteRenderer(MnistWorld(parts.match)), SpriteRenderer(MnistWorld(parts.report))


def _target(
    shown: DifferenceRenderer,
    unseen: DifferenceRenderer,
    hidden: Grammar,
    settings: RenderSettings,
    seed: int,
    count: int,
) -> Target:
    def made(renderer: DifferenceRenderer, name: str, number: int) -> Tensor:
        parts = []
        for start in range(0, number, 100):
            wanted = range(start, min(start + 100, number))
            scenes = [sample_scene(hidden, derive_seed(seed, name, i)) for i in wanted]
            parts.append(pictures(renderer, settings, scenes))
        return torch.cat(parts)

    return Target(made(shown, "target-match", count), made(unseen, "target-report", UNSEEN))
