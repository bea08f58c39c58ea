"""Options of the command line that are settings of a run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasim_backend.commands.options import UsageError

if TYPE_CHECKING:
    from metasim_backend.training.run_config import RunConfig


class _SettingOption(argparse.Action):
    """Puts its text into ``given`` under the setting's name.

    Its help is the setting's, read when it is shown: pydantic takes a while to import.
    """

    def __init__(self, *arguments: Any, setting: str, **options: Any) -> None:
        self.setting = setting
        super().__init__(*arguments, **options)

    @property
    def help(self) -> str:
        from metasim_backend.settings import all_settings

        setting = all_settings()[self.setting]
        choices = f" Of {', '.join(setting.choices)}." if setting.choices else ""
        return f"{setting.help}{choices} Default: {setting.default_text}".replace("%", "%%")

    @help.setter
    def help(self, text: str | None) -> None:
        pass

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        given = True if self.nargs == 0 else values
        namespace.given = {**namespace.given, self.setting: given}


def add_setting_option(parser: argparse.ArgumentParser, flag: str, setting: str) -> None:
    """An option of its own for a setting; ``given`` then holds its text under its name."""
    shown = flag.lstrip("-").upper()
    parser.add_argument(
        flag, action=_SettingOption, dest="given", default={}, metavar=shown, setting=setting
    )


def add_setting_switch(parser: argparse.ArgumentParser, flag: str, setting: str) -> None:
    """The same without a value, for a setting that is on or off."""
    parser.add_argument(
        flag, action=_SettingOption, nargs=0, dest="given", default={}, setting=setting
    )


def add_set_option(parser: argparse.ArgumentParser) -> None:
    """``--set``, for every setting; ``overrides`` then holds its texts."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="overrides",
        help="any setting, such as surrogate.rounds=4; may be given again (metasim settings lists "
        "them)",
    )


def refuse_changes(
    config: RunConfig,
    given: Mapping[str, Any],
    overrides: Sequence[str],
    target: Path | None = None,
) -> None:
    """A resumed run keeps its settings; what is repeated must be as it was.

    Raises:
        UsageError, SettingsError: naming the option that differs from the run's.
    """
    from metasim_backend.settings import (
        merged,
        nested,
        settings_from_dict,
        settings_to_dict,
        with_overrides,
    )
    from metasim_backend.training.run_config import with_whole_paths

    asked = {f"{name}={value}": nested({name: value}) for name, value in given.items()}
    asked |= {text: with_overrides({}, [text]) for text in overrides}
    for text, changes in asked.items():
        wanted = settings_from_dict(merged(settings_to_dict(config.settings), changes))
        if with_whole_paths(wanted) != config.settings:
            raise UsageError(
                f"--resume goes on with the run's own settings, and {text} is not among them; "
                "leave it out, or begin another run with --run."
            )
    if target is not None and target.resolve() != config.target:
        raise UsageError(
            f"--resume goes on with the run's own target {config.target}, not {target}; leave "
            "--target out, or begin another run with --run."
        )
