"""``metasim grammars``: the scene grammars that come with the project, to use or to copy."""

from __future__ import annotations

import argparse
from pathlib import Path

from metasim_backend.commands.options import UsageError, output_file, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="print this one (default: list them all)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="YAML", help="write it to a file, to be changed"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.run_files.atomic_files import write_text
    from metasim_backend.shipped_files.grammars import nearest_grammar, shipped_grammars, title

    shipped = shipped_grammars()
    if arguments.name is None:
        if arguments.output is not None:
            raise UsageError("Which grammar shall be written? metasim grammars lists them all.")
        titles = {name: title(path) for name, path in shipped.items()}
        width = max(map(len, titles))
        lines = [f"{name:{width}}  {about}" for name, about in titles.items()]
        more = "Their names serve wherever a grammar is asked for: metasim sample driving -o SCENES"
        print_result(arguments, titles, "\n".join([*lines, more]))
        return 0
    if arguments.name not in shipped:
        raise UsageError(
            f"No grammar {arguments.name!r} comes with Meta-Sim; give a name that metasim grammars "
            f"lists, such as {nearest_grammar(arguments.name)!r}."
        )
    text = shipped[arguments.name].read_text(encoding="utf-8")
    if arguments.output is None:
        print_result(arguments, {"name": arguments.name, "text": text}, text.rstrip())
        return 0
    write_text(output_file(arguments.output, force=arguments.force), text)
    print_result(
        arguments,
        {"name": arguments.name, "output": str(arguments.output)},
        f"Wrote {arguments.output}, to be changed. The head of the grammar 'driving' explains the "
        f"language. Look at its scenes: metasim gallery {arguments.output}",
    )
    return 0
