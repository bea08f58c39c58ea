"""Renders of a run that are made once and kept in its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.features.reader.targets import ReaderNames
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.run_files.run_folder import RunFolderError
from metasim_backend.training.estimators.render_archive import (
    RenderArchive,
    archive_from_state,
    archive_of,
    archive_state,
)
from metasim_backend.training.scene_generator import noise_seeds
from metasim_backend.training.services import Services

PART = 100
"""Renders a file: what an interruption costs."""


def kept_renders(
    services: Services,
    camera: CameraModel,
    encoding: Encoding,
    names: ReaderNames,
    count: int,
    scenes: Callable[[], Sequence[SceneGraph]],
    number: int,
) -> RenderArchive:
    """Renders of scenes, from the run's folder or made anew and kept there.

    Args:
        count: how many there are.
        scenes: makes them, when some are still to be rendered.
        number: of the round, which names the folder.
    """
    folder = services.folder.renders / f"round_{number}"
    folder.mkdir(parents=True, exist_ok=True)
    renderer = services.renderer(camera)
    parts = [
        (folder / f"{start // PART:03d}.pt", slice(start, min(start + PART, count)))
        for start in range(0, count, PART)
    ]
    missing = [path for path, _ in parts if not path.exists()]
    wanted = scenes() if missing else ()
    archives = []
    done = sum(part.stop - part.start for path, part in parts if path not in missing)
    with services.work("match", "Renders", count, done) as work:
        for path, part in parts:
            if path in missing:
                some = wanted[part]
                settings = noise_seeds(services.render_settings, some)
                frames = renderer.render(some, settings, work.update)
                state = archive_state(archive_of(encoding, names, some, frames, number))
                write_tensors(path, state)
            archives.append(_opened(path, names))
    return RenderArchive.joined(archives)


def _opened(path: Path, names: ReaderNames) -> RenderArchive:
    cause = None
    try:
        archive = archive_from_state(torch.load(path, weights_only=True))
        targets = archive.targets
        read = (targets.scene.shape[1], targets.numbers.shape[2])
        if read == (len(names.scene), len(names.objects)):
            return archive
    except (KeyError, TypeError) as error:
        cause = error
    raise RunFolderError(
        f"{path} was written by another version of Meta-Sim, so this run cannot go on; train "
        "it anew in another folder."
    ) from cause
