"""Crops of KITTI frames with the boxes of their cars in one ``boxes.json``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from metasim_backend.datasets.annotation import Annotation, LabelledFile
from metasim_backend.datasets.json_files import finite_box, read_json
from metasim_backend.datasets.readers.pictures import DatasetError, list_pictures


def samples(folder: Path) -> list[LabelledFile] | None:
    """Each picture with its cars, by name; None without ``boxes.json``.

    Raises:
        DatasetError: when the file is not JSON. What is wrong with one entry is raised when that
            is read.
    """
    file = folder / "boxes.json"
    if not file.is_file():
        return None
    entries = read_json(file)
    pictures = list_pictures(
        folder / "images" if (folder / "images").is_dir() else folder, "labelled folder"
    )
    found = []
    for picture in pictures:
        found.append(LabelledFile(picture, partial(_cars, file, picture, entries)))
    return found


def _cars(file: Path, picture: Path, entries: Mapping[str, Any]) -> list[Annotation]:
    entry = entries.get(picture.stem)
    boxes = entry.get("boxes_xyxy") if isinstance(entry, dict) else None
    if not isinstance(boxes, list):
        raise DatasetError(
            f"{file}, key {picture.stem!r}: no list 'boxes_xyxy' for the picture {picture}; "
            "add it, or remove the picture."
        )
    cars = []
    for number, values in enumerate(boxes, start=1):
        x0, y0, x1, y1 = finite_box(values, f"{file}, key {picture.stem!r}, box {number}")
        if x1 < x0 or y1 < y0:
            raise DatasetError(
                f"{file}, key {picture.stem!r}, box {number}: {values} is not x0, y0, x1, y1; "
                "correct it."
            )
        cars.append(Annotation((x0, y0, x1, y1), "car"))
    return cars
