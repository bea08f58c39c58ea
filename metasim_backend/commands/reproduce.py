"""``metasim reproduce``: a published experiment again, over several seeds, beside the paper."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from metasim_backend.commands.options import (
    UsageError,
    add_data_option,
    not_negative,
    positive,
    print_result,
)
from metasim_backend.commands.setting_options import add_set_option

REWARD = "mnist-reward"
NAMES = (
    "mnist-rotation",
    "mnist-rotation-translation",
    "mnist-spread",
    "aerial2d",
    "aerial2d-spread",
    REWARD,
)
STRUCTURE_NAMES = ("multi-mnist", "aerial2d-structure", "driving-structure")
REAL = "driving-structure-real"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("experiment", choices=(*NAMES, *STRUCTURE_NAMES, REAL))
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
        "-o", "--output", type=Path, metavar="JSON", help="default: docs/results/EXPERIMENT.json"
    )
    add_set_option(parser)
    photographs = parser.add_argument_group(REAL)
    photographs.add_argument("--target", type=Path, metavar="DIR", help="photographs to learn from")
    photographs.add_argument(
        "--boxes",
        type=Path,
        metavar="CSV",
        help="2-D boxes of real frames of that kind, whose numbers are compared with afterwards",
    )
    photographs.add_argument(
        "--unseen",
        type=Path,
        metavar="DIR",
        help="other photographs, to compare with (default: some of the target's)",
    )
    photographs.add_argument(
        "--features",
        type=Path,
        metavar="FILE",
        help="an ImageNet network's weights, to read counts with and to compare in",
    )
    photographs.add_argument(
        "--match-features",
        type=Path,
        metavar="FILE",
        help="another's, to match in (default: a small network trained on the prior's renders)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_data_option(parser)


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.reporting.reproduction_page import write_reproduction_page
    from metasim_backend.reproduction.experiments import experiment_named
    from metasim_backend.reproduction.kept_seeds import experiment_key
    from metasim_backend.reproduction.one_seed import run_seed
    from metasim_backend.reproduction.record import record_of
    from metasim_backend.reproduction.table import result_table

    if arguments.experiment == REAL:
        return run_real_structure(arguments)
    if arguments.experiment == REWARD:
        return run_reward(arguments)
    if arguments.experiment in STRUCTURE_NAMES:
        return run_structure(arguments)
    experiment = experiment_named(arguments.experiment)
    if arguments.long and experiment.long_budget is None:
        raise UsageError(f"{experiment.name} has no longer training; leave --long out.")
    name = experiment.name + ("-long" if arguments.long else "")
    folder = arguments.run or Path("runs") / experiment.name
    output = arguments.output or Path("docs/results") / f"{name.replace('-', '_')}.json"
    command = ["metasim", *sys.argv[1:]]
    tell = _teller(arguments)

    key = experiment_key(experiment, arguments.overrides, long=arguments.long)

    def run_one(seed: int) -> dict:
        return run_seed(
            experiment,
            seed,
            folder / f"seed_{seed}",
            long=arguments.long,
            data=arguments.data,
            overrides=arguments.overrides,
            command=command,
            tell=tell,
        )

    def record_seeds(seeds: dict[int, dict]) -> dict:
        return record_of(experiment, seeds, long=arguments.long, command=command)

    seeds, record = _run_seeds(arguments, folder, output, key, run_one, record_seeds, tell)
    folder.mkdir(parents=True, exist_ok=True)
    runs = [folder / f"seed_{seed}" for seed in seeds if (folder / f"seed_{seed}").exists()]
    page = write_reproduction_page(folder, record, runs)
    print_result(
        arguments,
        record,
        f"{result_table(record)}\nWrote {output} and {page}.",
    )
    return 0


def run_reward(arguments: argparse.Namespace) -> int:
    """The task loss alone, from a generator that was displaced, against noise as a reward."""
    from dataclasses import asdict

    from metasim_backend.reproduction.experiments import experiment_named
    from metasim_backend.reproduction.kept_seeds import experiment_key, short_name
    from metasim_backend.reproduction.record import provenance
    from metasim_backend.reproduction.reward import (
        BASE,
        RewardSettings,
        reward_record,
        reward_table,
        run_reward_seed,
    )

    if arguments.long or arguments.overrides:
        raise UsageError(f"{REWARD} has neither a longer training nor settings; leave them out.")
    settings = RewardSettings()
    folder = arguments.run or Path("runs") / REWARD
    output = arguments.output or Path("docs/results/mnist_reward.json")
    command = ["metasim", *sys.argv[1:]]
    tell = _teller(arguments)

    generator = experiment_key(experiment_named(BASE), (), long=False)
    key = short_name({"generator": generator, "settings": asdict(settings)})

    def run_one(seed: int) -> dict:
        return run_reward_seed(
            seed,
            folder / f"seed_{seed}",
            settings,
            data=arguments.data,
            command=command,
            tell=tell,
        )

    def record_seeds(seeds: dict[int, dict]) -> dict:
        return (
            {"experiment": REWARD, "title": "MNIST: the task loss alone, from 30° off"}
            | provenance(command)
            | {"settings": asdict(settings), "seeds": list(seeds)}
            | reward_record(seeds, settings)
        )

    _, record = _run_seeds(arguments, folder, output, key, run_one, record_seeds, tell)
    print_result(arguments, record, f"{reward_table(record)}\nWrote {output}.")
    return 0


def run_structure(arguments: argparse.Namespace) -> int:
    """What stands in a scene is learned too: with the density reward and with the batch's MMD."""
    from metasim_backend.reporting.structure_page import write_structure_page
    from metasim_backend.reproduction.kept_seeds import structure_key
    from metasim_backend.reproduction.structure_experiments import structure_experiment_named
    from metasim_backend.reproduction.structure_record import structure_record, structure_table
    from metasim_backend.reproduction.structure_seed import run_structure_seed

    experiment = structure_experiment_named(arguments.experiment)
    if arguments.long:
        raise UsageError(f"{experiment.name} has no longer training; leave --long out.")
    folder = arguments.run or Path("runs") / experiment.name
    output = arguments.output or Path(f"docs/results/{experiment.name.replace('-', '_')}.json")
    command = ["metasim", *sys.argv[1:]]
    tell = _teller(arguments)

    def run_one(seed: int) -> dict:
        return run_structure_seed(
            experiment,
            seed,
            folder / f"seed_{seed}",
            data=arguments.data,
            overrides=arguments.overrides,
            command=command,
            tell=tell,
        )

    def record_seeds(seeds: dict[int, dict]) -> dict:
        return structure_record(experiment, seeds, command)

    key = structure_key(experiment, arguments.overrides)
    _, record = _run_seeds(arguments, folder, output, key, run_one, record_seeds, tell)
    page = write_structure_page(folder, record)
    print_result(arguments, record, f"{structure_table(record)}\nWrote {output} and {page}.")
    return 0


