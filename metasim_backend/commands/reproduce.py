"""``metasim reproduce``: a published experiment again, over several seeds, beside the paper."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from metasim_backend.commands.options import (
    UsageError,
    add_data_option,
    positive,
    print_result,
)

REWARD = "mnist-reward"
NAMES = (
    "mnist-rotation",
    "mnist-rotation-translation",
    "mnist-spread",
    "aerial2d",
    "aerial2d-spread",
    REWARD,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("experiment", choices=NAMES)
    parser.add_argument("--seeds", type=positive, default=5, metavar="N", help="default: 5")
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
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="overrides",
        help="any setting of the training, such as match.steps=100; may be given again",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_data_option(parser)


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.reporting.reproduction_page import write_reproduction_page
    from metasim_backend.reproduction.experiments import experiment_named
    from metasim_backend.reproduction.kept_seeds import experiment_key, kept_seeds, with_each_seed
    from metasim_backend.reproduction.one_seed import run_seed
    from metasim_backend.reproduction.record import record_of, write_record
    from metasim_backend.reproduction.table import result_table

    if arguments.experiment == REWARD:
        return run_reward(arguments)
    experiment = experiment_named(arguments.experiment)
    if arguments.long and experiment.long_budget is None:
        raise UsageError(f"{experiment.name} has no longer training; leave --long out.")
    name = experiment.name + ("-long" if arguments.long else "")
    folder = arguments.run or Path("runs") / experiment.name
    output = arguments.output or Path("docs/results") / f"{name.replace('-', '_')}.json"
    command = ["metasim", *sys.argv[1:]]

    def tell(text: str) -> None:
        if not arguments.json:
            print(text, flush=True)

    key = experiment_key(experiment, arguments.overrides, long=arguments.long)
    seeds = kept_seeds(output, key)
    seeds = {seed: seeds[seed] for seed in sorted(seeds) if seed < arguments.seeds}
    for seed in range(arguments.seeds):
        if seed in seeds and not (folder / f"seed_{seed}").exists():
            tell(f"seed {seed}: already in {output}")
            continue
        seeds[seed] = run_seed(
            experiment,
            seed,
            folder / f"seed_{seed}",
            long=arguments.long,
            data=arguments.data,
            overrides=arguments.overrides,
            command=command,
            tell=tell,
        )
        # After each seed, so that what is interrupted leaves a result of what was done.
        some = {number: seeds[number] for number in sorted(seeds)}
        record = record_of(experiment, some, long=arguments.long, command=command)
        write_record(output, with_each_seed(record, some, key))
    seeds = {number: seeds[number] for number in sorted(seeds)}
    record = record_of(experiment, seeds, long=arguments.long, command=command)
    write_record(output, with_each_seed(record, seeds, key))
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
    from metasim_backend.reproduction.kept_seeds import (
        experiment_key,
        kept_seeds,
        short_name,
        with_each_seed,
    )
    from metasim_backend.reproduction.record import provenance, write_record
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

    def tell(text: str) -> None:
        if not arguments.json:
            print(text, flush=True)

    generator = experiment_key(experiment_named(BASE), (), long=False)
    key = short_name({"generator": generator, "settings": asdict(settings)})
    known = kept_seeds(output, key)
    seeds: dict[int, dict] = {}
    record: dict = {}
    for seed in range(arguments.seeds):
        if seed in known and not (folder / f"seed_{seed}").exists():
            tell(f"seed {seed}: already in {output}")
            seeds[seed] = known[seed]
        else:
            seeds[seed] = run_reward_seed(
                seed,
                folder / f"seed_{seed}",
                settings,
                data=arguments.data,
                command=command,
                tell=tell,
            )
        record = (
            {"experiment": REWARD, "title": "MNIST: the task loss alone, from 30° off"}
            | provenance(command)
            | {"settings": asdict(settings), "seeds": list(seeds)}
            | reward_record(seeds, settings)
        )
        # After each seed, so that what is interrupted leaves a result of what was done.
        write_record(output, with_each_seed(record, known | seeds, key))
    print_result(arguments, record, f"{reward_table(record)}\nWrote {output}.")
    return 0
