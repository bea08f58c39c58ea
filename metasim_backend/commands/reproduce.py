"""``metasim reproduce``: an experiment over several seeds, with intervals and beside the paper."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from metasim_backend.commands.options import (
    UsageError,
    add_data_option,
    not_negative,
    output_file,
    positive,
    print_result,
    writable_folder,
)
from metasim_backend.commands.setting_options import add_set_option

if TYPE_CHECKING:
    from metasim_backend.experiments.experiment import Experiment, Options

RESULTS = Path("docs/results")
"""Below the current folder: a checkout keeps them."""
OF_SOME = {
    "target": ("DIR", "photographs to learn from"),
    "unseen": ("DIR", "other photographs, to compare with (default: some of the target's)"),
    "validation": ("DIR", "labelled photographs on which settings are chosen"),
    "test": ("DIR", "labelled photographs on which nothing is chosen"),
    "boxes": (
        "CSV",
        "2-D boxes of real frames of that kind, whose numbers are compared with afterwards",
    ),
    "features": (
        "FILE",
        "an ImageNet network's weights, to read counts with and to compare in",
    ),
    "match_features": (
        "FILE",
        "another's, to match in (default: a small network trained on the prior's renders)",
    ),
    "detector": (
        "FILE",
        "an ImageNet MobileNetV2's weights, with which detectors begin (default: torchvision's)",
    ),
}
"""Options that only some experiments take: what is given, and the help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("experiment", nargs="?", help="its name; --list says which there are")
    parser.add_argument("--list", action="store_true", help="say what can be run, and do nothing")
    parser.add_argument("--seeds", type=positive, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--first",
        type=not_negative,
        default=0,
        metavar="SEED",
        help="the first of these seeds (default: 0); what the result file has of others, made with "
        "the same settings, stays in it, so that processes can share the seeds",
    )
    parser.add_argument("--long", action="store_true", help="larger task networks, trained longer")
    parser.add_argument(
        "--run",
        type=Path,
        metavar="DIR",
        help="where runs and the report are kept, and gone on with (default: runs/EXPERIMENT)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="JSON",
        help="default: docs/results/EXPERIMENT.json in a checkout, elsewhere in the run's folder",
    )
    add_set_option(parser)
    of_some = parser.add_argument_group("of experiments on photographs")
    for name, (shown, words) in OF_SOME.items():
        of_some.add_argument(_flag(name), dest=name, type=Path, metavar=shown, help=words)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_data_option(parser)


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.experiments.definitions import EXPERIMENTS, experiment_named
    from metasim_backend.experiments.page import write_page
    from metasim_backend.experiments.runner import run_experiment, seed_folder
    from metasim_backend.experiments.table import result_table
    from metasim_backend.run_files.run_folder import RunFolder

    if arguments.list:
        about = {name: experiment.about for name, experiment in EXPERIMENTS.items()}
        width = max(map(len, about))
        print_result(
            arguments,
            about,
            "\n".join(f"{name:{width}}  {sentence}" for name, sentence in about.items()),
        )
        return 0
    if arguments.experiment is None:
        raise UsageError("Which experiment? metasim reproduce --list names them all.")
    experiment = experiment_named(arguments.experiment)
    if arguments.long:
        experiment = experiment.longer()
    options = _options(arguments, experiment)
    folder = arguments.run or Path("runs") / experiment.name
    file = f"{experiment.name}{'-long' * experiment.long}.json".replace("-", "_")
    output = arguments.output or (RESULTS if RESULTS.is_dir() else folder) / file
    output_file(output, force=True)  # which is completed
    writable_folder(next(one for one in (folder, *folder.absolute().parents) if one.exists()))
    seeds = range(arguments.first, arguments.first + arguments.seeds)

    def tell(text: str) -> None:
        if not arguments.json:
            print(text, flush=True)

    record = run_experiment(experiment, seeds, folder, output, options, tell)
    runs = {
        seed: {
            words: path
            for words, path in experiment.runs(seed_folder(folder, seed)).items()
            if RunFolder.exists(path)
        }
        for seed in record["seeds"]
    }
    page = write_page(folder, record, {seed: named for seed, named in runs.items() if named})
    print_result(arguments, record, f"{result_table(record)}\nWrote {output} and {page}.")
    return 0


def _options(arguments: argparse.Namespace, experiment: Experiment) -> Options:
    """What is asked of the experiment.

    Raises:
        UsageError: on an option that it does not take, or lacks.
    """
    from metasim_backend.experiments.experiment import Options

    given = {n: path for n in OF_SOME if (path := getattr(arguments, n)) is not None}
    for name in given:
        if name not in experiment.takes:
            raise UsageError(f"{experiment.name} takes no {_flag(name)}; leave it out.")
    for name in experiment.needs:
        if name not in given:
            raise UsageError(f"{experiment.name} needs {OF_SOME[name][1]}; give {_flag(name)}.")
    command = ("metasim", *sys.argv[1:])
    return Options(tuple(arguments.overrides), arguments.data, command, **given)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
