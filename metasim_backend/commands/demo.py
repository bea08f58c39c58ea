"""``metasim demo``: the main job with targets rendered from a hidden grammar, so that the truth
is known."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from metasim_backend.commands.options import (
    add_worker_options,
    worker_settings,
)
from metasim_backend.commands.setting_options import add_set_option, refuse_changes
from metasim_backend.shipped_files.folders import SCENES

if TYPE_CHECKING:
    from metasim_backend.datasets.writers.writer import DatasetWriter
    from metasim_backend.grammar import Grammar
    from metasim_backend.rendering.renderer import Renderer
    from metasim_backend.run_files.run_folder import RunFolder

TARGETS = 200
WIDTH, HEIGHT = 320, 192
DATASET = 50
SETTINGS: dict[str, object] = {
    "seed": 1,
    "rendering": {"width": WIDTH, "height": HEIGHT},
    "phases": ["pretrain", "match"],
    "features": {"network": "efficientnet_lite0"},
    "match": {"estimator": "surrogate"},
    "surrogate": {"renders": 200, "reader_goes_on": 0},  # some ten minutes are to be enough
    "evaluation": {"scenes": 60, "unseen": 0.25},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, default=Path("runs/demo"), metavar="DIR")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--resume", action="store_true", help="go on with an interrupted demo")
    existing.add_argument("--force", action="store_true", help="replace a run that is there")
    add_set_option(parser)
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from metasim_backend.commands.generate import dataset_job
    from metasim_backend.datasets.writers.writer import open_writer
    from metasim_backend.grammar import attribute_samples, load_grammar, sample_scene
    from metasim_backend.rendering.blender import BlenderRenderer
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.run_files.run_folder import RunFolder
    from metasim_backend.training.dataset_generation import generate
    from metasim_backend.training.loop import train
    from metasim_backend.training.run_config import (
        RunConfig,
        check_networks,
        open_run,
        plan_run,
        read_target,
        resolve_settings,
    )
    from metasim_backend.training.seeds import derive_seed
    from metasim_backend.training.services import Services

    started = time.monotonic()
    run_folder: Path = arguments.run
    inputs = run_folder.parent / f"{run_folder.name}-input"
    hidden = load_grammar(SCENES / "demo_target.yaml")
    # What can be wrong is said before any picture is rendered.
    if arguments.resume:
        folder, config = open_run(run_folder)
        folder.check_unused()
        refuse_changes(config, {}, arguments.overrides)
    else:
        RunFolder.check_free(run_folder, force=arguments.force)
        grammar = load_grammar(SCENES / "driving.yaml")
        settled = resolve_settings(grammar, arguments.overrides, SETTINGS)
        config = RunConfig(grammar, settled, None, None)
    check_networks(config)
    with BlenderRenderer(worker_settings(arguments)) as renderer:
        print(
            "The hidden truth: pictures of a street whose settings the learner is not told.",
            flush=True,
        )
        writer = hidden_writer(inputs / "target", hidden, force=arguments.force)
        render_hidden(writer, TARGETS, hidden, renderer)

        if arguments.resume:
            target = read_target(config)
        else:
            config, target = plan_run(
                run_folder,
                grammar=SCENES / "driving.yaml",
                target=inputs / "target" / "images",
                validation=None,
                overrides=arguments.overrides,
                defaults=SETTINGS,
                command=["metasim", *sys.argv[1:]],
                force=arguments.force,
            )
            folder = RunFolder.create(run_folder, config.to_dict(), force=arguments.force)
        truth = attribute_samples(
            hidden, [sample_scene(hidden, derive_seed(7, "truth", i)) for i in range(200)]
        )
        services = Services(
            folder,
            config.grammar,
            config.settings,
            replace(target, truth=truth),
            renderer,
            command=config.command,
        )
        state = train(services)
        dataset = folder.path / "dataset"
        settings = replace(services.render_settings, float_image=False)
        seed = config.settings.seed
        camera = state.camera_model
        job = dataset_job(state.scenes, settings, seed, learned=True, camera=camera)
        writer = open_writer("coco", dataset, job=job)
        done = DATASET - len(writer.missing(DATASET))
        with writer.owned(), Progress("dataset", DATASET, done) as progress:
            generate(
                state.scenes,
                services.renderer(camera),
                settings,
                writer,
                DATASET,
                seed,
                progress=progress.update,
            )
    tell(folder)
    print(
        f"Took {(time.monotonic() - started) / 60:.1f} minutes. Look at "
        f"{folder.path / 'report.html'}\nand at {DATASET} labelled images in {dataset}."
    )
    return 0


def hidden_writer(folder: Path, hidden: Grammar, *, force: bool) -> DatasetWriter:
    """Where pictures of the hidden setting are kept; with force those of another are replaced."""
    from metasim_backend.commands.generate import replaceable
    from metasim_backend.datasets.readers.pictures import DatasetError
    from metasim_backend.datasets.sample_files import remove_data_set
    from metasim_backend.datasets.writers.writer import open_writer

    grammar = hashlib.sha256(json.dumps(hidden.to_dict()).encode()).hexdigest()[:16]
    job = {"hidden": "target", "grammar": grammar, "size": [WIDTH, HEIGHT]}
    try:
        return open_writer("coco", folder, job=job)
    except DatasetError:
        if not (force and replaceable(folder)):
            raise
        remove_data_set(folder)
        return open_writer("coco", folder, job=job)


def render_hidden(writer: DatasetWriter, count: int, hidden: Grammar, renderer: Renderer) -> None:
    """The pictures of the hidden setting that are not there yet."""
    from blender_addon.contract.frames import RenderSettings
    from metasim_backend.grammar import sample_scene
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.training.dataset_generation import CHUNK
    from metasim_backend.training.scene_generator import noise_seeds
    from metasim_backend.training.seeds import derive_seed

    with writer.owned():
        missing = writer.missing(count)
        with Progress("target", count, count - len(missing)) as progress:
            for start in range(0, len(missing), CHUNK):
                numbers = missing[start : start + CHUNK]
                scenes = [sample_scene(hidden, derive_seed(7, "target", i)) for i in numbers]
                settings = noise_seeds(RenderSettings(WIDTH, HEIGHT), scenes)
                frames = renderer.render(scenes, settings, progress.update)
                for index, frame in zip(numbers, frames, strict=True):
                    writer.write(index, frame)
        writer.finish()


def tell(folder: RunFolder) -> None:
    """What was learned, for a person."""
    from metasim_backend.reporting.attributes import attribute_table
    from metasim_backend.reporting.verdict import recovery

    summary = folder.read_json("summary.json")
    distances = summary["mmd2"]
    rows = attribute_table(folder.read_json("attributes.json"))
    if (truth := recovery(rows)) is not None:
        print(f"\n{truth.sentence}.")
    print(
        f"MMD² to unseen target pictures: prior {distances['prior']['unseen']:.4f}, "
        f"learned {distances['learned']['unseen']:.4f}\n"
        "Distance to the truth as a share of the prior's:"
    )
    differing = [row for row in rows if row.differs and row.ratio is not None]
    for row in sorted(differing, key=lambda row: row.ratio or 0.0):
        prior, learned, target = (
            f"{m.mean:.2f} ± {m.spread:.2f}" if m else "unknown"
            for m in (row.prior, row.learned, row.target)
        )
        print(
            f"  {row.name:20} {row.ratio:5.2f}   prior {prior:>16}   learned {learned:>16}   "
            f"truth {target:>16}"
        )
