"""YOLO: ``images/000000.png``, ``labels/000000.txt`` and ``data.yaml``.

A label line is "class x y width height": the class counted from 0, the box's centre and size as
shares of the picture's width and height. A picture without objects has an empty label file.
"""

from __future__ import annotations

from pathlib import Path

from blender_addon.contract.frames import Frame
from metasim_backend.datasets.sample_files import (
    SampleFiles,
    png_bytes,
    sample_name,
    visible_objects,
)


class YoloWriter:
    """See :func:`metasim_backend.datasets.writers.writer.open_writer`."""

    def __init__(
        self, folder: Path, classes: tuple[str, ...], min_pixels: int, job: dict[str, object]
    ) -> None:
        self._classes, self._min_pixels = classes, min_pixels
        self._files = SampleFiles(
            folder, {"format": "yolo", "classes": classes, "min_pixels": min_pixels, **job}
        )
        self._folder = folder

    def missing(self, count: int) -> list[int]:
        return [i for i in range(count) if not all(path.is_file() for path in self._paths(i))]

    def write(self, index: int, frame: Frame) -> None:
        image, labels = self._paths(index)
        width, height = frame.size
        lines = [
            f"{self._classes.index(label.class_name)} "
            f"{(x0 + x1) / 2 / width:.6f} {(y0 + y1) / 2 / height:.6f} "
            f"{(x1 - x0) / width:.6f} {(y1 - y0) / height:.6f}\n"
            for label, _, (x0, y0, x1, y1) in visible_objects(
                frame, self._classes, self._min_pixels
            )
        ]
        self._files.write(image, png_bytes(frame.image))
        self._files.write(labels, "".join(lines).encode())

    def finish(self) -> Path:
        names = "".join(f"  {number}: {name}\n" for number, name in enumerate(self._classes))
        # Without "path" the folders are taken relative to this file.
        text = f"train: images\nval: images\nnc: {len(self._classes)}\nnames:\n{names}"
        target = self._folder / "data.yaml"
        self._files.write(target, text.encode())
        self._files.sweep()
        return target

    def _paths(self, index: int) -> tuple[Path, Path]:
        name = sample_name(index)
        return (self._folder / "images" / f"{name}.png", self._folder / "labels" / f"{name}.txt")
