"""WebDataset: ``tars/000000.tar`` ..., which hold ``000000.png`` and ``000000.json`` a sample.

A tar holds a thousand samples, the last one what is left. The JSON has the picture's ``width``,
``height`` and ``camera``, and its ``objects``: ``category`` (the class's name), ``category_id``
(counted from 0) and what COCO's annotations have. ``dataset.json`` lists the classes, and the tars
with their numbers of samples.

A sample waits in the hidden folder until its tar is full, or the data set is finished.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from blender_addon.contract.frames import Frame
from metasim_backend.datasets.sample_files import (
    SampleFiles,
    check_count,
    png_bytes,
    visible_objects,
)
from metasim_backend.datasets.writers.description import object_description, picture_description
from metasim_backend.datasets.writers.tar_file import ENDINGS, Sample, TarFile, write_tar

SAMPLES_A_TAR = 1000
TARS = "tars"


class WebDatasetWriter:
    """See :func:`metasim_backend.datasets.writers.writer.open_writer`.

    Args:
        folder, job: see :class:`SampleFiles`.
        classes, min_pixels: see :class:`FilesPerSample`.
    """

    parts: ClassVar[tuple[str, ...]] = (TARS, "dataset.json")

    def __init__(
        self, folder: Path, classes: tuple[str, ...], min_pixels: int, job: Mapping[str, object]
    ) -> None:
        self._folder, self._classes, self._min_pixels = folder, classes, min_pixels
        self._files = SampleFiles(
            folder, {**self.form(), "classes": classes, "min_pixels": min_pixels, **job}
        )
        self._a_tar = SAMPLES_A_TAR
        self._lock = threading.Lock()
        # Samples by the number of their tar: those that are in it, and those that wait for it.
        self._packed: dict[int, Collection[int]] = {}
        self._waiting: dict[int, set[int]] = {}
        for path in (folder / TARS).glob("[0-9]*.tar"):
            number = int(path.stem)
            self._packed[number] = self._compact(number, TarFile(path).numbers())
        for index in self._files.part_numbers():
            if all(path.is_file() for path in _waiting_paths(folder, index)):
                self._waiting.setdefault(index // self._a_tar, set()).add(index)

    @staticmethod
    def form() -> dict[str, object]:
        return {"format": "webdataset", "samples_a_tar": SAMPLES_A_TAR}

    def owned(self) -> AbstractContextManager[None]:
        return self._files.owned()

    def missing(self, count: int, start: int = 0) -> list[int]:
        check_count(count)
        return [index for index in range(start, count) if not self._is_there(index)]

    def write(self, index: int, frame: Frame) -> None:
        objects = [
            {
                "category": label.class_name,
                "category_id": self._classes.index(label.class_name),
                **object_description(label, mask, box),
            }
            for label, mask, box in visible_objects(frame, self._classes, self._min_pixels)
        ]
        labels = {**picture_description(frame), "objects": objects}
        self._keep(index, (png_bytes(frame.image), json.dumps(labels, allow_nan=False).encode()))

    def take(self, samples: Sequence[int], folder: Path, progress: Callable[[int], object]) -> None:
        for number, group in itertools.groupby(samples, lambda index: index // self._a_tar):
            wanted = list(group)
            source = _tar_path(folder, number)
            tar = TarFile(source) if source.is_file() else None
            if tar is not None and len(wanted) == len(tar.numbers()) == self._a_tar:
                # The whole tar is the same in every data set of this job.
                self._files.take(source, _tar_path(self._folder, number))
                self._packed[number] = self._compact(number, wanted)
                progress(len(wanted))
                continue
            for index in wanted:
                waiting = _waiting_paths(folder, index)
                in_tar = tar is not None and index in tar.numbers()
                self._keep(index, tar.read(index) if tar is not None and in_tar else _read(waiting))
                progress(1)

    def finish(self) -> Path:
        with self._lock:
            for number in sorted(self._waiting):
                self._pack(number)
        tars = [
            {
                "file": f"{TARS}/{_tar_path(self._folder, number).name}",
                "samples": len(self._packed[number]),
            }
            for number in sorted(self._packed)
        ]
        self._files.write_json(
            self._folder / "dataset.json",
            {
                "classes": self._classes,
                "samples": sum(len(packed) for packed in self._packed.values()),
                "tars": tars,
            },
        )
        self._files.sweep()
        return self._folder / TARS

    def _is_there(self, index: int) -> bool:
        number = index // self._a_tar
        return index in self._packed.get(number, ()) or index in self._waiting.get(number, ())

    def _keep(self, index: int, sample: Sample) -> None:
        """Have a sample wait for its tar, and write that when it is full."""
        number = index // self._a_tar
        for path, data in zip(_waiting_paths(self._folder, index), sample, strict=True):
            self._files.write(path, data)
        with self._lock:
            waiting = self._waiting.setdefault(number, set())
            waiting.add(index)
            if len(waiting.union(self._packed.get(number, ()))) == self._a_tar:
                self._pack(number)

    def _pack(self, number: int) -> None:
        """Write a tar anew with those that wait for it; the caller holds the lock."""
        path = _tar_path(self._folder, number)
        waiting = self._waiting[number]
        tar = TarFile(path) if path.is_file() else None
        every = sorted(waiting.union(tar.numbers() if tar else ()))

        def samples() -> Iterator[tuple[int, Sample]]:
            for index in every:
                if index in waiting or tar is None:
                    yield index, _read(_waiting_paths(self._folder, index))
                else:
                    yield index, tar.read(index)

        self._files.write_by(path, lambda file: write_tar(file, samples()))
        self._packed[number] = self._compact(number, every)
        for index in waiting:
            for part in _waiting_paths(self._folder, index):
                part.unlink(missing_ok=True)
        del self._waiting[number]

    def _compact(self, number: int, indices: Collection[int]) -> Collection[int]:
        """The same numbers; those of a full tar need no memory."""
        if len(indices) == self._a_tar:
            return range(number * self._a_tar, (number + 1) * self._a_tar)
        return frozenset(indices)


def _tar_path(folder: Path, number: int) -> Path:
    return folder / TARS / f"{number:06d}.tar"


def _waiting_paths(folder: Path, index: int) -> list[Path]:
    """Picture and labels of a sample that waits; the labels come last."""
    labels = folder / SampleFiles.part_path(index)
    return [labels.with_suffix(end) for end in ENDINGS]


def _read(paths: Sequence[Path]) -> Sample:
    picture, labels = (path.read_bytes() for path in paths)
    return picture, labels
