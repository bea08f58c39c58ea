"""``metasim gallery``: scenes of a grammar or of a run on one sheet, with their labels."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.commands.options import (
    add_data_option,
    add_generator_argument,
    add_render_options,
    add_worker_options,
    check_generator,
    output_file,
    positive,
    print_result,
    render_settings,
    worker_settings,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_generator_argument(parser, "source")
    parser.add_argument("-n", "--count", type=positive, default=12, help="scenes (default 12)")
    parser.add_argument("--columns", type=positive, default=3, help="in a row (default 3)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prior", action="store_true", help="of a run: the grammar's scenes")
    parser.add_argument("-o", "--output", type=Path, default=Path("gallery.png"), metavar="PNG")
    parser.add_argument("--force", action="store_true", help="replace a picture that is there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_render_options(parser)
    add_data_option(parser)
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.commands.render import default_settings
    from metasim_backend.reporting.contact_sheet import contact_sheet
    from metasim_backend.run_files.atomic_files import write_atomically
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.training.scene_generator import noise_seeds
    from metasim_backend.worlds.registry import open_renderer

    output = output_file(arguments.output, force=arguments.force)
    scenes = scenes_of(arguments)
    domain = scenes[0].domain
    settings = render_settings(arguments, default_settings(domain))
    workers = worker_settings(arguments)
    with (
        contextlib.closing(open_renderer(domain, workers=workers, data=arguments.data)) as renderer,
        Progress("rendering", len(scenes), quiet=arguments.json) as progress,
    ):
        frames = renderer.render(scenes, noise_seeds(settings, scenes), progress.update)
    sheet = contact_sheet(frames, arguments.columns)
    write_atomically(output, lambda file: sheet.save(file, format="PNG", optimize=True))
    print_result(
        arguments,
        {"output": str(output), "scenes": len(scenes)},
        f"Wrote {output}: {len(scenes)} scenes, each with boxes, objects and depth.",
    )
    return 0


def scenes_of(arguments: argparse.Namespace) -> list[SceneGraph]:
    """The scenes that are asked for: of a grammar's prior, or of a run's generator."""
    from metasim_backend.training.seeds import derive_seed

    check_generator(arguments.source)
    seeds = [derive_seed(arguments.seed, "sample", i) for i in range(arguments.count)]
    if arguments.source.is_dir():
        from metasim_backend.training.run_config import load_generator, open_run

        folder, config = open_run(arguments.source)
        generator = load_generator(folder, config)
        return generator.prior(seeds) if arguments.prior else generator.learned(seeds)
    from metasim_backend.grammar import load_grammar, sample_scene

    grammar = load_grammar(arguments.source)
    return [sample_scene(grammar, seed) for seed in seeds]
