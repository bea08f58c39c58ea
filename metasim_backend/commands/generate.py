"""``metasim generate``: a labelled dataset from a learned generator."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import RenderSettings
from metasim_backend.commands.options import (
    UsageError,
    add_camera_option,
    add_data_option,
    add_generator_argument,
    add_render_options,
    add_worker_options,
    camera_of,
    check_generator,
    positive,
    print_result,
    render_settings,
    worker_settings,
)

if TYPE_CHECKING:
    from metasim_backend.datasets.shards import Shard
    from metasim_backend.training.content.content_choice import ContentChoice
    from metasim_backend.training.scene_generator import SceneGenerator

FORMATS = ("coco", "kitti", "yolo", "webdataset", "huggingface")
# What metasim render writes beside a data set.
MAPS = ("instances", "depth", "semantic", "normals", "flow")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_generator_argument(parser, "run")
    parser.add_argument("-n", "--count", type=positive, required=True, help="how many frames")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="coco",
        help="default: coco; webdataset: tars of pictures and JSON; huggingface: an image folder "
        "with metadata.jsonl, which datasets.load_dataset reads",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--shard",
        type=shard,
        metavar="I/N",
        help="only part I of N, counted from 0: 0/4, 1/4, 2/4, 3/4; metasim merge joins them",
    )
    parser.add_argument("--prior", action="store_true", help="the grammar's scenes, not learned")
    parser.add_argument(
        "--content", type=Path, metavar="JSON", help="choose scenes as metasim content learned"
    )
    parser.add_argument(
        "--keep-collisions",
        action="store_true",
        help="leave what the learned generator moved into each other; else it is moved back",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the dataset (default 0)")
    parser.add_argument("--force", action="store_true", help="replace a dataset that is there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_render_options(parser)
    add_camera_option(parser, "the run's or the grammar's")
    add_data_option(parser)
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.camera.renderer import with_camera
    from metasim_backend.datasets.sample_files import check_count, remove_data_set
    from metasim_backend.datasets.shards import Shard
    from metasim_backend.datasets.writers.writer import open_writer
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.training.content.content_choice import read_choice
    from metasim_backend.training.dataset_generation import generate
    from metasim_backend.worlds.registry import open_renderer, world_of

    check_count(arguments.count)
    scenes, trained_with, own_camera = open_generator(arguments.run)
    settings = render_settings(arguments, trained_with)
    workers = worker_settings(arguments)
    learned = not arguments.prior and not arguments.run.is_file()
    separate = not arguments.keep_collisions
    domain = scenes.grammar.domain
    camera = camera_of(arguments, domain, own_camera)
    choice = None if arguments.content is None else read_choice(arguments.content)
    part = arguments.shard or Shard(0, 1)
    samples = part.samples(arguments.count)
    job = dataset_job(
        scenes,
        settings,
        arguments.seed,
        learned=learned,
        separate=separate,
        camera=camera,
        choice=choice,
    )
    if arguments.shard is not None:
        job |= part.job(arguments.count)

    def opened():
        source = open_renderer(domain, workers=workers, data=arguments.data)
        return contextlib.closing(with_camera(source, camera))

    with contextlib.ExitStack() as stack:
        renderer = None
        if arguments.force and replaceable(arguments.output):
            # The renderer first: what is there is removed only when there can be something new.
            renderer = stack.enter_context(opened())
            remove_data_set(arguments.output)
        writer = open_writer(
            arguments.format,
            arguments.output,
            classes=world_of(domain).labels,
            job=job,
        )
        stack.enter_context(writer.owned())
        missing = len(writer.missing(samples.stop, samples.start))
        if missing:
            renderer = renderer or stack.enter_context(opened())
            present = len(samples) - missing
            with Progress("rendering", len(samples), present, quiet=arguments.json) as progress:
                generate(
                    scenes,
                    renderer,
                    settings,
                    writer,
                    samples.stop,
                    arguments.seed,
                    start=samples.start,
                    learned=learned,
                    separate=separate,
                    choice=choice,
                    progress=progress.update,
                )
        else:
            writer.finish()
    print_result(
        arguments,
        {"output": str(arguments.output), "frames": len(samples), "rendered": missing},
        f"{arguments.output} holds {len(samples)} labelled frames in {arguments.format} form; "
        f"{missing} of them were missing and have been rendered.",
    )
    return 0


def shard(text: str) -> Shard:
    """A shard, for argparse."""
    from metasim_backend.datasets.shards import Shard

    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def open_generator(source: Path) -> tuple[SceneGenerator, RenderSettings, CameraModel]:
    """The generator of a run's folder, or of a grammar file, which has only the prior; what it
    renders with, and the camera that takes the pictures."""
    from metasim_backend.training.run_config import (
        load_camera,
        load_generator,
        open_run,
        resolve_settings,
    )
    from metasim_backend.training.scene_generator import SceneGenerator

    check_generator(source)
    if source.is_file():
        from metasim_backend.grammar import load_grammar

        grammar = load_grammar(source)
        settings = resolve_settings(grammar)
        wanted, camera = settings.rendering, settings.camera_model
        scenes = SceneGenerator(grammar)
    else:
        folder, config = open_run(source)
        wanted = config.settings.rendering
        scenes = load_generator(folder, config)
        camera = load_camera(folder, config)
    return scenes, wanted.render_settings(), camera


def dataset_job(
    scenes: SceneGenerator,
    settings: RenderSettings,
    seed: int,
    *,
    learned: bool,
    separate: bool = True,
    camera: CameraModel | None = None,
    choice: ContentChoice | None = None,
) -> dict[str, object]:
    """What a data set depends on; it is continued only with the same."""
    from metasim_backend.training.dataset_generation import fingerprint

    return {
        "learned": learned,
        **({} if separate else {"collisions": "kept"}),
        **({} if camera is None or camera.is_identity else {"camera_model": camera.to_dict()}),
        **({} if choice is None else {"content": choice.digest}),
        "seed": seed,
        "render": settings.to_dict(),
        "generator": fingerprint(scenes),
    }


def replaceable(folder: Path) -> bool:
    """Whether the folder is a data set that a command of ours wrote, and nothing else.

    Raises:
        UsageError: when it is one, but holds other things too.
    """
    from metasim_backend.datasets.sample_files import HIDDEN
    from metasim_backend.datasets.writers.writer import parts_of

    if not (folder / HIDDEN).is_dir():
        return False  # the writer refuses what is no data set of ours
    # --force removes nothing but what belongs to the data set.
    own = (HIDDEN, *parts_of(folder), *MAPS)
    others = sorted(item.name for item in folder.iterdir() if item.name not in own)
    if others:
        raise UsageError(
            f"{folder} holds {others[0]!r} too, which is no part of a dataset, so --force leaves "
            "it all; move that away or choose another folder with -o."
        )
    return True