def run_real_structure(arguments: argparse.Namespace) -> int:
    """Structure learned from photographs, against the prior and attributes alone."""
    from dataclasses import asdict

    from metasim_backend.datasets.box_table import counts_in_table
    from metasim_backend.grammar import load_grammar
    from metasim_backend.reproduction.experiments import SCENES
    from metasim_backend.reproduction.kept_seeds import short_name
    from metasim_backend.reproduction.real_structure import RealStructure, run_real_structure_seed
    from metasim_backend.reproduction.real_structure_record import (
        real_structure_record,
        real_structure_table,
    )
    from metasim_backend.reproduction.record import provenance

    if arguments.long:
        raise UsageError(f"{REAL} has no longer training; leave --long out.")
    if arguments.target is None:
        raise UsageError(f"{REAL} needs a folder of photographs; give --target DIR.")
    experiment = RealStructure()
    truth = None
    if arguments.boxes is not None:
        truth = counts_in_table(arguments.boxes, experiment.counted, experiment.least_height)
    folder = arguments.run or Path("runs") / REAL
    output = arguments.output or Path("docs/results/driving_structure_real.json")
    command = ["metasim", *sys.argv[1:]]
    tell = _teller(arguments)

    def run_one(seed: int) -> dict:
        return run_real_structure_seed(
            experiment,
            seed,
            folder / f"seed_{seed}",
            arguments.target,
            truth,
            unseen=arguments.unseen,
            weights=arguments.features,
            matched=arguments.match_features,
            overrides=arguments.overrides,
            command=command,
            tell=tell,
        )

    def record_seeds(seeds: dict[int, dict]) -> dict:
        return (
            {"experiment": REAL, "title": "Driving: structure learned from photographs"}
            | provenance(command)
            | {"settings": asdict(experiment)}
            | real_structure_record(seeds, truth)
        )

    key = short_name(
        {
            "grammar": load_grammar(SCENES / experiment.grammar).to_dict(),
            "settings": asdict(experiment),
            "overrides": list(arguments.overrides),
            "features": None if arguments.features is None else arguments.features.name,
            "matched": None if arguments.match_features is None else arguments.match_features.name,
            "unseen": None if arguments.unseen is None else arguments.unseen.name,
            "truth": None if truth is None else truth.tolist(),
        }
    )
    _, record = _run_seeds(arguments, folder, output, key, run_one, record_seeds, tell)
    print_result(arguments, record, f"{real_structure_table(record)}\nWrote {output}.")
    return 0


def _teller(arguments: argparse.Namespace) -> Callable[[str], None]:
    """Says what goes on, unless only JSON is wanted."""

    def tell(text: str) -> None:
        if not arguments.json:
            print(text, flush=True)

    return tell


def _run_seeds(
    arguments: argparse.Namespace,
    folder: Path,
    output: Path,
    key: str,
    run_one: Callable[[int], dict],
    record_seeds: Callable[[dict[int, dict]], dict],
    tell: Callable[[str], object],
) -> tuple[dict[int, dict], dict]:
    """The results of the seeds asked for and of all others in the result file, and their record.

    The file is read and written anew after each seed, so that what is interrupted leaves a result
    of what was done, and what another process has added meanwhile is kept.
    """
    from metasim_backend.reproduction.kept_seeds import kept_seeds, with_each_seed
    from metasim_backend.reproduction.record import write_record

    seeds: dict[int, dict] = {}
    record: dict = {}
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        known = kept_seeds(output, key)
        if seed in known and not (folder / f"seed_{seed}").exists():
            tell(f"seed {seed}: already in {output}")
            own = known[seed]
        else:
            own = run_one(seed)
        together = kept_seeds(output, key) | {seed: own}
        seeds = {number: together[number] for number in sorted(together)}
        record = record_seeds(seeds)
        write_record(output, with_each_seed(record, seeds, key))
    return seeds, record
