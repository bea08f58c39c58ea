"""Files of a set that cannot be used: all are told at once, or left out and listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from metasim_backend.datasets.readers.pictures import DatasetError

MOST_TOLD = 20
Item = TypeVar("Item")
Value = TypeVar("Value")


def read_all(
    items: Iterable[Item],
    read: Callable[[Item], Value],
    skipped: list[str] | None = None,
    refusal: type[ValueError] = DatasetError,
) -> list[Value]:
    """What is read of each.

    Args:
        read: raises the refusal on what cannot be used.
        skipped: is given a sentence on each that is left out; None: none is.
        refusal: the error of one that cannot be used.

    Raises:
        DatasetError: naming the first twenty that cannot be used.
    """
    values, bad, count = [], [], 0
    for item in items:
        count += 1
        try:
            values.append(read(item))
        except refusal as error:
            bad.append(str(error))
    if skipped is not None:
        skipped += bad
    elif len(bad) == 1:
        raise DatasetError(bad[0])
    elif bad:
        told = [*bad[:MOST_TOLD], *([f"and {len(bad) - MOST_TOLD} more"] * (len(bad) > MOST_TOLD))]
        raise DatasetError(
            f"{len(bad)} of {count} files cannot be used; mend them, or go on without them with "
            "--skip-bad:" + "".join(f"\n  {line}" for line in told)
        )
    return values
