"""``metasim camera fit``: the camera model of a folder of photographs."""

from __future__ import annotations

import argparse
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from metasim_backend.commands.options import (
    UsageError,
    add_skip_option,
    add_worker_options,
    output_file,
    parse_size,
    positive,
    print_result,
    tell_of_skipped,
    worker_settings,
)
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.shipped_files.grammars import grammar_file

if TYPE_CHECKING:
    from torch import Tensor

    from blender_addon.contract.frames import RenderSettings
    from metasim_backend.camera.fitting.fit import FittedCamera
    from metasim_backend.grammar import Grammar

MOST_PHOTOGRAPHS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    fit = actions.add_parser("fit", help="fit the camera model to a folder of photographs")
    fit.add_argument("photographs", type=Path, help="folder of png and jpg files, without labels")
    add_skip_option(fit)
    fit.add_argument(
        "--grammar",
        type=grammar_file,
        default=SCENES / "driving.yaml",
        metavar="NAME",
        help="whose prior's renders they are compared with (default: driving)",
    )
    fit.add_argument(
        "-n", "--count", type=positive, default=24, help="renders to compare with (default 24)"
    )
    fit.add_argument("--size", metavar="WxH", help="pixels (default: as a run would train at)")
    fit.add_argument("--samples", type=positive, metavar="N", help="default: the grammar's")
    fit.add_argument("--seed", type=int, default=0, help="of the renders (default 0)")
    fit.add_argument(
        "-o", "--output", type=Path, default=Path("camera.yaml"), metavar="YAML",
        help="default: camera.yaml",
    )  # fmt: skip
    fit.add_argument("--force", action="store_true", help="replace a file that is there")
    fit.add_argument("--json", action="store_true", help="print the result as JSON")
    add_worker_options(fit)


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.camera.fitting.fit import FEWEST, STEPS, fit_camera
    from metasim_backend.camera.fitting.report import camera_yaml, table
    from metasim_backend.datasets.targets import TargetImages, fitting_size
    from metasim_backend.grammar import load_grammar
    from metasim_backend.run_files.atomic_files import write_text
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.worlds.registry import WORLDS, world_of

    output = output_file(arguments.output, force=arguments.force)
    grammar = load_grammar(arguments.grammar)
    if not world_of(grammar.domain).in_depth:
        raise UsageError(
            f"The world {grammar.domain!r} has no linear light to fit a camera with; give a "
            f"grammar of {' or '.join(n for n, one in WORLDS.items() if one.in_depth)} with "
            "--grammar."
        )
    width, height = fitting_size(arguments.photographs)
    if arguments.size:
        width, height = parse_size(arguments.size)
    settings = replace(
        grammar.render,
        width=width,
        height=height,
        samples=arguments.samples or grammar.render.samples,
        linear=True,
    )
    workers = worker_settings(arguments)
    photographs = TargetImages.read(
        arguments.photographs, width, height, MOST_PHOTOGRAPHS, arguments.skipped
    )
    tell_of_skipped(arguments.skipped)
    if min(len(photographs), arguments.count) < FEWEST:
        few = (
            f"{arguments.photographs} has {len(photographs)} photographs"
            if len(photographs) < FEWEST
            else f"--count {arguments.count} is too few renders"
        )
        raise UsageError(f"{few}; a camera is fitted to at least {FEWEST}.")
    quality = _quality_of(arguments.photographs, photographs.names, (width, height))
    light = _renders(arguments, grammar, settings, workers)
    with Progress("fitting", STEPS, quiet=arguments.json) as progress:
        fitted = fit_camera(photographs.images, light, quality, progress.update)
    source = f"{len(photographs)} photographs and {len(light)} renders of {width}x{height} pixels"
    write_text(output, camera_yaml(fitted, source))
    print_result(
        arguments,
        _as_json(fitted, output),
        f"{table(fitted)}\n"
        f"From {source}. Colours are {fitted.before:.1f} steps of 8 bits apart without the camera, "
        f"{fitted.after:.1f} with it.\n"
        f"Wrote {output}: paste it into a scene file, or give it to metasim render or generate "
        "with --camera.",
    )
    return 0


def _renders(
    arguments: argparse.Namespace, grammar: Grammar, settings: RenderSettings, workers
) -> Tensor:
    """[M, 3, H, W] float32: linear light of scenes of the prior."""
    from metasim_backend.camera.renderer import light_of
    from metasim_backend.grammar import sample_scene
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.training.scene_generator import noise_seeds
    from metasim_backend.training.seeds import derive_seed
    from metasim_backend.worlds.registry import open_renderer

    seeds = [derive_seed(arguments.seed, "camera", i) for i in range(arguments.count)]
    scenes = [sample_scene(grammar, seed) for seed in seeds]
    with (
        contextlib.closing(open_renderer(grammar.domain, workers=workers)) as renderer,
        Progress("rendering", len(scenes), quiet=arguments.json) as progress,
    ):
        frames = renderer.render(scenes, noise_seeds(settings, scenes), progress.update)
    return light_of(frames)


def _quality_of(folder: Path, names: tuple[str, ...], size: tuple[int, int]) -> float:
    """The quality that the files were compressed at, if they are seen pixel by pixel."""
    from metasim_backend.camera.fitting.jpeg_files import quality_of_file

    found = [quality_of_file(folder / name, size) for name in names]
    known = sorted(q for q in found if q)
    return known[len(known) // 2] if len(known) > len(found) / 2 else 0.0


def _as_json(fitted: FittedCamera, output: Path) -> dict:
    return {
        "output": str(output),
        "camera_model": fitted.camera.to_dict(),
        "errors": {f.name: f.error for f in fitted.findings if f.error is not None},
        "histogram_distance": {"before": fitted.before, "after": fitted.after},
    }
