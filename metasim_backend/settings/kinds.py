"""What values settings can have: types with their bounds, and how every group is declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

GROUP = ConfigDict(extra="forbid", allow_inf_nan=False)
"""Of every group: its fields are all there are, and its numbers are finite."""

Item = TypeVar("Item")
Value = TypeVar("Value")

Whole = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Size = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


def _items(value: object) -> object:
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


def _each_once(items: Sequence[object]) -> Sequence[object]:
    for item in items:
        if items.count(item) > 1:
            raise ValueError(f"names {item!r} twice; once is enough")
    return items


Names = Annotated[
    tuple[Item, ...], Field(min_length=1), BeforeValidator(_items), AfterValidator(_each_once)
]
"""Some of several choices, in an order; as text they are separated by commas."""


class Younger:
    """Marks a setting that is younger than runs and results which are still read.

    Attributes:
        before: what was done before there was a choice.
    """

    def __init__(self, before: object) -> None:
        self.before = before


def setting(default: Value, meaning: str) -> Value:
    """A setting's default, and the sentences that help its user."""
    return Field(default=default, description=meaning)
