"""``metasim render``: scene graphs to pictures with COCO labels, and maps of every pixel."""

from __future__ import annotations

import argparse
import contextlib
from dataclasses import replace as changed
from functools import partial
from pathlib import Path
from typing import IO, Any

from blender_addon.contract import scene_graph
from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.commands.generate import replaceable
from metasim_backend.commands.options import (
    UsageError,
    add_camera_option,
    add_data_option,
    add_render_options,
    add_skip_option,
    add_worker_options,
    camera_of,
    empty_folder,
    print_result,
    render_settings,
    tell_of_skipped,
    worker_settings,
)

CHUNK = 32
CHUNK_WORK = 40_000_000  # pixels times samples: a minute or two of one core


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenes", type=Path, nargs="+", help="scene graphs as JSON files")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_skip_option(parser)
    parser.add_argument("--normals", action="store_true", help="surface normals too")
    parser.add_argument(
        "--flow", action="store_true", help="optical flow from each scene to the next one, too"
    )
    add_render_options(parser)
    add_camera_option(parser, "the plain sRGB curve")
    add_data_option(parser)
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.camera.renderer import with_camera
    from metasim_backend.datasets.bad_files import read_all
    from metasim_backend.datasets.map_files import FOLDERS
    from metasim_backend.datasets.sample_files import remove_data_set
    from metasim_backend.datasets.writers.writer import open_writer
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.training.scene_generator import noise_seeds
    from metasim_backend.worlds.registry import open_renderer, world_of

    scenes = read_all(
        arguments.scenes, scene_graph.load, arguments.skipped, scene_graph.SceneGraphError
    )
    tell_of_skipped(arguments.skipped)
    if not scenes:
        raise UsageError("None of the scene graphs can be used; give others.")
    domain = scenes[0].domain
    settings = render_settings(arguments, default_settings(domain))
    settings = changed(settings, passes=wanted_passes(arguments, domain))
    camera = camera_of(arguments, domain, CameraModel())
    folder: Path = arguments.output
    replace = arguments.force and replaceable(folder)
    if not replace:
        empty_folder(folder)
    other = next((scene for scene in scenes if scene.domain != domain), None)
    if other is not None:
        raise UsageError(
            f"Scenes of the worlds {domain!r} and {other.domain!r} cannot be rendered together; "
            "give those of one world."
        )
    workers = worker_settings(arguments)
    chunk = chunk_size(settings)
    rendered_by: list[str] = []
    maps: set[str] = set()
    with contextlib.closing(open_renderer(domain, workers=workers, data=arguments.data)) as source:
        renderer = with_camera(source, camera)
        if replace:  # only now that the renderer is there
            remove_data_set(folder)
        writer = open_writer("coco", folder, classes=world_of(domain).labels)
        with writer.owned(), Progress("rendering", len(scenes), quiet=arguments.json) as progress:
            for start in range(0, len(scenes), chunk):
                some = scenes[start : start + chunk]
                frames = renderer.render(
                    some,
                    noise_seeds(settings, some),
                    progress.update,
                    **_following(settings, scenes, start, chunk),
                )
                for i, frame in enumerate(frames, start):
                    writer.write(i, frame)
                    maps |= write_maps(folder, i, frame)
                    if frame.rendered_by and frame.rendered_by not in rendered_by:
                        rendered_by.append(frame.rendered_by)
            writer.finish()
    known = [name for name in FOLDERS if name in maps]
    lines = [f"Rendered by {text}." for text in rendered_by]
    lines.append(
        f"Wrote {len(scenes)} labelled frames to {folder}: images/, annotations.json (COCO) and "
        f"the maps {', '.join(f'{name}/' for name in known)} (PNG)."
    )
    print_result(
        arguments,
        {
            "output": str(folder),
            "frames": len(scenes),
            "maps": known,
            "rendered_by": rendered_by,
        },
        "\n".join(lines),
    )
    return 0


def default_settings(domain: str) -> RenderSettings:
    """The size and samples that a world's scenes are rendered with when nothing is said.

    Raises:
        RendererSetupError: when no renderer shows the world.
    """
    from metasim_backend.worlds.registry import world_of

    return world_of(domain).usual


def chunk_size(settings: RenderSettings) -> int:
    """How many frames are rendered before they are written: few of those that take long, so that
    little is lost when the command is interrupted."""
    work = settings.width * settings.height * settings.samples
    return min(CHUNK, max(4, CHUNK_WORK // work))


def wanted_passes(arguments: argparse.Namespace, domain: str) -> tuple[str, ...]:
    """The passes of RenderSettings that the options ask for.

    Raises:
        UsageError: in a world that has none.
    """
    from metasim_backend.worlds.registry import world_of

    asked = [("--normals", "normal", arguments.normals), ("--flow", "flow", arguments.flow)]
    for option, _, given in asked:
        if given and not world_of(domain).in_depth:
            raise UsageError(
                f"{option} needs a world in three dimensions; {domain!r} is drawn flat, so leave "
                "it out."
            )
    return tuple(name for _, name, given in asked if given)


def write_maps(folder: Path, index: int, frame: Frame) -> set[str]:
    """Write the frame's maps; the names of their folders."""
    from metasim_backend.datasets.map_files import maps_of
    from metasim_backend.datasets.sample_files import sample_name
    from metasim_backend.run_files.atomic_files import write_atomically

    found = maps_of(frame)
    for name, data in found.items():
        path = folder / name / f"{sample_name(index)}.png"
        write_atomically(path, partial(_write, data))
    return set(found)


def _write(data: bytes, file: IO[bytes]) -> None:
    file.write(data)


def _following(
    settings: RenderSettings, scenes: list[SceneGraph], start: int, chunk: int
) -> dict[str, Any]:
    """For flow, the scene after each one of a chunk; the last has none."""
    if "flow" not in settings.passes:
        return {}
    after: list[SceneGraph | None] = [*scenes[1:], None]
    return {"next_scenes": after[start : start + chunk]}
