"""What the formats share in which every sample has files of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from blender_addon.contract.frames import Frame
from metasim_backend.datasets.sample_files import SampleFiles, check_count


class FilesPerSample(ABC):
    """See :class:`metasim_backend.datasets.writers.writer.DatasetWriter`.

    Args:
        folder, job: see :class:`SampleFiles`.
        classes: in the order of their numbers.
        min_pixels: objects of which fewer pixels show are left out.
    """

    parts: ClassVar[tuple[str, ...]]

    def __init__(
        self, folder: Path, classes: tuple[str, ...], min_pixels: int, job: Mapping[str, object]
    ) -> None:
        self._folder, self._classes, self._min_pixels = folder, classes, min_pixels
        self._files = SampleFiles(
            folder,
            {**self.form(), "classes": classes, "min_pixels": min_pixels, **job},
        )

    @staticmethod
    @abstractmethod
    def form() -> dict[str, object]:
        """What a data set of this format says of its format in its job."""

    @abstractmethod
    def paths(self, index: int) -> tuple[Path, ...]:
        """A sample's files in the order in which they are written, relative to the folder."""

    @abstractmethod
    def write(self, index: int, frame: Frame) -> None: ...

    @abstractmethod
    def finish(self) -> Path: ...

    def owned(self) -> AbstractContextManager[None]:
        return self._files.owned()

    def missing(self, count: int, start: int = 0) -> list[int]:
        check_count(count)
        return [i for i in range(start, count) if not self._is_there(i)]

    def take(self, samples: Sequence[int], folder: Path, progress: Callable[[int], object]) -> None:
        for index in samples:
            for path in self.paths(index):
                self._files.take(folder / path, self._folder / path)
            progress(1)

    def _is_there(self, index: int) -> bool:
        return all((self._folder / path).is_file() for path in self.paths(index))
