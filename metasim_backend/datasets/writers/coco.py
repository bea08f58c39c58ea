"""COCO: ``images/000000.png`` ... and one ``annotations.json``.

Ids start at 1. Masks are compressed run lengths, areas their true numbers of pixels; pictures
without objects are listed too. Beyond COCO, an image has its ``camera`` (intrinsics 3 x 3 and pose
4 x 4, world to camera, OpenCV axes) and an annotation ``amodal_bbox`` (the whole silhouette; may
leave the picture; null behind the camera), ``visibility``, ``truncation``, ``occlusion``, ``node``
and ``box3d`` (KITTI's convention).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from blender_addon.contract.frames import Frame
from metasim_backend.datasets.sample_files import (
    SampleFiles,
    png_bytes,
    sample_name,
    visible_objects,
)
from metasim_backend.datasets.writers.description import object_description, picture_description
from metasim_backend.datasets.writers.files_per_sample import FilesPerSample


class CocoWriter(FilesPerSample):
    """See :func:`metasim_backend.datasets.writers.writer.open_writer`."""

    parts = ("images", "annotations.json")

    @staticmethod
    def form() -> dict[str, object]:
        return {"format": "coco"}

    def write(self, index: int, frame: Frame) -> None:
        image, part = (self._folder / path for path in self.paths(index))
        self._files.write(image, png_bytes(frame.image))
        picture: dict[str, object] = {"file_name": image.name, **picture_description(frame)}
        # The part comes last: it is what makes the sample complete.
        self._files.write_json(
            part,
            {
                "image": picture,
                "annotations": [
                    {
                        "category_id": self._classes.index(label.class_name) + 1,
                        **object_description(label, mask, box),
                    }
                    for label, mask, box in visible_objects(frame, self._classes, self._min_pixels)
                ],
            },
        )

    def finish(self) -> Path:
        target = self._folder / "annotations.json"
        self._files.write_by(target, self._write_annotations)
        self._files.sweep()
        return target

    def paths(self, index: int) -> tuple[Path, ...]:
        return (Path("images", f"{sample_name(index)}.png"), SampleFiles.part_path(index))

    def _write_annotations(self, file: IO[bytes]) -> None:
        """One sample in memory at a time; first all pictures, then all objects."""
        head = {
            "info": {"description": "Synthetic pictures with labels", "version": "1"},
            "licenses": [],
            "categories": [
                {"id": number, "name": name, "supercategory": "object"}
                for number, name in enumerate(self._classes, start=1)
            ],
        }
        file.write(json.dumps(head)[:-1].encode())
        for key, items in (("images", self._images()), ("annotations", self._annotations())):
            file.write(f',\n"{key}": ['.encode())
            for number, item in enumerate(items):
                file.write((",\n" if number else "\n").encode())
                file.write(json.dumps(item, allow_nan=False).encode())
            file.write(b"\n]")
        file.write(b"}\n")

    def _images(self) -> Iterator[dict[str, Any]]:
        for index, content in self._samples():
            yield {"id": index + 1, **content["image"]}

    def _annotations(self) -> Iterator[dict[str, Any]]:
        number = itertools.count(1)
        for index, content in self._samples():
            for item in content["annotations"]:
                yield {"id": next(number), "image_id": index + 1, **item}

    def _samples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The samples whose pictures are there too."""
        for index, content in self._files.parts():
            if self._is_there(index):
                yield index, content
