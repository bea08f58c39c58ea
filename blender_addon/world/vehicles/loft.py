"""Sheets bent round a vehicle: a ring of walls, and the deck that closes it above. No bpy.

Along a vehicle ``s`` is the distance behind its foremost point, metres, so x = -s while it is
being built. A ring's left half has, from the middle of the front to the middle of the rear,
``ENDS`` columns round the front corner, one for each station of the side, and ``ENDS`` round the
rear corner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..shapes import Shape, grid

# Fractions of the half width at which fronts and rears are divided; close near the corner.
FRACTIONS = np.array([0.0, 0.2, 0.4, 0.58, 0.73, 0.86, 0.95, 0.99])
ENDS = len(FRACTIONS)


@dataclass(frozen=True)
class Cell:
    """Where a face of a ring lies.

    Attributes:
        row: its row, 0 the lowest.
        end: "front", "side" or "rear".
        f: fraction of the half width in the middle of the face; 1 on a side.
        s: metres behind the foremost point, of its middle.
        column: its number along the half ring.
    """

    row: int
    end: str
    f: float
    s: float
    column: int


def corner(fraction: np.ndarray, square: float) -> np.ndarray:
    """How far back, 0 to 1, a rounded end lies at fractions of the half width.

    Args:
        square: exponent of the superellipse; 2 is round, more is squarer.
    """
    return 1 - (1 - np.clip(fraction, 0, 1) ** square) ** (1 / square)


def plan(
    front: np.ndarray,
    rear: np.ndarray,
    half: np.ndarray,
    sides: np.ndarray,
    square: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Outlines seen from above, one for each row: s and y, each R x C.

    Args:
        front: s of the middle of the front, R.
        rear: s of the middle of the rear, R.
        half: half the width at the side's stations, R x S.
        sides: s of the side's stations, R x S.
        square: how square the front and the rear corners are, see :func:`corner`.
    """
    ahead, behind = corner(FRACTIONS, square[0]), corner(FRACTIONS[::-1], square[1])
    first, last = sides[:, :1], sides[:, -1:]
    s = np.hstack([
        front[:, None] + (first - front[:, None]) * ahead,
        sides,
        rear[:, None] - (rear[:, None] - last) * behind,
    ])  # fmt: skip
    y = np.hstack([half[:, :1] * FRACTIONS, half, half[:, -1:] * FRACTIONS[::-1]])
    return s, y


def ring(
    s: np.ndarray, y: np.ndarray, z: np.ndarray, surface: Callable[[Cell], str], smooth: bool = True
) -> Shape:
    """The walls all round, from the left half's points (R x C each) and a surface for each cell."""
    points = np.stack([-s, y, z], -1)
    columns = points.shape[1]
    both = np.concatenate([points[:, :0:-1] * (1, -1, 1), points], axis=1)
    fraction = np.concatenate([FRACTIONS, np.ones(columns - 2 * ENDS), FRACTIONS[::-1]])
    table = []
    for row in range(len(points) - 1):
        names = []
        for c in range(columns - 1):
            end = "front" if c < ENDS else "rear" if c >= columns - ENDS - 1 else "side"
            middle = float(s[row : row + 2, c : c + 2].mean())
            cell = Cell(row, end, float(fraction[c : c + 2].mean()), middle, c)
            names.append(surface(cell))
        table.append(names[::-1] + names)
    return grid(both, table, smooth)


def deck(
    s: np.ndarray,
    half: np.ndarray,
    height: Callable[[np.ndarray], np.ndarray],
    crown: float,
    surface: Callable[[float], str],
    keep: Callable[[float], bool] | None = None,
) -> Shape:
    """The sheet inside a ring's upper edge, vaulted.

    Args:
        s: of the upper edge's left half, C.
        half: half the width at each station of the side, S.
        height: of the edge at s.
        crown: how much higher the middle is, metres.
        surface: of a strip across, by the s of its middle.
        keep: which stations of the side to use; all when None.
    """
    sides = s[ENDS:-ENDS]
    used = [i for i in range(len(sides)) if keep is None or keep(float(sides[i]))]
    used = sorted({0, len(sides) - 1, *used})
    f = np.append(FRACTIONS, 1.0)
    front, rear = s[: ENDS + 1], s[-ENDS - 1 :][::-1]
    rows_s, rows_half, rise = [], [], []
    for t in (0.0, 0.12, 0.4):
        rows_s.append(front + (sides[0] - front) * t)
        rows_half.append(half[0])
        rise.append(1 - (1 - t) ** 3)
    for i in used:
        rows_s.append(np.full(len(f), sides[i]))
        rows_half.append(half[i])
        rise.append(1.0)
    for t in (0.4, 0.12, 0.0):
        rows_s.append(rear + (sides[-1] - rear) * t)
        rows_half.append(half[-1])
        rise.append(1 - (1 - t) ** 3)
    along = np.array(rows_s)
    z = height(along) + crown * np.array(rise)[:, None] * (1 - f**2)
    points = np.stack([-along, np.array(rows_half)[:, None] * f, z], -1)
    points = np.concatenate([points[:, :0:-1] * (1, -1, 1), points], axis=1)
    names = [surface(float(along[r : r + 2, 0].mean())) for r in range(len(along) - 1)]
    # Rows run rearward, so columns run from right to left for the sheet to face upward.
    return grid(points, [[name] * (points.shape[1] - 1) for name in names], True)


def smoothed(x: np.ndarray, line: Sequence[tuple[float, float]], over: float) -> np.ndarray:
    """A line of (x, value) read at x, its corners rounded over a length."""
    xs, values = zip(*line, strict=True)
    reach = np.linspace(-over, over, 9)
    return np.interp(np.asarray(x)[..., None] + reach, xs, values).mean(axis=-1)
