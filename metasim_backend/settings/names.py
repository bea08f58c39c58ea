"""Settings by their names, and what to say of a name that is none."""

from __future__ import annotations

import difflib

from metasim_backend.settings.listing import Setting, all_settings, groups

_MOST_SUGGESTIONS = 3


class SettingsError(ValueError):
    """A setting that does not exist or has a wrong value; one sentence."""


def settings_named(name: str) -> list[Setting]:
    """The setting of that name, or those whose names begin with it.

    Raises:
        SettingsError: when there is none.
    """
    every = all_settings()
    if name in every:
        return [every[name]]
    beginning = [setting for setting in every.values() if setting.name.startswith(name)]
    if not beginning:
        raise no_such_setting(name)
    return beginning


def no_such_setting(name: str) -> SettingsError:
    """The error for a name that is none."""
    meant = " or ".join(repr(other) for other in _meant(name))
    question = f" (did you mean {meant}?)" if meant else ""
    return SettingsError(f"There is no setting {name!r}{question}; metasim settings lists all.")


def _meant(name: str) -> list[str]:
    names = [*all_settings(), *filter(None, groups())]
    member = name.rpartition(".")[2]
    namesakes = [other for other in names if other.rpartition(".")[2] == member]
    return (
        difflib.get_close_matches(name, names, 1, cutoff=0.8)
        or namesakes[:_MOST_SUGGESTIONS]
        or difflib.get_close_matches(name, names, 1)
    )
