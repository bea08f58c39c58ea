"""What is counted of the boxes in a picture: how many, how tall, how far from the middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBERS = (1, 3, 6, 10)
"""Pictures with none, 1 to 2, 3 to 5, 6 to 9, and 10 boxes or more are told apart."""


@dataclass(frozen=True, eq=False)
class PictureBoxes:
    """The boxes that a picture shows.

    Attributes:
        boxes: [n, 4], x0, y0, x1, y1 in pixels.
        width, height: of the picture, pixels.
    """

    boxes: np.ndarray
    width: int
    height: int

    @property
    def heights(self) -> np.ndarray:
        """[n] as shares of the picture's."""
        return (self.boxes[:, 3] - self.boxes[:, 1]) / self.height

    @property
    def asides(self) -> np.ndarray:
        """[n] how far their middles are from the picture's, in half widths."""
        return np.abs((self.boxes[:, 0] + self.boxes[:, 2]) / self.width - 1)


@dataclass(frozen=True)
class BoxCounts:
    """A grid of height and distance from the middle, in whose cells a picture's boxes are counted.

    Attributes:
        least_height: share of the picture's height; lower boxes are not counted.
        heights: between the rows, rising; shares of the picture's height.
        asides: between the columns, rising; half widths.
    """

    least_height: float
    heights: tuple[float, ...]
    asides: tuple[float, ...]

    @classmethod
    def between_quartiles(cls, pictures: Sequence[PictureBoxes], least_height: float) -> BoxCounts:
        """A grid whose rows and columns hold a quarter of these pictures' boxes each.

        Raises:
            ValueError: no picture has a box that is tall enough.
        """
        heights = np.concatenate([one.heights for one in pictures])
        tall = heights >= least_height
        if not tall.any():
            raise ValueError("There is no box that is tall enough in any picture.")
        asides = np.concatenate([one.asides for one in pictures])[tall]
        quarters = (0.25, 0.5, 0.75)
        rows, columns = (np.quantile(some, quarters) for some in (heights[tall], asides))
        return cls(least_height, tuple(rows.tolist()), tuple(columns.tolist()))

    @property
    def names(self) -> tuple[str, ...]:
        """What each number is, in words."""
        rows = _ranges([self.least_height, *self.heights], "% of the height", 100)
        columns = _ranges([0.0, *self.asides], "% of half the width off the middle", 100)
        numbers = ["none", *_counted()]
        return (
            *(f"boxes {row} tall, {column}" for row in rows for column in columns),
            *(f"share of pictures with {number}" for number in numbers),
        )

    def __call__(self, pictures: Sequence[PictureBoxes]) -> np.ndarray:
        """[N, D]: boxes in each cell, and which number of boxes it is (one of five is 1)."""
        cells = (len(self.heights) + 1) * (len(self.asides) + 1)
        out = np.zeros((len(pictures), cells + len(NUMBERS) + 1))
        for values, picture in zip(out, pictures, strict=True):
            tall = picture.heights >= self.least_height
            row = np.digitize(picture.heights[tall], self.heights)
            column = np.digitize(picture.asides[tall], self.asides)
            np.add.at(values, row * (len(self.asides) + 1) + column, 1)
            values[cells + np.digitize(int(tall.sum()), NUMBERS)] = 1
        return out

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "least_height": self.least_height,
            "heights": list(self.heights),
            "asides": list(self.asides),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BoxCounts:
        return cls(values["least_height"], tuple(values["heights"]), tuple(values["asides"]))


def _ranges(edges: Sequence[float], unit: str, times: float) -> list[str]:
    shown = [f"{times * edge:.3g}" for edge in edges]
    return [f"{low} to {high} {unit}" for low, high in zip(shown, shown[1:], strict=False)] + [
        f"from {shown[-1]} {unit}"
    ]


def _counted() -> list[str]:
    ends = [f"{low} to {high - 1}" for low, high in zip(NUMBERS, NUMBERS[1:], strict=False)]
    return [*ends, f"{NUMBERS[-1]} or more"]
