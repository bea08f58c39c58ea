"""A rendered frame as files: picture, objects, classes, depth and labels. Needs no Blender."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np

from ..contract import scene_graph
from ..contract.frames import Frame
from ..contract.scene_graph import SceneGraph
from .png import png


class FolderError(ValueError):
    """A folder that cannot be written; one sentence."""


def write_frame(folder: str, stem: str, frame: Frame, scene: SceneGraph) -> list[Path]:
    """Write ``STEM.png``, ``STEM_objects.png`` (16 bits: 0, or the label's index),
    ``STEM_classes.png`` (Cityscapes' ids), ``STEM_depth.npy`` (metres) and ``STEM.json`` (labels,
    camera and scene graph).

    Args:
        folder: made when it is not there.
        stem: the files' common name; files of that name are replaced.
        frame: what was rendered.
        scene: what it shows.

    Raises:
        FolderError: when the folder cannot be written.
    """
    target = Path(folder)
    depth = BytesIO()
    np.save(depth, frame.depth)
    files = {
        f"{stem}.png": png(frame.image),
        f"{stem}_objects.png": png(frame.index),
        f"{stem}_depth.npy": depth.getvalue(),
        f"{stem}.json": json.dumps(_description(stem, frame, scene), indent=1).encode(),
    }
    if frame.semantic is not None:
        files[f"{stem}_classes.png"] = png(frame.semantic)
    try:
        target.mkdir(parents=True, exist_ok=True)
        return [_write(target / name, data) for name, data in files.items()]
    except OSError as error:
        raise FolderError(
            f"The folder {folder!r} cannot be written: {error.strerror or error}; choose another."
        ) from None


def _description(stem: str, frame: Frame, scene: SceneGraph) -> dict:
    width, height = frame.size
    return {
        "picture": f"{stem}.png",
        "width": width,
        "height": height,
        "rendered_by": frame.rendered_by,
        "camera": {"intrinsics": frame.intrinsics.tolist(), "pose": frame.pose.tolist()},
        "labels": [asdict(label) for label in frame.labels],
        "scene": scene_graph.to_dict(scene),
    }


def _write(path: Path, data: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path
