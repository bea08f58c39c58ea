"""The page of all settings, read off the groups as ``metasim settings`` does."""

from __future__ import annotations

from handbook.command_page import cell
from metasim_backend.settings import all_settings, group_titles


def setting_page() -> str:
    """Every setting with its default, what it takes and what it does, a table a group."""
    lines = [
        "# Settings\n",
        "Everything that can be set about a training, made from the code. "
        "`--set NAME=VALUE` changes one; lists are separated by commas. "
        "`metasim settings` prints the same.\n",
    ]
    titles = group_titles()
    group = None
    for setting in all_settings().values():
        if setting.group != group:
            group = setting.group
            lines += [f"\n## {group or 'run'}\n", f"{titles[group]}\n"]
            lines += ["| Setting | Default | Takes | What it does |", "|---|---|---|---|"]
        default = f"`{setting.default_text}`" if setting.default_text else ""
        lines.append(
            f"| `{setting.name}` | {default} | {cell(setting.wanted)} | {cell(setting.help)} |"
        )
    return "\n".join([*lines, ""])
