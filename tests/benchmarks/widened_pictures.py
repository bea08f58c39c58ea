"""Renders of the widened prior that are kept in ``runs/`` and go on where they were left.

A file holds a hundred pictures, and what they were made from: the scenes, and the sources of the
add-on. Where one of them is another by now the file is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph, to_dict
from metasim_backend.grammar.reading import load_grammar
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.workers import WorkerSettings
from metasim_backend.training.feature_scenes import widened_scenes
from metasim_backend.training.scene_generator import SceneGenerator

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "runs" / "benchmarks" / "widened_pictures"
SEED = 20
PART = 100
ROOMS = ("capture", "contract", "world")


def scenes_of(count: int, widen: str) -> list[SceneGraph]:
    """Scenes of the widened prior of scenes/driving.yaml; more begin with the same ones."""
    grammar = load_grammar(ROOT / "scenes" / "driving.yaml", assets=())
    return widened_scenes(SceneGenerator(grammar), count, SEED, widen).scenes


def pictures(
    scenes: Sequence[SceneGraph],
    lighting: str,
    name: str,
    workers: int = 1,
    keep: bool = False,
) -> np.ndarray:
    """[N, 96, 160, 3] uint8, one sample a pixel.

    Args:
        name: of the folder below ``runs/`` that they are kept in.
        workers: processes of one thread each.
        keep: take pictures of the same scenes by other sources of the add-on too.
    """
    sources = _digest_of_sources()
    renderer: BlenderRenderer | None = None
    found = []
    try:
        for path, own in _parts(scenes, KEPT / name / lighting):
            graphs = hashlib.sha256(json.dumps([to_dict(one) for one in own]).encode()).hexdigest()
            images = _kept(path, graphs, None if keep else sources)
            if images is None:
                renderer = renderer or BlenderRenderer(WorkerSettings(count=workers, threads=1))
                settings = [RenderSettings(160, 96, 1, seed=9, lighting=lighting)] * len(own)
                frames = renderer.render(own, settings)
                images = np.stack([frame.image for frame in frames])
                _keep(path, images, graphs, sources)
                print(f"{lighting}: {path.stem} of {len(scenes) // PART}", flush=True)
            found.append(images)
    finally:
        if renderer:
            renderer.close()
    return np.concatenate(found)


def _parts(scenes: Sequence[SceneGraph], folder: Path) -> Iterator[tuple[Path, list[SceneGraph]]]:
    for start in range(0, len(scenes), PART):
        yield folder / f"{start // PART:03d}.npz", list(scenes[start : start + PART])


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((ROOT / "blender_addon" / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _kept(path: Path, scenes: str, sources: str | None) -> np.ndarray | None:
    if not path.is_file():
        return None
    with np.load(path) as file:
        if file["scenes"] != scenes or sources not in (None, file["sources"]):
            return None
        return file["images"]


def _keep(path: Path, images: np.ndarray, scenes: str, sources: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp.npz")
    np.savez_compressed(draft, images=images, scenes=scenes, sources=sources)
    draft.replace(path)
