"""``metasim generate``: a labelled dataset from a learned generator."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from blender_addon.contract.frames import RenderSettings
from metasim_backend.commands.options import (
    add_render_options,
    add_worker_options,
    positive,
    print_result,
    render_settings,
    worker_settings,
)

FORMATS = ("coco", "kitti", "yolo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument("-n", "--count", type=positive, required=True, help="how many frames")
    parser.add_argument("--format", choices=FORMATS, default="coco", help="default: coco")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--prior", action="store_true", help="the grammar's scenes, not learned")
    parser.add_argument("--seed", type=int, default=0, help="of the dataset (default 0)")
    parser.add_argument("--force", action="store_true", help="replace a dataset that is there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_render_options(parser)
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from metasim_backend.datasets.writers import open_writer
    from metasim_backend.rendering.blender import BlenderRenderer
    from metasim_backend.training.dataset_generation import fingerprint, generate
    from metasim_backend.training.run_config import load_generator, open_run

    folder, config = open_run(arguments.run)
    scenes = load_generator(folder, config)
    wanted = config.settings.rendering
    settings = render_settings(
        arguments,
        RenderSettings(
            wanted.width, wanted.height, wanted.samples, 0, wanted.engine, wanted.device
        ),
    )
    if arguments.force:
        remove_dataset(arguments.output)
    writer = open_writer(
        arguments.format,
        arguments.output,
        job={
            "learned": not arguments.prior,
            "seed": arguments.seed,
            "render": settings.to_dict(),
            "generator": fingerprint(scenes),
        },
    )
    missing = len(writer.missing(arguments.count))
    if missing:
        with (
            BlenderRenderer(worker_settings(arguments)) as renderer,
            tqdm(
                total=arguments.count,
                initial=arguments.count - missing,
                desc="rendering",
                disable=arguments.json or None,
            ) as bar,
        ):
            generate(
                scenes,
                renderer,
                settings,
                writer,
                arguments.count,
                arguments.seed,
                learned=not arguments.prior,
                progress=bar.update,
            )
    else:
        writer.finish()
    print_result(
        arguments,
        {"output": str(arguments.output), "frames": arguments.count, "rendered": missing},
        f"{arguments.output} holds {arguments.count} labelled frames in {arguments.format} form; "
        f"{missing} of them were missing and have been rendered.",
    )
    return 0


def remove_dataset(folder: Path) -> None:
    """Delete a data set that this command wrote; the writer refuses any other folder itself."""
    from metasim_backend.datasets.sample_files import HIDDEN

    if (folder / HIDDEN).is_dir():
        shutil.rmtree(folder)
