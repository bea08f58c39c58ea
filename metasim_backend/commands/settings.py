"""``metasim settings``: everything that can be set about a run."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metasim_backend.settings import Setting


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a setting such as match.steps, or how names begin, such as match (default: all)",
    )
    parser.add_argument("--json", action="store_true", help="print them as JSON")


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.settings import all_settings, group_titles, settings_named

    shown = {s.name: s for name in arguments.names for s in settings_named(name)}
    settings = list((shown if arguments.names else all_settings()).values())
    if arguments.json:
        print(json.dumps([_plain(setting) for setting in settings], indent=1))
        return 0
    group = None
    for setting in settings:
        if setting.group != group:
            group = setting.group
            print(f"{group or 'run'}: {group_titles()[group]}\n")
        print(_described(setting, shutil.get_terminal_size().columns))
    print("Change one with --set NAME=VALUE; lists are separated by commas.")
    return 0


def _described(setting: Setting, width: int) -> str:
    head = f"  {setting.name} = {setting.default_text}"
    texts = (setting.help, f"Takes: {setting.wanted}.")
    more = [line for text in texts for line in textwrap.wrap(text, max(40, width - 6))]
    return "\n".join([head, *(f"      {line}" for line in more), ""])


def _plain(setting: Setting) -> dict[str, Any]:
    return {
        "name": setting.name,
        "default": setting.default,
        "takes": setting.wanted,
        "bounds": dict(setting.bounds),
        "choices": list(setting.choices),
        "help": setting.help,
    }
