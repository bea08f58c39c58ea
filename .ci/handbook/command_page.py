"""The page of the command line, from the parsers themselves."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator

from metasim_backend.cli import COMMANDS


def command_page() -> str:
    """Every command with its usage, arguments and options, as Markdown."""
    parts = [
        "# Command line\n\nMade from the parsers of `metasim`. "
        "`metasim COMMAND --help` prints the same.\n"
    ]
    for name, summary in COMMANDS.items():
        parser = parser_of(name)
        parts.append(f"## metasim {name}\n\n{summary[0].upper()}{summary[1:]}.\n")
        parts.extend(_described(parser))
        for word, inner in subcommands(parser).items():
            parts.append(f"### metasim {name} {word}\n")
            parts.extend(_described(inner))
    return "\n".join(parts)


def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of one command, as ``metasim`` makes it."""
    parser = argparse.ArgumentParser(f"metasim {command}")
    importlib.import_module(f"metasim_backend.commands.{command}").add_arguments(parser)
    return parser


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Commands below one, such as ``metasim camera fit``."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def cell(text: str) -> str:
    """Text for a cell of a table."""
    plain = " ".join(text.split()).replace("|", "\\|")
    return plain.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def _described(parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = argparse.HelpFormatter(parser.prog, width=76)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, "")
    yield f"```text\n{formatter.format_help().strip()}\n```\n"
    for group in parser._action_groups:
        rows = [_row(parser, action) for action in group._group_actions if _is_shown(action)]
        if rows:
            title = (group.title or "options").capitalize()
            yield "\n".join([f"| {title} | |", "|---|---|", *rows, ""])


def _is_shown(action: argparse.Action) -> bool:
    kinds = (argparse._HelpAction, argparse._SubParsersAction)
    return not isinstance(action, kinds) and action.help != argparse.SUPPRESS


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    formatter = parser._get_formatter()
    shown = formatter._format_action_invocation(action).replace("|", "\\|")
    said = formatter._expand_help(action) if action.help else ""
    return f"| `{shown}` | {cell(said)} |"
