"""Rectangles to render: cover what a step touches, and share renders among steps.

A render is taken to cost a fixed number of pixels and its own pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Window = tuple[int, int, int, int]
EMPTY: Window = (0, 0, 0, 0)
DEEPEST = 2  # times a window is cut in two, so that there are at most four


def cover(mask: np.ndarray, call_pixels: float) -> list[Window]:
    """Disjoint windows that hold all True pixels; more than one only where that is cheaper.

    Args:
        mask: H x W bool.
        call_pixels: a render's fixed cost, as the number of pixels that take as long.
    """
    return _cover(mask, 0, 0, call_pixels, DEEPEST)


def union(windows: Sequence[Window]) -> Window:
    """The smallest window that holds all of them; empty ones count for nothing."""
    some = [w for w in windows if w != EMPTY]
    if not some:
        return EMPTY
    x0, y0, x1, y1 = zip(*some, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def area(window: Window) -> int:
    """Pixels of a window."""
    return (window[2] - window[0]) * (window[3] - window[1])


def overlap(a: Window, b: Window) -> bool:
    """Whether two windows share a pixel."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@dataclass(frozen=True)
class Group:
    """Windows of several steps that are rendered together.

    Attributes:
        parts: (step's position in the list, one of its windows).
        window: what is rendered: the box round the parts.
    """

    parts: tuple[tuple[int, Window], ...]
    window: Window

    @property
    def steps(self) -> tuple[int, ...]:
        """Each step once, in order."""
        return tuple(sorted({n for n, _ in self.parts}))


def group(
    windows: Sequence[Sequence[Window]], kin: Sequence[frozenset[str]], call_pixels: float
) -> list[Group]:
    """Put windows that no other step of the group touches into common renders where cheaper.

    Windows are taken from left to right; each joins the group that it makes least dearer, unless
    a render of its own is cheaper still.

    Args:
        windows: each step's windows.
        kin: for each step the nodes it moves; steps that share one never meet in a group.
        call_pixels: a render's fixed cost, as the number of pixels that take as long.
    """
    parts = sorted((w, n) for n, some in enumerate(windows) for w in some)
    if not parts:
        return []
    # Sets of steps are whole numbers, bit n for step n.
    related = [
        sum(1 << m for m, other in enumerate(kin) if m != n and one & other)
        for n, one in enumerate(kin)
    ]
    x0, y0, x1, y1 = np.array([w for w, _ in parts]).T[..., None]
    meets = (x0 < x1.T) & (x1 > x0.T) & (y0 < y1.T) & (y1 > y0.T)
    groups: list[_Growing] = []
    for p, (window, n) in enumerate(parts):
        foes = related[n]
        for q in np.flatnonzero(meets[p]):
            foes |= 1 << parts[q][1]
        foes &= ~(1 << n)
        best, least = None, call_pixels + area(window)
        for candidate in groups:
            a0, b0, a1, b1 = candidate.window
            grown = (
                min(a0, window[0]),
                min(b0, window[1]),
                max(a1, window[2]),
                max(b1, window[3]),
            )
            extra = area(grown) - area(candidate.window)
            if extra < least and not (candidate.steps & foes or candidate.foes & 1 << n):
                best, least = candidate, extra
        if best is None:
            best = _Growing([], window, 0, 0)
            groups.append(best)
        best.parts.append((n, window))
        best.window = union((best.window, window))
        best.steps |= 1 << n
        best.foes |= foes
    return [Group(tuple(one.parts), one.window) for one in groups]


@dataclass
class _Growing:
    parts: list[tuple[int, Window]]
    window: Window
    steps: int
    foes: int


def _cover(mask: np.ndarray, left: int, top: int, call_pixels: float, depth: int) -> list[Window]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return []
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    tight = mask[y0:y1, x0:x1]
    left, top = left + int(x0), top + int(y0)
    height, width = tight.shape
    if depth and height * width > 2 * call_pixels:
        (by_row, row), (by_column, column) = _best_cut(tight), _best_cut(tight.T)
        if min(by_row, by_column) + call_pixels < height * width:
            if by_row <= by_column:
                halves = [(tight[:row], left, top), (tight[row:], left, top + row)]
            else:
                halves = [(tight[:, :column], left, top), (tight[:, column:], left + column, top)]
            return [w for half in halves for w in _cover(*half, call_pixels, depth - 1)]
    return [(left, top, left + width, top + height)]


def _best_cut(mask: np.ndarray) -> tuple[int, int]:
    """The least area of two boxes, above and below a cut, and the row below the cut."""
    height, width = mask.shape
    if height < 2:
        return height * width, 0
    some = mask.any(axis=1)
    first = np.where(some, mask.argmax(axis=1), width)
    last = np.where(some, width - mask[:, ::-1].argmax(axis=1), 0)
    above = np.maximum.accumulate(last) - np.minimum.accumulate(first)
    below = (np.maximum.accumulate(last[::-1]) - np.minimum.accumulate(first[::-1]))[::-1]
    cuts = np.arange(1, height)
    areas = cuts * above[:-1] + (height - cuts) * below[1:]
    best = int(areas.argmin())
    return int(areas[best]), best + 1
