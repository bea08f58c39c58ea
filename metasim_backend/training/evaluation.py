"""What a run achieved: prior against learned on target pictures that training did not see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from blender_addon.contract.frames import Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.distances.mmd import MMD
from metasim_backend.features.extractor import FeatureExtractor
from metasim_backend.grammar.encoding import attribute_samples
from metasim_backend.rendering.renderer import Renderer
from metasim_backend.run_files.atomic_files import write_atomically
from metasim_backend.training.scene_generator import SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.task_optimisation import bytes_frame


@dataclass(frozen=True, eq=False)
class Sample:
    """Scenes of one generator with their frames."""

    scenes: list[SceneGraph]
    frames: list[Frame]

    def images(self) -> Tensor:
        """[N, 3, H, W] float32 in [0, 1]."""
        return images_of(self.frames)


def images_of(frames: Sequence[Frame]) -> Tensor:
    """[N, 3, H, W] float32 in [0, 1]."""
    stack = np.stack([frame.image for frame in frames])
    images = torch.from_numpy(stack).permute(0, 3, 1, 2).float()
    return images / 255 if stack.dtype == np.uint8 else images


def pictures(renderer: Renderer, settings: RenderSettings, scenes: Sequence[SceneGraph]) -> Tensor:
    """[N, 3, H, W] uint8 pictures without labels, the fast way where the renderer has one."""
    fast: Callable[..., Tensor] | None = getattr(renderer, "images", None)
    if fast is not None:
        images = fast(scenes, settings)
        return images if images.shape[1] == 3 else images.expand(-1, 3, -1, -1)
    frames = renderer.render(scenes, noise_seeds(settings, scenes))
    return (images_of(frames) * 255).round().to(torch.uint8)


def sample(
    renderer: Renderer,
    settings: RenderSettings,
    scenes: Sequence[SceneGraph],
    progress: Callable[[int], object] | None = None,
) -> Sample:
    """Render scenes, each with its own noise seed."""
    frames = renderer.render(scenes, noise_seeds(settings, scenes), progress)
    return Sample(list(scenes), frames)


@torch.no_grad()
def features_in_batches(features: FeatureExtractor, images: Tensor, batch: int = 16) -> Tensor:
    """[N, D]: features of many pictures without holding all activations."""
    return torch.cat([features(part) for part in images.split(batch)])


@torch.no_grad()
def distances(
    features: FeatureExtractor, sample: Sample, targets: Mapping[str, MMD]
) -> dict[str, float]:
    """Unbiased MMD² of a sample's frames to each of the target's parts."""
    own = features_in_batches(features, sample.images())
    return {name: float(mmd(own)) for name, mmd in targets.items()}


def write_pictures(folder: Path, images: Sequence[np.ndarray]) -> None:
    """Write H x W x 3 uint8 pictures as 00.png, 01.png, ... into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        write_picture(folder / f"{i:02d}.png", image)


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write an H x W x 3 uint8 picture as PNG, atomically."""
    write_atomically(path, lambda file: Image.fromarray(image).save(file, format="PNG"))


def pictures_of(frames: Sequence[Frame]) -> list[np.ndarray]:
    return [bytes_frame(frame).image for frame in frames]


ATTRIBUTE_SCENES = 200


def attribute_seeds(seed: int) -> list[int]:
    """Of the scenes in which attributes are counted: for prior, learned and each followed step."""
    return [derive_seed(seed, "attributes", i) for i in range(ATTRIBUTE_SCENES)]


def attribute_numbers(
    generator: SceneGenerator, scenes: Sequence[SceneGraph]
) -> dict[str, list[float]]:
    """Values of each number that is learned, by name, to four digits."""
    samples = attribute_samples(generator.grammar, scenes)
    slots = [s for s in generator.encoding.slots if s.attribute.mutable and s.kind != "categorical"]
    return {
        slot.name: [float(f"{value:.4g}") for value in samples[slot.name]]
        for slot in slots
        if len(samples[slot.name])
    }


def attribute_report(
    generator: SceneGenerator,
    prior: Sequence[SceneGraph],
    learned: Sequence[SceneGraph],
    truth: Mapping[str, np.ndarray] | None = None,
) -> dict[str, dict]:
    """Values of each mutable attribute in prior and learned scenes (and the truth's, if known)."""
    before = attribute_samples(generator.grammar, prior)
    after = attribute_samples(generator.grammar, learned)
    report = {}
    for slot in generator.encoding.slots:
        attribute = slot.attribute
        name = f"{slot.class_name}.{attribute.name}"
        if not attribute.mutable or name not in before or len(before[name]) == 0:
            continue
        report[name] = {
            "kind": attribute.kind,
            "unit": attribute.unit or "",
            "prior": before[name].tolist(),
            "learned": after[name].tolist(),
            "target": truth[name].tolist() if truth and name in truth else None,
        }
        if attribute.kind == "circular":
            report[name]["period"] = attribute.period
        elif attribute.kind == "continuous":
            report[name]["range"] = list(attribute.bounds)
        else:
            report[name]["values"] = list(attribute.values)
    return report
