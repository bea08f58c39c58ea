"""``metasim sample``: scene graphs from a grammar, as JSON files."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from blender_addon.contract import scene_graph
from metasim_backend.commands.options import (
    add_grammar_argument,
    empty_folder,
    positive,
    print_result,
)
from metasim_backend.training.seeds import derive_seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_grammar_argument(parser)
    parser.add_argument("-n", "--count", type=positive, default=1, help="how many (default 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.grammar import load_grammar, sample_scene

    grammar = load_grammar(arguments.grammar)
    folder = empty_folder(arguments.output, force=arguments.force)
    paths = []
    for i in range(arguments.count):
        scene = sample_scene(grammar, derive_seed(arguments.seed, "sample", i))
        path = folder / f"{i:06d}.json"
        scene_graph.save(scene, path)
        paths.append(str(path))
    print_result(
        arguments,
        {"scenes": paths},
        f"Wrote {len(paths)} scene graphs to {folder}. Render them with: "
        f"metasim render {shlex.quote(str(folder))}/*.json -o PICTURES",
    )
    return 0
