"""Where the windows of a façade are, and what each of them shows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from ...contract.street import BUILDING_DEPTH
from .walls import Opening, WindowStyle

BASE = 0.35  # height of the ground floor above the ground, metres
DEPTH = BUILDING_DEPTH  # of the walls

_WIDTHS = {3: 7.5, 5: 12.0, 7: 18.0}
_GLASS, _GLASS_SHARES = ("window", "window_sky", "window_dim"), (0.45, 0.25, 0.30)
_COVERS, _COVER_SHARES = ("", "curtain", "blind"), (0.52, 0.32, 0.16)


@dataclass(frozen=True, eq=False)
class Plan:
    """What a model builds to, in metres, before it is made one metre wide and tall.

    Attributes:
        storeys: up to the eaves.
        bays: windows side by side on the front.
        floor: height of a storey.
        rng: chooses what the windows show.
    """

    storeys: int
    bays: int
    floor: float
    rng: np.random.Generator = field(repr=False)

    @property
    def width(self) -> float:
        """Of the building with this many windows, metres."""
        return _WIDTHS[self.bays]

    @property
    def eaves(self) -> float:
        """Height of the walls, metres."""
        return BASE + self.storeys * self.floor


def centres(width: float, count: int) -> list[float]:
    """The middles of ``count`` equal parts of a wall."""
    return [float((i + 0.5) / count - 0.5) * width for i in range(count)]


def window(
    middle: float, bottom: float, style: WindowStyle, rng: np.random.Generator, cover: str | None
    = None,
) -> Opening:  # fmt: skip
    """A window with a glass and a cover by chance; ``cover`` fixes the latter."""
    glass = str(rng.choice(_GLASS, p=_GLASS_SHARES))
    drawn = str(rng.choice(_COVERS, p=_COVER_SHARES))
    half = style.width / 2
    return Opening(middle - half, middle + half, bottom, bottom + style.height, glass=glass,
                   cover=drawn if cover is None else cover, style=style)  # fmt: skip


def windows(
    plan: Plan, style: WindowStyle, *, width: float | None = None, count: int | None = None,
    levels: Collection[int] | None = None, skip: Collection[tuple[int, int]] = (),
) -> list[Opening]:  # fmt: skip
    """Rows of windows.

    Args:
        width, count: of the wall and windows in it; those of the front unless given.
        levels: storeys with windows, all unless given.
        skip: (storey, bay) without a window.
    """
    places = centres(plan.width if width is None else width, count or plan.bays)
    return [
        window(y, BASE + level * plan.floor + style.sill, style, plan.rng)
        for level in (range(plan.storeys) if levels is None else levels)
        for bay, y in enumerate(places)
        if (level, bay) not in skip
    ]


def door(middle: float, *, width: float = 1.1, height: float = 2.1, fill: str = "door") -> Opening:
    """A door at the height of the ground floor, set back a little."""
    style = WindowStyle(depth=0.2)
    return Opening(middle - width / 2, middle + width / 2, BASE, BASE + height, fill, style=style)


def gate(middle: float, *, width: float, height: float, fill: str) -> Opening:
    """A gate at the ground."""
    style = WindowStyle(depth=0.15)
    return Opening(middle - width / 2, middle + width / 2, 0.02, height, fill, style=style)
