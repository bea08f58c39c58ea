"""``metasim reader``: a reader and a surrogate for a grammar, trained before there is a target."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from metasim_backend.commands.options import (
    UsageError,
    add_grammar_argument,
    add_worker_options,
    output_file,
    print_result,
    worker_settings,
)
from metasim_backend.commands.setting_options import add_set_option, refuse_changes

SETTINGS: dict[str, object] = {
    # Of its own: no run's first scenes are among those that its reader was trained on.
    "seed": 7919,
    "phases": ["pretrain", "match"],
    "match": {"estimator": "surrogate"},
    "surrogate": {"pretrained": "none", "scenes": 4000},
}
TOLD = ("camera.pitch", "sky.sun_azimuth", "car: log distance", "car: sin aspect")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grammar_argument(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--run", type=Path, required=True, metavar="DIR", help="where renders are kept meanwhile"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted one")
    parser.add_argument(
        "--force", action="store_true", help="replace the file, and without --resume the run"
    )
    add_set_option(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_worker_options(parser)


def run(arguments: argparse.Namespace) -> int:
    import torch

    from metasim_backend.grammar import load_grammar
    from metasim_backend.networks.imagenet import imagenet_network
    from metasim_backend.run_files.run_folder import RunFolder
    from metasim_backend.training.reader_pretraining import pretrain_reader
    from metasim_backend.training.run_config import RunConfig, open_run, resolve_settings
    from metasim_backend.training.services import Services
    from metasim_backend.training.target import Target
    from metasim_backend.worlds.registry import open_renderer

    output_file(arguments.output, force=arguments.force)
    workers = worker_settings(arguments)
    grammar = load_grammar(arguments.grammar)
    if arguments.resume:
        folder, config = open_run(arguments.run)
        folder.check_unused()
        refuse_changes(config, {}, arguments.overrides)
        if grammar.to_dict() != config.grammar.to_dict():
            raise UsageError(
                f"--resume goes on with the grammar that {arguments.run} was begun with, and "
                f"{arguments.grammar} is another; begin anew with another --run."
            )
    else:
        RunFolder.check_free(arguments.run, force=arguments.force)
        settings = resolve_settings(grammar, arguments.overrides, SETTINGS)
        config = RunConfig(grammar, settings, None, None, ("metasim", *sys.argv[1:]))
        imagenet_network(settings.surrogate.network)  # says what is wrong
    size = config.settings.rendering
    none = torch.zeros(0, 3, size.height, size.width, dtype=torch.uint8)
    with contextlib.closing(open_renderer(config.grammar.domain, workers=workers)) as renderer:
        if not arguments.resume:
            folder = RunFolder.create(arguments.run, config.to_dict(), force=arguments.force)
        services = Services(
            folder,
            grammar,
            config.settings,
            Target(none, none),
            renderer,
            config.command,
            quiet=arguments.json,
        )
        content = pretrain_reader(services)
    content.save(arguments.output)
    read = content.made["held_out"]
    told = ", ".join(f"{name} {read[name]['r2']:.2f}" for name in TOLD if name in read)
    print_result(
        arguments,
        {"file": str(arguments.output), **content.made},
        f"Wrote {arguments.output}. R² on pictures that it was not trained on: {told}.",
    )
    return 0
