"""COCO: ``images/000000.png`` ... and one ``annotations.json``.

Ids start at 1. Masks are compressed run lengths, areas their true numbers of pixels; pictures
without objects are listed too. Beyond COCO, an image has its ``camera`` (intrinsics 3 x 3 and pose
4 x 4, world to camera, OpenCV axes) and an annotation ``amodal_bbox`` (the whole silhouette; may
leave the picture; null behind the camera), ``visibility``, ``truncation``, ``occlusion``, ``node``
and ``box3d`` (KITTI's convention).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from pycocotools import mask as run_lengths

from blender_addon.contract.frames import Frame, ObjectLabel
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.sample_files import (
    HIDDEN,
    SampleFiles,
    png_bytes,
    sample_name,
    visible_objects,
)


class CocoWriter:
    """See :func:`metasim_backend.datasets.writers.writer.open_writer`."""

    def __init__(
        self, folder: Path, classes: tuple[str, ...], min_pixels: int, job: dict[str, object]
    ) -> None:
        self._classes, self._min_pixels = classes, min_pixels
        self._files = SampleFiles(
            folder, {"format": "coco", "classes": classes, "min_pixels": min_pixels, **job}
        )
        self._folder = folder

    def missing(self, count: int) -> list[int]:
        return [i for i in range(count) if not all(path.is_file() for path in self._paths(i))]

    def write(self, index: int, frame: Frame) -> None:
        image, part = self._paths(index)
        width, height = frame.size
        self._files.write(image, png_bytes(frame.image))
        # The part comes last: it is what makes the sample complete.
        self._files.write_json(
            part,
            {
                "image": {
                    "file_name": image.name,
                    "width": width,
                    "height": height,
                    "camera": {
                        "intrinsics": np.asarray(frame.intrinsics, float).tolist(),
                        "pose": np.asarray(frame.pose, float).tolist(),
                    },
                },
                "annotations": [
                    self._annotation(label, mask, box)
                    for label, mask, box in visible_objects(frame, self._classes, self._min_pixels)
                ],
            },
        )

    def finish(self) -> Path:
        images: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        for part in sorted((self._folder / HIDDEN / "samples").glob("[0-9]*.json")):
            if not (self._folder / "images" / f"{part.stem}.png").is_file():
                continue
            try:
                content = json.loads(part.read_text(encoding="utf-8"))
            except ValueError as error:
                raise DatasetError(f"{part} is damaged; remove it and generate again.") from error
            image_id = int(part.stem) + 1
            images.append({"id": image_id, **content["image"]})
            for item in content["annotations"]:
                annotations.append({"id": len(annotations) + 1, "image_id": image_id, **item})
        target = self._folder / "annotations.json"
        self._files.write_json(
            target,
            {
                "info": {"description": "Synthetic pictures with labels", "version": "1"},
                "licenses": [],
                "images": images,
                "annotations": annotations,
                "categories": [
                    {"id": number, "name": name, "supercategory": "object"}
                    for number, name in enumerate(self._classes, start=1)
                ],
            },
        )
        self._files.sweep()
        return target

    def _paths(self, index: int) -> tuple[Path, Path]:
        name = sample_name(index)
        return (
            self._folder / "images" / f"{name}.png",
            self._folder / HIDDEN / "samples" / f"{name}.json",
        )

    def _annotation(
        self, label: ObjectLabel, mask: np.ndarray, box: tuple[int, int, int, int]
    ) -> dict[str, object]:
        encoded = run_lengths.encode(np.asfortranarray(mask.astype(np.uint8)))
        amodal = label.amodal_box
        return {
            "category_id": self._classes.index(label.class_name) + 1,
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "area": int(mask.sum()),
            "iscrowd": 0,
            "segmentation": {
                "size": [int(n) for n in encoded["size"]],
                "counts": encoded["counts"].decode("ascii"),
            },
            "amodal_bbox": None
            if amodal is None
            else [
                round(float(v), 3)
                for v in (amodal[0], amodal[1], amodal[2] - amodal[0], amodal[3] - amodal[1])
            ],
            "visibility": round(float(label.visibility), 6),
            "truncation": round(float(label.truncation), 6),
            "occlusion": int(label.occlusion),
            "node": label.node,
            "box3d": None if label.box3d is None else asdict(label.box3d),
        }
