"""Tar files of samples, with the same bytes for the same samples."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.sample_files import sample_name

Sample = tuple[bytes, bytes]
"""A picture as a PNG, and its labels as JSON."""
ENDINGS = (".png", ".json")


class TarFile:
    """What a tar file holds, by the numbers of its samples.

    Raises:
        DatasetError: when it is no tar file, was cut off, or holds half a sample.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        size = path.stat().st_size
        damaged = DatasetError(f"{path} is damaged; remove it and generate again.")
        try:
            with tarfile.open(path, "r:") as archive:
                self._places = {m.name: (m.offset_data, m.size) for m in archive.getmembers()}
            names = [name.removesuffix(ENDINGS[0]) for name in self._places]
            self._numbers = frozenset(int(name) for name in names if name.isdecimal())
        except tarfile.TarError as error:
            raise damaged from error
        wanted = {sample_name(number) + end for number in self._numbers for end in ENDINGS}
        ends = [start + length for start, length in self._places.values()]
        if wanted != self._places.keys() or max(ends, default=0) > size:
            raise damaged

    def numbers(self) -> frozenset[int]:
        return self._numbers

    def read(self, number: int) -> Sample:
        """One of its samples."""
        with self._path.open("rb") as file:
            picture, labels = (
                _part(file, *self._places[sample_name(number) + end]) for end in ENDINGS
            )
        return picture, labels


def write_tar(file: IO[bytes], samples: Iterable[tuple[int, Sample]]) -> None:
    """Write samples by their numbers, with one in memory at a time.

    Names, sizes and contents are all that the tar says: no time, owner or right of a machine.
    """
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for number, contents in samples:
            for end, data in zip(ENDINGS, contents, strict=True):
                member = tarfile.TarInfo(sample_name(number) + end)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def _part(file: IO[bytes], start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
