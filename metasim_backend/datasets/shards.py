"""Shards: consecutive parts of one data set, which different machines can write.

A shard is a data set of its own, whose samples have the names that they have in the whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from metasim_backend.datasets.readers.pictures import DatasetError

SHARD, FRAMES = "shard", "shard_frames"
"""Keys that the job of a shard has beside those of the whole data set: which part it is, and how
many frames the whole has."""


@dataclass(frozen=True)
class Shard:
    """One of several parts of a data set.

    Attributes:
        index: counted from 0.
        of: how many there are.
    """

    index: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``INDEX/COUNT``, such as 0/4.

        Raises:
            DatasetError: when it is not of that form, or there is no such shard.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
        if not found or int(found[2]) < 1:
            raise DatasetError(f"{text!r} is not of the form INDEX/COUNT, such as 0/4")
        index, of = int(found[1]), int(found[2])
        if index >= of:
            raise DatasetError(
                f"there is no shard {text}: they are counted from 0, so {of} shards are "
                + (f"0/{of} to {of - 1}/{of}" if of > 1 else "0/1 alone")
            )
        return cls(index, of)

    def samples(self, frames: int) -> range:
        """The numbers of its samples in a data set of so many."""
        return range(frames * self.index // self.of, frames * (self.index + 1) // self.of)

    def job(self, frames: int) -> dict[str, object]:
        """What it adds to the job of the data set."""
        return {SHARD: str(self), FRAMES: frames}

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"
