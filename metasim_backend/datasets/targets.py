"""Unlabelled target pictures, and their parts for matching, for the reward and for the report."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from metasim_backend.datasets.bad_files import read_all
from metasim_backend.datasets.near_duplicates import distinct
from metasim_backend.datasets.readers.pictures import (
    DatasetError,
    Fit,
    check_size,
    list_pictures,
    read_picture,
)

FRACTIONS = (0.6, 0.2, 0.2)
TRAINING_PIXELS = 416 * 128
LEAST_SIDE = 8
"""Of a target picture, in pixels."""
PLAIN = 1.5
"""Standard deviation of a picture's pixels, of 255, below which it shows nothing."""


class Parts(NamedTuple):
    """Names of the pictures that matching learns from, that a reward looks at, and that nothing
    but the report sees."""

    match: tuple[str, ...]
    reward: tuple[str, ...]
    report: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TargetImages:
    """Target pictures of one size.

    Attributes:
        images: [N, 3, H, W] uint8, sRGB.
        names: N file names, sorted.
    """

    images: Tensor
    names: tuple[str, ...]

    @classmethod
    def read(
        cls,
        folder: str | Path,
        width: int,
        height: int,
        most: int | None = None,
        skipped: list[str] | None = None,
    ) -> TargetImages:
        """Read the png and jpg files of a folder (not of its sub-folders).

        Each is cut to the wanted aspect about its centre, then made smaller by area averaging.

        Args:
            width, height: of the result, in pixels.
            most: read at most this many, evenly spaced by name.
            skipped: of pictures that cannot be used; see :func:`read_all`.

        Raises:
            DatasetError: no such folder, no picture in it, or some that cannot be used.
        """
        check_size(width, height)
        paths = list_pictures(Path(folder), "target folder")
        if most is not None and len(paths) > most:
            paths = [paths[i * len(paths) // most] for i in range(most)]
        images = torch.empty(len(paths), 3, height, width, dtype=torch.uint8)
        names: list[str] = []

        def read(path: Path) -> None:
            picture = read_picture(path)
            if min(picture.size) < LEAST_SIDE:
                raise DatasetError(
                    f"The target picture {path} is {picture.width} x {picture.height} pixels; a "
                    f"picture needs sides of at least {LEAST_SIDE}."
                )
            pixels = Fit.centred(picture.size, width, height).picture(picture)
            images[len(names)] = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
            names.append(path.name)

        read_all(paths, read, skipped)
        return cls(images[: len(names)], tuple(names))

    def __len__(self) -> int:
        return len(self.names)

    def only(self, names: Iterable[str]) -> TargetImages:
        """The pictures with these names, in that order.

        Raises:
            DatasetError: when one is not there.
        """
        place = {name: i for i, name in enumerate(self.names)}
        names = tuple(names)
        for name in names:
            if name not in place:
                raise DatasetError(f"No target picture is named {name!r}; read its folder anew.")
        return TargetImages(self.images[[place[name] for name in names]], names)

    def different(self, most_alike: float) -> TargetImages:
        """Without those that are more like an earlier one than this; see :func:`distinct`."""
        if most_alike >= 1:
            return self
        return self.only(self.names[i] for i in distinct(self.images, most_alike).tolist())

    def split(
        self, fractions: Sequence[float] = FRACTIONS, seed: int = 0
    ) -> tuple[TargetImages, TargetImages, TargetImages]:
        """Three disjoint sets for matching, reward and report; see :func:`split`."""
        match, reward, report = split(self.names, fractions, seed)
        return self.only(match), self.only(reward), self.only(report)


def is_plain(images: Tensor) -> Tensor:
    """[N] bool: whether pictures [N, 3, H, W] uint8 are of one colour."""
    return torch.stack([image.float().std((1, 2)).amax() for image in images]) < PLAIN


def fitting_size(folder: str | Path, pixels: int = TRAINING_PIXELS) -> tuple[int, int]:
    """Width and height with about so many pixels and the target pictures' usual aspect.

    Both are multiples of 8, and not larger than the pictures.

    Raises:
        DatasetError: no such folder, no picture in it, or none that can be read.
    """
    paths = list_pictures(Path(folder), "target folder")
    chosen = paths[:: max(1, len(paths) // 9)]
    skipped: list[str] = []
    sizes = read_all(chosen, lambda path: read_picture(path).size, skipped)
    if not sizes:
        raise DatasetError(skipped[0])
    sizes.sort(key=lambda size: size[0] / size[1])
    width, height = sizes[len(sizes) // 2]
    scale = min(1.0, (pixels / (width * height)) ** 0.5)

    def fitted(side: int) -> int:
        return max(8, min(int(side * scale / 8 + 0.5), side // 8) * 8)

    return fitted(width), fitted(height)


def split(names: Iterable[str], fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Parts:
    """Disjoint parts of a set of file names; together they are the whole set.

    Names are put in the order of a hash of seed and name, then cut: the result depends neither on
    the order of ``names`` nor on the process, and a new file moves few others.

    Args:
        names: file names, each once.
        fractions: three positive numbers that add to 1.
        seed: another seed, other parts.

    Returns:
        Each part sorted by name, with at least one name.

    Raises:
        DatasetError: wrong fractions, a name given twice, or fewer than three names.
    """
    names = sorted(names)
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise DatasetError(
            f"The split {tuple(fractions)} is not three positive fractions that add to 1."
        )
    if len(set(names)) != len(names):
        twice = next(a for a, b in zip(names, names[1:], strict=False) if a == b)
        raise DatasetError(f"The name {twice!r} is given twice; each picture has one name.")
    if len(names) < 3:
        raise DatasetError(
            f"{len(names)} target pictures cannot be split into matching, reward and report; give "
            "at least 3."
        )
    order = sorted(names, key=lambda n: hashlib.sha256(os.fsencode(f"{seed}/{n}")).digest())
    count = len(order)
    first = min(max(1, round(count * fractions[0])), count - 2)
    second = min(max(1, round(count * fractions[1])), count - first - 1)
    return Parts(
        tuple(sorted(order[:first])),
        tuple(sorted(order[first : first + second])),
        tuple(sorted(order[first + second :])),
    )
