"""``metasim train``: learn a generator for a folder of real images."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from metasim_backend.commands.options import (
    add_data_option,
    add_grammar_argument,
    add_worker_options,
    print_result,
    worker_settings,
)
from metasim_backend.commands.setting_options import (
    add_set_option,
    add_setting_option,
    add_setting_switch,
    refuse_changes,
)

if TYPE_CHECKING:
    from torch import Tensor

    from metasim_backend.training.run_config import RunConfig

TOO_ALIKE = 0.9
MANY_ALIKE = 0.2  # of all pictures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grammar_argument(parser, nargs="?")
    parser.add_argument("--target", type=Path, metavar="IMAGES", help="folder of real images")
    parser.add_argument(
        "--validation",
        type=Path,
        metavar="LABELLED",
        help="labelled real images (KITTI or COCO form) for the task phase",
    )
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="the run's folder")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    existing.add_argument("--force", action="store_true", help="replace a run that is there")
    add_setting_option(parser, "--phases", "phases")
    add_setting_option(parser, "--seed", "seed")
    add_setting_option(parser, "--features", "features.network")
    add_setting_switch(parser, "--skip-bad", "target.skip_bad")
    add_set_option(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_data_option(parser)
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    import torch

    from metasim_backend.networks.device import network_device
    from metasim_backend.run_files.run_folder import RunFolder
    from metasim_backend.settings import nested
    from metasim_backend.training.loop import train
    from metasim_backend.training.run_config import (
        check_networks,
        open_run,
        plan_run,
        read_target,
    )
    from metasim_backend.training.services import Services
    from metasim_backend.worlds.registry import open_renderer, world_of

    workers = worker_settings(arguments)
    if arguments.resume:
        folder, config = open_run(arguments.run)
        folder.check_unused()
        refuse_changes(config, arguments.given, arguments.overrides, arguments.target)
        check_networks(config)
        network_device(config.settings.networks.device)  # says what is wrong
        target = read_target(config)
    else:
        config, target = plan_run(
            arguments.run,
            grammar=arguments.grammar,
            target=arguments.target,
            validation=arguments.validation,
            overrides=arguments.overrides,
            defaults=nested(arguments.given),
            command=["metasim", *sys.argv[1:]],
            force=arguments.force,
        )
    if target.skipped:
        print(
            f"Goes on without {len(target.skipped)} files that cannot be used; the report lists "
            "them.",
            file=sys.stderr,
        )
    with contextlib.closing(
        open_renderer(config.grammar.domain, workers=workers, data=arguments.data)
    ) as renderer:
        if not arguments.resume:  # only now: all that the run needs is there
            folder = RunFolder.create(arguments.run, config.to_dict(), force=arguments.force)
            _tell_of_first_round(config)
            in_depth = world_of(config.grammar.domain).in_depth
            if in_depth and config.settings.target.most_alike >= 1:
                _tell_of_near_duplicates(torch.cat([target.matched, target.unseen]))
        train(
            Services(
                folder,
                config.grammar,
                config.settings,
                target,
                renderer,
                command=config.command,
                quiet=arguments.json,
            )
        )
    summary = folder.read_json("summary.json")
    distances = summary["mmd2"]
    before, after = distances["prior"]["unseen"], distances["learned"]["unseen"]
    print_result(
        arguments,
        {"run": str(folder.path), "mmd2": distances, "detector": summary["detector"]},
        f"MMD² to unseen target pictures: prior {before:.4f}, learned {after:.4f}.\n"
        f"Look at {folder.path / 'report.html'}; write a dataset with: "
        f"metasim generate {shlex.quote(str(folder.path))} -n 100 -o DATASET",
    )
    return 0


def _tell_of_near_duplicates(images: Tensor) -> None:
    """A remark when many pictures are like neighbouring frames of a video."""
    from metasim_backend.datasets.near_duplicates import distinct

    alike = len(images) - len(distinct(images, TOO_ALIKE))
    if alike >= MANY_ALIKE * len(images):
        print(
            f"{alike} of {len(images)} target pictures are nearly the same as another, like "
            "neighbouring frames of a video, and count as streets of their own; "
            f"--set target.most_alike={TOO_ALIKE} uses one of each.",
            file=sys.stderr,
        )


def _tell_of_first_round(config: RunConfig) -> None:
    """A remark when the first round has a reader to train, which takes long."""
    from metasim_backend.grammar.encoding import Encoding
    from metasim_backend.training.estimators.pretrained_reader import AUTO, chosen_file

    settings = config.settings
    if settings.match.estimator != "surrogate" or settings.surrogate.pretrained != AUTO:
        return
    if chosen_file(settings, Encoding(config.grammar)) is None:
        print(
            "None of the readers that come with metasim fits pictures of "
            f"{settings.rendering.width} x {settings.rendering.height} pixels and this grammar, so "
            f"the first round renders {settings.surrogate.scenes} streets and trains one: half an "
            "hour or more on two cores. metasim reader makes one for many runs.",
            file=sys.stderr,
        )
