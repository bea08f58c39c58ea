"""``metasim render``: scene graphs to pictures, COCO labels, instance maps and depth."""

from __future__ import annotations

import argparse
import contextlib
import shutil
from pathlib import Path

from blender_addon.contract import scene_graph
from blender_addon.contract.frames import Frame, RenderSettings
from metasim_backend.commands.generate import replaceable
from metasim_backend.commands.options import (
    UsageError,
    add_data_option,
    add_render_options,
    add_worker_options,
    empty_folder,
    print_result,
    render_settings,
    worker_settings,
)

CHUNK = 32
DEPTH_SCALE = 256  # KITTI's: uint16, metres x 256, 0 where there is none


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenes", type=Path, nargs="+", help="scene graphs as JSON files")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_render_options(parser)
    add_data_option(parser)
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.datasets.writers import open_writer
    from metasim_backend.rendering.worlds import LABELS, open_renderer
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.training.scene_generator import noise_seeds

    scenes = [scene_graph.load(path) for path in arguments.scenes]
    settings = render_settings(arguments, default_settings(scenes[0].domain))
    folder: Path = arguments.output
    replace = arguments.force and replaceable(folder)
    if not replace:
        empty_folder(folder)
    domain = scenes[0].domain
    other = next((scene for scene in scenes if scene.domain != domain), None)
    if other is not None:
        raise UsageError(
            f"Scenes of the worlds {domain!r} and {other.domain!r} cannot be rendered together; "
            "give those of one world."
        )
    workers = worker_settings(arguments)
    with contextlib.closing(
        open_renderer(domain, workers=workers, data=arguments.data)
    ) as renderer:
        if replace:  # only now that the renderer is there
            shutil.rmtree(folder)
        writer = open_writer("coco", folder, classes=LABELS[domain])
        with Progress("rendering", len(scenes), quiet=arguments.json) as progress:
            for start in range(0, len(scenes), CHUNK):
                some = scenes[start : start + CHUNK]
                frames = renderer.render(some, noise_seeds(settings, some), progress.update)
                for i, frame in enumerate(frames, start):
                    writer.write(i, frame)
                    write_maps(folder, i, frame)
        writer.finish()
    print_result(
        arguments,
        {"output": str(folder), "frames": len(scenes)},
        f"Wrote {len(scenes)} labelled frames to {folder}: images/, annotations.json (COCO), "
        "instances/ and depth/ (16-bit PNG; depth in metres x 256).",
    )
    return 0


def default_settings(domain: str) -> RenderSettings:
    """The size and samples that a world's scenes are rendered with when nothing is said."""
    return RenderSettings(621, 188, 4) if domain == "driving" else RenderSettings(64, 64)


def write_maps(folder: Path, index: int, frame: Frame) -> None:
    """The frame's instance map and depth as 16-bit PNG files."""
    import numpy as np
    from PIL import Image

    depth = np.where(np.isfinite(frame.depth), frame.depth * DEPTH_SCALE, 0)
    maps = {
        "instances": frame.index.astype(np.uint16),
        "depth": np.clip(np.rint(depth), 0, 65535).astype(np.uint16),
    }
    for name, values in maps.items():
        path = folder / name / f"{index:06d}.png"
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".tmp.png")
        Image.fromarray(values).save(temporary)
        temporary.replace(path)
