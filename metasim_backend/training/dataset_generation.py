"""Write a labelled dataset from a generator; an interrupted job does only what is missing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.datasets.writers.writer import DatasetWriter
from metasim_backend.grammar.separation import separated
from metasim_backend.rendering.renderer import Renderer
from metasim_backend.training.content.content_choice import ContentChoice
from metasim_backend.training.scene_generator import SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed

CHUNK = 16


def fingerprint(scenes: SceneGenerator) -> str:
    """A short name for a generator: equal parameters and grammar give equal names."""
    digest = hashlib.sha256(json.dumps(scenes.grammar.to_dict()).encode())
    tensors = dict(scenes.transformer.state_dict())
    if scenes.structure is not None:
        tensors |= {f"structure.{k}": v for k, v in scenes.structure.state_dict().items()}
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def draw(
    scenes: SceneGenerator,
    seeds: Sequence[int],
    *,
    learned: bool = True,
    separate: bool = True,
    choice: ContentChoice | None = None,
) -> list[SceneGraph]:
    """Scenes of a generator, each a pure function of it and of its seed.

    Args:
        learned: of the learned structure, transformed; otherwise the prior's.
        separate: take apart what the transformer moved into each other.
        choice: by which scenes are chosen for their content; they are taken apart in any case.
    """
    if choice is not None:
        return [choice.choose(scenes, seed, learned=learned) for seed in seeds]
    if not learned:
        return scenes.prior(seeds)
    drawn = scenes.proposed(seeds, alone=True)
    moved = [scenes.transform(scene) for scene in drawn]
    if not separate:
        return moved
    pairs = zip(drawn, moved, strict=True)
    return [separated(scenes.grammar, before, after) for before, after in pairs]


def generate(
    scenes: SceneGenerator,
    renderer: Renderer,
    settings: RenderSettings,
    writer: DatasetWriter,
    count: int,
    seed: int,
    *,
    start: int = 0,
    learned: bool = True,
    separate: bool = True,
    choice: ContentChoice | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> int:
    """Write samples start to count - 1; each is a pure function of generator, seed and number.

    Args:
        learned, separate, choice: as for :func:`draw`.

    Returns:
        how many were missing and have been written.
    """
    missing = writer.missing(count, start)
    for first in range(0, len(missing), CHUNK):
        numbers = missing[first : first + CHUNK]
        seeds = [derive_seed(seed, "generate", n) for n in numbers]
        drawn = draw(scenes, seeds, learned=learned, separate=separate, choice=choice)
        frames = renderer.render(drawn, noise_seeds(settings, drawn), progress)
        for number, frame in zip(numbers, frames, strict=True):
            writer.write(number, frame)
    writer.finish()
    return len(missing)
