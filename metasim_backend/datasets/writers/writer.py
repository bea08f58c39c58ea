"""One way to write frames as a data set, whatever its format.

    writer = open_writer("coco", folder, job={"seed": 7})
    for index in writer.missing(count):
        writer.write(index, frame_of(index))
    writer.finish()

Run again after an interruption, this writes only what is missing, and the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from blender_addon.contract.frames import Frame
from blender_addon.contract.street_classes import LABELLED
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.writers.coco import CocoWriter
from metasim_backend.datasets.writers.files_per_sample import FilesPerSample
from metasim_backend.datasets.writers.kitti import KittiWriter
from metasim_backend.datasets.writers.yolo import YoloWriter

CLASSES = LABELLED
MIN_PIXELS = 10
FORMATS: dict[str, type[FilesPerSample]] = {
    "coco": CocoWriter,
    "kitti": KittiWriter,
    "yolo": YoloWriter,
}


class DatasetWriter(Protocol):
    """Writes a data set sample by sample; different samples may be written at the same time."""

    def missing(self, count: int, start: int = 0) -> list[int]:
        """The samples among start ... count - 1 that are not there whole."""
        ...

    def write(self, index: int, frame: Frame) -> None:
        """Write one sample's files; a sample that is there is written anew."""
        ...

    def take(self, index: int, folder: Path) -> None:
        """Take one sample over from the folder of another data set of this format, in which it is
        whole."""
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
        kind: a key of :data:`FORMATS`: "coco", "kitti" or "yolo".
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
