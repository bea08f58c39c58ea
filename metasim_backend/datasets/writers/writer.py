"""One way to write frames as a data set, whatever its format.

    writer = open_writer("coco", folder, job={"seed": 7})
    with writer.owned():
        for index in writer.missing(count):
            writer.write(index, frame_of(index))
        writer.finish()

Run again after an interruption, this writes only what is missing, and the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, Protocol

from blender_addon.contract.frames import Frame
from blender_addon.contract.street_classes import LABELLED
from metasim_backend.datasets.json_files import read_json
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.sample_files import HIDDEN, JOB
from metasim_backend.datasets.writers.coco import CocoWriter
from metasim_backend.datasets.writers.files_per_sample import FilesPerSample
from metasim_backend.datasets.writers.huggingface import HuggingFaceWriter
from metasim_backend.datasets.writers.kitti import KittiWriter
from metasim_backend.datasets.writers.webdataset import WebDatasetWriter
from metasim_backend.datasets.writers.yolo import YoloWriter

CLASSES = LABELLED
MIN_PIXELS = 10
FORMATS: dict[str, type[FilesPerSample] | type[WebDatasetWriter]] = {
    "coco": CocoWriter,
    "kitti": KittiWriter,
    "yolo": YoloWriter,
    "webdataset": WebDatasetWriter,
    "huggingface": HuggingFaceWriter,
}


class DatasetWriter(Protocol):
    """Writes a data set sample by sample; different samples may be written at the same time.

    Attributes:
        parts: files and folders that such a data set has beside its hidden folder.
    """

    parts: ClassVar[tuple[str, ...]]

    def owned(self) -> AbstractContextManager[None]:
        """Nobody else may write meanwhile; DatasetError when another process does."""
        ...

    def missing(self, count: int, start: int = 0) -> list[int]:
        """The samples among start ... count - 1 that are not there whole.

        Raises:
            DatasetError: for more samples than a data set can have.
        """
        ...

    def write(self, index: int, frame: Frame) -> None:
        """Write one sample's files; a sample that is there is written anew."""
        ...

    def take(self, samples: Sequence[int], folder: Path, progress: Callable[[int], object]) -> None:
        """Take samples over from the folder of another data set, in which they are whole.

        Args:
            samples: their numbers, rising.
            folder: of a data set that was written with the same job, but for its being a shard.
            progress: is told of so many more that have been taken.
        """
        ...

    def finish(self) -> Path:
        """Write what belongs to the whole, for all samples that are there.

        Returns:
            What to give to a program that reads this format.
        """
        ...


def open_writer(
    kind: str,
    folder: str | Path,
    *,
    classes: Sequence[str] = CLASSES,
    min_pixels: int = MIN_PIXELS,
    job: Mapping[str, object] | None = None,
) -> DatasetWriter:
    """A writer for a new or interrupted data set.

    Args:
        kind: a key of :data:`FORMATS`, such as "coco".
        folder: new or empty, or the same data set, interrupted or to be extended.
        classes: classes to write, in the order of their numbers.
        min_pixels: objects of which fewer pixels show are left out.
        job: what else the data set depends on (seed, run, settings), JSON-ready; a data set is
            continued only with the same.

    Raises:
        DatasetError: unknown format, unusable class names or number, or a folder that holds
            something else.
    """
    if kind not in FORMATS:
        raise DatasetError(f"Unknown data set format {kind!r}; choose {', '.join(FORMATS)}.")
    classes = tuple(classes)
    plain = all(name.isidentifier() for name in classes)
    if not classes or len(set(classes)) != len(classes) or not plain:
        raise DatasetError(
            f"The data set's classes {', '.join(classes) or 'none'} are not different plain names; "
            f"give names such as {', '.join(CLASSES)}."
        )
    if min_pixels < 1:
        raise DatasetError(f"The least number of pixels {min_pixels} is not at least 1.")
    return FORMATS[kind](Path(folder), classes, min_pixels, dict(job or {}))


def continue_writer(folder: Path, job: Mapping[str, object]) -> DatasetWriter:
    """A writer for a data set with the job that one like it was begun with, read from there.

    Args:
        job: the whole of it: format, classes and least number of pixels too.

    Raises:
        DatasetError: as :func:`open_writer`; also when the job lacks any of these.
    """
    kind, classes, least = job.get("format"), job.get("classes"), job.get("min_pixels")
    if not (isinstance(kind, str) and isinstance(classes, list) and isinstance(least, int)):
        raise DatasetError(f"The job of the data set for {folder} is damaged; generate it again.")
    rest = {key: job[key] for key in job if key not in ("format", "classes", "min_pixels")}
    return open_writer(kind, folder, classes=classes, min_pixels=least, job=rest)


def parts_of(folder: Path) -> tuple[str, ...]:
    """The files and folders that a data set has in its folder, beside the hidden one.

    A data set whose format cannot be told has none.
    """
    path = folder / HIDDEN / JOB
    kind = read_json(path).get("format") if path.is_file() else None
    return FORMATS[kind].parts if isinstance(kind, str) and kind in FORMATS else ()
