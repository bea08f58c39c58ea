"""``metasim evaluate``: what a detector learns from a run's data, on labelled images."""

from __future__ import annotations

import argparse
from pathlib import Path

from metasim_backend.commands.options import (
    UsageError,
    add_skip_option,
    add_worker_options,
    positive,
    print_result,
    tell_of_skipped,
    worker_settings,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument("--on", type=Path, required=True, metavar="LABELLED")
    parser.add_argument(
        "--classes",
        default=None,
        metavar="NAME=CLASS,...",
        help="what classes of the labelled files are, such as vehicle=car (default: as in the run)",
    )
    parser.add_argument("--scenes", type=positive, default=200, help="to train on (default 200)")
    parser.add_argument("--steps", type=positive, default=300, help="of training (default 300)")
    parser.add_argument("--prior", action="store_true", help="the grammar's scenes, not learned")
    parser.add_argument("--seed", type=int, default=0)
    add_skip_option(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict, replace

    from metasim_backend.camera.renderer import with_camera
    from metasim_backend.datasets.class_names import parse_names
    from metasim_backend.datasets.readers.labelled import check_cars, read_labelled
    from metasim_backend.rendering.blender import BlenderRenderer
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.training import evaluation
    from metasim_backend.training.run_config import load_camera, load_generator, open_run
    from metasim_backend.training.seeds import derive_seed, generator
    from metasim_backend.training.task_network import new_detector, task_of

    folder, config = open_run(arguments.run)
    if task_of(config.grammar.domain) != "detector":
        raise UsageError(
            f"{arguments.run} is a run of the world {config.grammar.domain!r}, in which nothing is "
            "detected; metasim reproduce scores its task network."
        )
    scenes = load_generator(folder, config)
    wanted = config.settings.rendering
    asked = arguments.classes
    names = parse_names(config.settings.target.classes if asked is None else asked)
    labelled = read_labelled(
        arguments.on, wanted.width, wanted.height, names=names, skipped=arguments.skipped
    )
    tell_of_skipped(arguments.skipped)
    check_cars(arguments.on, labelled, names)
    detector = new_detector(replace(config.settings, seed=arguments.seed))
    seeds = [derive_seed(arguments.seed, "evaluate", i) for i in range(arguments.scenes)]
    drawn = scenes.prior(seeds) if arguments.prior else scenes.learned(seeds)
    settings = wanted.render_settings()
    with (
        BlenderRenderer(worker_settings(arguments)) as renderer,
        Progress("rendering", len(drawn), quiet=arguments.json) as progress,
    ):
        taken = with_camera(renderer, load_camera(folder, config))
        sample = evaluation.sample(taken, settings, drawn, progress.update)
    with Progress("detector", arguments.steps, quiet=arguments.json) as progress:
        detector.train(
            sample.frames,
            arguments.steps,
            generator(arguments.seed, "evaluate-detector"),
            progress=lambda *_: progress.update(),
        )
    score = detector.score(labelled)
    levels = ", ".join(
        f"{name} {value:.3f}"
        for name in ("easy", "moderate", "hard")
        if (value := getattr(score, name)) is not None
    )
    result = {"weights": detector.weights, "learned": not arguments.prior, **asdict(score)}
    who = "the prior's" if arguments.prior else "the learned"
    print_result(
        arguments,
        result,
        f"Trained on {len(drawn)} of {who} scenes ({detector.weights}), AP@0.5 on "
        f"{len(labelled)} images: {score.ap50:.3f}{f' ({levels})' if levels else ''}.",
    )
    return 0
