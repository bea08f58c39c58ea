"""Attributes that matching leaves as the grammar has them."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase

from metasim_backend.grammar.encoding import Encoding
from metasim_backend.settings import SettingsError


def fixed_slots(encoding: Encoding, names: str) -> tuple[int, ...]:
    """The numeric mutable slots of these names.

    Args:
        names: separated by commas; ``*.along`` is that attribute of every class.

    Raises:
        SettingsError: a name is of no such slot.
    """
    numeric = {
        slot.name: slot.index
        for slot in encoding.slots
        if slot.kind != "categorical" and slot.attribute.mutable
    }
    found: set[int] = set()
    for name in filter(None, (one.strip() for one in names.split(","))):
        slots = [index for slot, index in numeric.items() if fnmatchcase(slot, name)]
        if not slots:
            near = get_close_matches(name, numeric, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(numeric)}."
            raise SettingsError(
                f"Setting 'surrogate.fixed' names {name!r}, which is no number that may be "
                f"learned; {meant}"
            )
        found.update(slots)
    return tuple(sorted(found))
