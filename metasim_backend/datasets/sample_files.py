"""The files of a data set that is written sample by sample, and can be interrupted at any time.

Every file is written under a temporary name in a hidden folder of the data set, then renamed:
it is there whole or not at all, and a sample is complete when all its files are there. What a data
set was begun with is kept beside, so that it is never continued with anything else.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from blender_addon.contract.frames import Frame, ObjectLabel
from blender_addon.contract.text_files import shown
from metasim_backend.datasets.json_files import read_json
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.run_files.atomic_files import write_atomically
from metasim_backend.run_files.locks import lock

HIDDEN = ".metasim"
JOB = "job.json"
MOST_SAMPLES = 1_000_000
_PARTS = "samples"
# A disk without hard links, another disk, or a file that has too many names or another owner.
_NO_LINKS = {
    *(errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK),
    *(errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS),
}
LONGEST_STEM = 240  # bytes; most file systems take names of 255


class SampleFiles:
    """A data set's folder.

    Args:
        folder: new or empty, or a data set that was begun with the same ``job``.
        job: what the data set is made with, JSON-ready.

    Raises:
        DatasetError: when the folder holds anything else; nothing in it is touched.
    """

    def __init__(self, folder: Path, job: Mapping[str, object]) -> None:
        self.folder = folder
        self.hidden = folder / HIDDEN
        if folder.exists() and not folder.is_dir():
            raise DatasetError(f"The output {folder} is a file; give a new folder.")
        if (self.hidden / JOB).is_file():
            begun = read_json(self.hidden / JOB)
            wanted = json.loads(json.dumps(job))
            for key in sorted(begun.keys() | wanted.keys()):
                if begun.get(key) != wanted.get(key):
                    raise DatasetError(
                        f"The data set {folder} was begun with {key} {_said(begun, key)}, not "
                        f"{_said(wanted, key)}; continue it with that, or give a new folder."
                    )
            return
        # A hidden folder without a job is from a beginning that was cut short.
        if folder.is_dir() and any(path.name != HIDDEN for path in folder.iterdir()):
            raise DatasetError(
                f"The output folder {folder} holds other files; give a new or empty folder."
            )
        try:
            self.write(self.hidden / JOB, _json_bytes(job))
        except OSError as error:
            raise DatasetError(
                f"The output folder {folder} cannot be written to ({error.strerror}); give another."
            ) from error

    def write(self, path: Path, data: bytes) -> None:
        """Write a file whole or not at all."""
        self.write_by(path, lambda file: file.write(data))

    def write_by(self, path: Path, write: Callable[[IO[bytes]], object]) -> None:
        """Write a file whole or not at all by a function that is given it open."""
        self.hidden.mkdir(parents=True, exist_ok=True)
        write_atomically(path, write, (self.hidden, "part-"))

    def write_json(self, path: Path, content: object) -> None:
        self.write(path, _json_bytes(content))

    def take(self, source: Path, target: Path) -> None:
        """Another data set's file under a name of ours: the same file where the disk allows it,
        else a copy. Nobody changes such files in place, so both data sets stay as they are."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except FileExistsError:
            target.unlink()
            self.take(source, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self.write(target, source.read_bytes())

    @staticmethod
    def part_path(index: int) -> Path:
        """Where a sample's labels are kept until they are written for the whole data set,
        relative to the folder."""
        return Path(HIDDEN, _PARTS, f"{sample_name(index)}.json")

    def parts(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The number and the kept labels of each sample, rising, read one after the other.

        Raises:
            DatasetError: when one is damaged.
        """
        for index in self.part_numbers():
            path = self.folder / self.part_path(index)
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise DatasetError(f"{path} is damaged; remove it and generate again.") from error
            yield index, content

    def part_numbers(self) -> list[int]:
        """The samples of which labels are kept, rising."""
        folder = self.hidden / _PARTS
        if not folder.is_dir():
            return []
        with os.scandir(folder) as entries:
            stems = (entry.name.removesuffix(".json") for entry in entries)
            return sorted(int(stem) for stem in stems if stem.isdecimal())

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Nobody else may write into the data set meanwhile. A process that dies owns nothing.

        Raises:
            DatasetError: when another process writes into it.
        """
        with _owned(self.folder):
            yield

    def sweep(self) -> None:
        """Remove what interrupted writes left behind; call it when nobody writes."""
        for path in self.hidden.glob("part-*"):
            path.unlink(missing_ok=True)


def remove_data_set(folder: Path) -> None:
    """Remove a data set that nobody writes into.

    Raises:
        DatasetError: when another process does.
    """
    with _owned(folder):
        shutil.rmtree(folder)


@contextlib.contextmanager
def _owned(folder: Path) -> Iterator[None]:
    # The folder itself is locked: a file would have to be told from the data set's own.
    if os.name != "posix":
        yield
        return
    try:
        handle = os.open(folder / HIDDEN, os.O_RDONLY)
    except FileNotFoundError:
        raise _in_use(folder) from None  # removed by another, just now
    try:
        if not lock(handle):
            raise _in_use(folder)
        yield
    finally:
        os.close(handle)


def _in_use(folder: Path) -> DatasetError:
    return DatasetError(
        f"The data set {folder} is in use by another metasim; wait until that has ended, or stop "
        "it."
    )


def check_count(count: int) -> None:
    """Raises DatasetError for more samples than names of six digits are enough for."""
    if count > MOST_SAMPLES:
        raise DatasetError(
            f"A data set has at most {MOST_SAMPLES} frames, and {shown(count)} are wanted; write "
            "several, each with a seed of its own."
        )


def sample_name(index: int) -> str:
    """The stem of a sample's files: six digits.

    Raises:
        ValueError: outside 0 to 999,999.
    """
    if not 0 <= index < MOST_SAMPLES:
        raise ValueError(f"Sample number {index} is not from 0 to {MOST_SAMPLES - 1}.")
    return f"{index:06d}"


def distinct_stems(stems: Sequence[str]) -> list[str]:
    """Stems of files that are made of others: no two alike, and none longer than names can be."""
    taken: set[str] = set()
    found = []
    for stem in stems:
        cut = stem.encode(errors="surrogateescape")[:LONGEST_STEM]
        stem = one = cut.decode(errors="surrogateescape")
        number = 1
        while one in taken:
            number += 1
            one = f"{stem}_{number}"
        taken.add(one)
        found.append(one)
    return found


def png_bytes(image: np.ndarray) -> bytes:
    """H x W x 3 uint8, or float in [0, 1], as a PNG; the same picture gives the same bytes."""
    if image.dtype != np.uint8:
        image = (np.clip(image, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


def visible_objects(
    frame: Frame, classes: Sequence[str], min_pixels: int
) -> list[tuple[ObjectLabel, np.ndarray, tuple[int, int, int, int]]]:
    """The labels of the wanted classes that show enough, with mask and box.

    Returns:
        (label, H x W bool mask, tight box (x0, y0, x1, y1) with x1 and y1 exclusive) for each
        label with at least ``min_pixels`` (and at least 1) pixels in the index map, in the
        frame's order.
    """
    found = []
    for label in frame.labels:
        if label.class_name not in classes:
            continue
        mask = frame.mask(label)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows) and int(mask.sum()) >= min_pixels:
            box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
            found.append((label, mask, box))
    return found


def _said(job: Mapping[str, object], key: str) -> str:
    return repr(job[key]) if key in job else "none"


def _json_bytes(content: object) -> bytes:
    return (json.dumps(content, allow_nan=False, indent=1) + "\n").encode()
