"""KITTI's object labels: a text file a picture, 15 columns an object.

type, truncated, occluded, alpha, left, top, right, bottom, height, width, length, x, y, z,
rotation_y. KITTI's pixels are counted from their centres and right and bottom are the last pixel
that belongs to the box, so 1 is added to them here; heights for the difficulty are KITTI's own.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

from blender_addon.contract.text_files import TextFileError, read_text, shown
from metasim_backend.datasets.annotation import Annotation, LabelledFile
from metasim_backend.datasets.json_files import LARGEST
from metasim_backend.datasets.readers.pictures import DatasetError, list_pictures

COLUMNS = (
    "type", "truncated", "occluded", "alpha", "left", "top", "right", "bottom",
    "height", "width", "length", "x", "y", "z", "rotation_y",
)  # fmt: skip
CLASSES = {
    "Car": "car",
    "Van": "van",
    "Truck": "truck",
    "Tram": "tram",
    "Pedestrian": "person",
    "Person_sitting": "person",
    "Cyclist": "cyclist",
    "Misc": "misc",
    "DontCare": "dontcare",
}


def _root(folder: Path) -> Path | None:
    """The folder that holds image_2 and label_2, or None."""
    for candidate in (folder, folder / "training"):
        if (candidate / "image_2").is_dir():
            if not (candidate / "label_2").is_dir():
                raise DatasetError(
                    f"The folder {candidate} has image_2 but no label_2; put KITTI's labels there."
                )
            return candidate
    return None


def samples(folder: Path) -> list[LabelledFile] | None:
    """Each picture with what reads its label file, by name; None without image_2.

    Raises:
        DatasetError: naming the folder that is missing. Reading a picture's labels raises it too.
    """
    root = _root(folder)
    if root is None:
        return None
    found = []
    for picture in list_pictures(root / "image_2", "labelled folder"):
        label = root / "label_2" / f"{picture.stem}.txt"
        found.append(LabelledFile(picture, partial(_labels_of, picture, label)))
    return found


def _labels_of(picture: Path, label: Path) -> list[Annotation]:
    if not label.is_file():
        raise DatasetError(
            f"The picture {picture} has no label file {label}; add it (empty when nothing is "
            "labelled) or remove the picture."
        )
    return read_labels(label)


def read_labels(label: Path) -> list[Annotation]:
    """The objects of one label file.

    Raises:
        DatasetError: naming file, line and column.
    """
    try:
        text = read_text(label)
    except TextFileError as error:
        raise DatasetError(f"The label file {error}") from None
    return [
        _annotation(line.split(), f"The label file {label}, line {number}")
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]


def _is_name(word: str) -> bool:
    return word.isprintable() and any(letter.isalpha() for letter in word)


def _annotation(words: list[str], where: str) -> Annotation:
    if len(words) < len(COLUMNS):
        raise DatasetError(
            f"{where}, has {len(words)} columns of {len(COLUMNS)}: column {len(words) + 1} "
            f"({COLUMNS[len(words)]}) is missing; give all that KITTI's labels have."
        )
    if len(words) == len(COLUMNS) + 2 and words[0].isdigit() and _is_name(words[2]):
        raise DatasetError(
            f"{where}, is of KITTI's tracking form, whose {len(words)} columns begin with frame "
            "and track; give one file a picture, without these two columns."
        )
    if len(words) > len(COLUMNS):
        raise DatasetError(
            f"{where}, has {len(words)} columns, and KITTI's labels have {len(COLUMNS)}; remove "
            f"the rest, which begins with {words[len(COLUMNS)]!r}."
        )
    if not _is_name(words[0]):
        raise DatasetError(
            f"{where}, column 1 (type): {shown(words[0])} is no name of a class, such as "
            f"{', '.join(CLASSES)}; correct it."
        )
    values = {}
    for column, (name, word) in enumerate(zip(COLUMNS[1:], words[1:], strict=True), start=2):
        try:
            values[name] = float(word.replace("_", "?"))  # Python's 1_000
        except ValueError:
            values[name] = math.nan
        if not math.isfinite(values[name]):
            raise DatasetError(f"{where}, column {column} ({name}): {shown(word)} is not a number.")
    if values["right"] < values["left"] or values["bottom"] < values["top"]:
        raise DatasetError(
            f"{where}, columns 5-8: the box {' '.join(words[4:8])} is not left, top, right, "
            "bottom; correct it."
        )
    if max(abs(values[side]) for side in COLUMNS[4:8]) > LARGEST:
        raise DatasetError(
            f"{where}, columns 5-8: the box {shown(' '.join(words[4:8]))} lies in no picture; give "
            "pixels."
        )
    # Other programs write this form with other names, which count as in every form.
    class_name = CLASSES.get(words[0], words[0].lower())
    ignore = class_name == "dontcare"
    return Annotation(
        box=(values["left"], values["top"], values["right"] + 1, values["bottom"] + 1),
        class_name=class_name,
        ignore=ignore,
        occlusion=None if ignore else int(values["occluded"]),
        truncation=None if ignore else min(max(values["truncated"], 0.0), 1.0),
    )
