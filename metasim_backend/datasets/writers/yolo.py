"""YOLO: ``images/000000.png``, ``labels/000000.txt`` and ``data.yaml``.

A label line is "class x y width height": the class counted from 0, the box's centre and size as
shares of the picture's width and height. A picture without objects has an empty label file.
"""

from __future__ import annotations

from pathlib import Path

from blender_addon.contract.frames import Frame
from metasim_backend.datasets.sample_files import png_bytes, sample_name, visible_objects
from metasim_backend.datasets.writers.files_per_sample import FilesPerSample


class YoloWriter(FilesPerSample):
    """See :func:`metasim_backend.datasets.writers.writer.open_writer`."""

    parts = ("images", "labels", "data.yaml")

    @staticmethod
    def form() -> dict[str, object]:
        return {"format": "yolo"}

    def write(self, index: int, frame: Frame) -> None:
        image, labels = (self._folder / path for path in self.paths(index))
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

    def paths(self, index: int) -> tuple[Path, ...]:
        name = sample_name(index)
        return (Path("images", f"{name}.png"), Path("labels", f"{name}.txt"))
