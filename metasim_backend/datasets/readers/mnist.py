"""MNIST's digits (LeCun, Cortes, Burges), from the original files.

They are looked for in the folder that the user names, then in ``METASIM_DATA``, as plain or
gzipped IDX files, also below ``MNIST/raw`` where torchvision puts them or ``mnist``. Where they
are not, torchvision can fetch them.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from metasim_backend.datasets.readers.pictures import DatasetError

LABELS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE = 28
_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_FOLDERS = ("", "mnist", "MNIST", "raw", "MNIST/raw", "mnist/MNIST/raw")


@dataclass(frozen=True, eq=False)
class Digits:
    """Handwritten digits.

    Attributes:
        images: [N, 28, 28] uint8, white on black.
        labels: [N] long, 0 to 9.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def take(self, chosen: Tensor) -> Digits:
        """The digits with these numbers."""
        return Digits(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True, eq=False)
class TestSplit:
    """MNIST's test digits for a target, in three parts without a common digit.

    Attributes:
        match: 1,000 for matching.
        reward: 1,000 labelled ones for the task network's score, which is the reward.
        report: the other 8,000, which no training sees.
    """

    __test__ = False  # not for pytest

    match: Digits
    reward: Digits
    report: Digits


def read_mnist(part: str, folder: Path | None = None, *, fetch: bool = True) -> Digits:
    """The 60,000 digits of ``"train"`` or the 10,000 of ``"test"``.

    Args:
        folder: where to look first, and where to fetch to.
        fetch: download them by torchvision when they are nowhere.

    Raises:
        DatasetError: when they cannot be had, with how to get them, or are damaged.
    """
    for place in _places(folder):
        images, labels = (_file(place, name) for name in _FILES[part])
        if images and labels:
            return _read(images, labels)
    if fetch and _fetched(folder, part):
        return read_mnist(part, folder, fetch=False)
    raise DatasetError(
        f"MNIST's {part} digits were not found in {_named(folder)} and could not be downloaded; "
        f"put {_FILES[part][0]}.gz and {_FILES[part][1]}.gz there, or name their folder with "
        "--data."
    )


def split_test_digits(
    digits: Digits, seed: int, match: int = 1000, reward: int = 1000
) -> TestSplit:
    """Test digits for matching, reward and report: disjoint, and a function of the seed.

    Raises:
        DatasetError: when none would be left for the report.
    """
    if match + reward >= len(digits):
        raise DatasetError(
            f"{len(digits)} digits are too few for {match} to match, {reward} to reward and some "
            "to report on."
        )
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(seed))
    return TestSplit(
        digits.take(order[:match]),
        digits.take(order[match : match + reward]),
        digits.take(order[match + reward :]),
    )


def default_folder() -> Path:
    """Where digits are fetched to when no folder is named."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "metasim"


def _places(folder: Path | None) -> Iterator[Path]:
    roots = [folder, os.environ.get("METASIM_DATA"), default_folder()]
    for root in roots:
        if root:
            yield from (Path(root) / below for below in _FOLDERS)


def _named(folder: Path | None) -> str:
    if folder is not None:
        return str(folder)
    named = os.environ.get("METASIM_DATA")
    return named or str(default_folder())


def _file(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _fetched(folder: Path | None, part: str) -> bool:
    from torchvision.datasets import MNIST

    try:
        MNIST(str(folder or default_folder()), train=part == "train", download=True)
    except (OSError, RuntimeError):
        return False
    return True


def _read(images: Path, labels: Path) -> Digits:
    pictures = _idx(images, 3)
    answers = _idx(labels, 1)
    if (
        not len(answers)
        or len(pictures) != len(answers)
        or pictures.shape[1:] != (SIDE, SIDE)
        or answers.max() > 9
    ):
        raise DatasetError(f"{images} and {labels} do not belong together; get MNIST's files anew.")
    return Digits(torch.from_numpy(pictures), torch.from_numpy(answers.astype(np.int64)))


def _idx(path: Path, dimensions: int) -> np.ndarray:
    """An array of bytes in the IDX form that MNIST's page describes."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        head = np.frombuffer(data, ">i4", 1 + dimensions)
        values = np.frombuffer(data, np.uint8, offset=4 * (1 + dimensions))
        if head[0] != 0x0800 + dimensions:
            raise ValueError("wrong magic number")
        return values.reshape(tuple(head[1:])).copy()
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DatasetError(f"{path} is no IDX file of MNIST ({error}); get it anew.") from None
