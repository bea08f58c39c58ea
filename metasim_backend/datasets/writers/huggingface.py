"""Hugging Face's image folder: ``train/000000.png`` ... and ``train/metadata.jsonl``.

``datasets.load_dataset(FOLDER)`` reads it. A line of the metadata is a picture, with ``width``,
``height`` and ``objects``: lists with an item for each object. ``bbox`` is [x, y, width, height] in
pixels, ``category`` a number counted from 0 and ``name`` what it stands for, ``area`` the object's
pixels. ``README.md`` names the classes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from blender_addon.contract.frames import Frame
from metasim_backend.datasets.sample_files import (
    SampleFiles,
    png_bytes,
    sample_name,
    visible_objects,
)
from metasim_backend.datasets.writers.description import left_top_size
from metasim_backend.datasets.writers.files_per_sample import FilesPerSample

PICTURES = "train"


class HuggingFaceWriter(FilesPerSample):
    """See :func:`metasim_backend.datasets.writers.writer.open_writer`."""

    parts = (PICTURES, "README.md")

    @staticmethod
    def form() -> dict[str, object]:
        return {"format": "huggingface"}

    def write(self, index: int, frame: Frame) -> None:
        image, part = (self._folder / path for path in self.paths(index))
        width, height = frame.size
        shown = visible_objects(frame, self._classes, self._min_pixels)
        names = [label.class_name for label, _, _ in shown]
        self._files.write(image, png_bytes(frame.image))
        # The part comes last: it is what makes the sample complete.
        self._files.write_json(
            part,
            {
                "file_name": image.name,
                "image_id": index,
                "width": width,
                "height": height,
                "objects": {
                    # Real numbers also where they are whole, as readers expect of a box.
                    "bbox": [[float(v) for v in left_top_size(box)] for _, _, box in shown],
                    "category": [self._classes.index(name) for name in names],
                    "name": names,
                    "area": [int(mask.sum()) for _, mask, _ in shown],
                    "visibility": [round(float(label.visibility), 6) for label, _, _ in shown],
                    "truncation": [round(float(label.truncation), 6) for label, _, _ in shown],
                },
            },
        )

    def finish(self) -> Path:
        names = "\n".join(f"- {number}: {name}" for number, name in enumerate(self._classes))
        self._files.write(self._folder / "README.md", (_CARD + names + "\n").encode())
        self._files.write_by(self._folder / PICTURES / "metadata.jsonl", self._write_metadata)
        self._files.sweep()
        return self._folder

    def paths(self, index: int) -> tuple[Path, ...]:
        return (Path(PICTURES, f"{sample_name(index)}.png"), SampleFiles.part_path(index))

    def _write_metadata(self, file: IO[bytes]) -> None:
        for index, content in self._files.parts():
            if self._is_there(index):
                file.write(json.dumps(content, allow_nan=False).encode() + b"\n")


_CARD = """---
task_categories:
- object-detection
---
# Synthetic pictures with labels

    from datasets import load_dataset

    pictures = load_dataset("PATH OF THIS FOLDER", split="train")

Boxes are [x, y, width, height] in pixels. The categories are:

"""
