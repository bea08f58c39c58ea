"""Labelled pictures for scoring a detector, read from a folder in one of three forms.

- KITTI: ``image_2/`` and ``label_2/`` (in the folder or in its ``training/``);
- COCO: an annotations file (``annotations.json``, or the one .json in ``annotations/``) beside
  ``images/`` or the pictures themselves; where there are several, the file itself can be given;
- crops: ``boxes.json`` ({name: {"boxes_xyxy": [[x0, y0, x1, y1], ...]}}, cars only) beside
  ``images/``.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from metasim_backend.datasets.annotation import Annotation, LabelledFile, difficulty
from metasim_backend.datasets.bad_files import read_all
from metasim_backend.datasets.class_names import COUNTS_AS, can_be_named, class_of
from metasim_backend.datasets.readers import coco, crops, kitti, other_forms
from metasim_backend.datasets.readers.pictures import DatasetError, Fit, check_size, read_picture

LEAST_INSIDE = 0.2
"""A box of which less than this share is left by a crop is not judged."""
MOST_NAMED = 30
"""Classes in a message."""


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One picture with its boxes.

    Attributes:
        image: H x W x 3 uint8, sRGB.
        boxes: [n, 4] float32, (x0, y0, x1, y1) in the image's pixels, x1 and y1 exclusive.
        classes: n class names; ``"dontcare"`` for regions of no class.
        ignore: [n] bool; regions in which detections are not judged.
        difficulty: n of "easy", "moderate", "hard" (KITTI's easiest level that the box belongs
            to, measured in the original picture), or None (no level, or not known).
        name: the file's name.
    """

    image: np.ndarray
    boxes: np.ndarray
    classes: tuple[str, ...]
    ignore: np.ndarray
    difficulty: tuple[str | None, ...]
    name: str = ""


def read_labelled(
    folder: str | Path,
    width: int | None = None,
    height: int | None = None,
    classes: Sequence[str] = ("car",),
    merge_vans: bool = True,
    most: int | None = None,
    names: Mapping[str, str] | None = None,
    skipped: list[str] | None = None,
) -> list[LabelledImage]:
    """Read labelled pictures, each cut about its centre to the wanted aspect and re-sized.

    Boxes go with their picture. One that the cut leaves less than a fifth of becomes an ignore
    region; one that it removes is left out. What the cut takes from a box counts as truncation
    when its difficulty is found.

    Args:
        folder: in KITTI, COCO or crops form.
        width, height: of the result, in pixels; None twice: as they are.
        classes: classes to keep. Ignore regions are always kept.
        merge_vans: what counts as a car is one (:data:`.COUNTS_AS`); otherwise vans, trucks and the
            like keep their names, and where cars are wanted and they not, are neither right nor
            wrong.
        most: read at most this many, evenly spaced by name.
        names: what classes of the files are called, and what they are, beside
            :data:`.SPELLINGS`.
        skipped: of pictures that cannot be used; see :func:`.read_all`.

    Raises:
        DatasetError: unknown form, or files that are missing or wrong, with line and column.
    """
    check_size(width, height)
    folder = Path(folder)
    if not folder.is_dir() and not (folder.is_file() and folder.suffix.lower() == ".json"):
        raise DatasetError(
            f"The labelled folder {folder} does not exist; give a folder in KITTI or COCO form."
        )
    samples = _samples(folder)
    if samples is None:
        raise DatasetError(
            f"The labelled folder {folder} has neither image_2 and label_2 (KITTI) nor "
            f"annotations.json (COCO) nor boxes.json (crops); {other_forms.remedy(folder)}."
        )
    if not samples:
        raise DatasetError(f"The labelled folder {folder} holds no picture; put some in it.")
    if most is not None and len(samples) > most:
        samples = [samples[i * len(samples) // most] for i in range(most)]

    def read(one: LabelledFile) -> LabelledImage:
        return _labelled(one, _named(one.objects(), names), width, height, classes, merge_vans)

    return read_all(samples, read, skipped)


def _samples(folder: Path) -> list[LabelledFile] | None:
    """Each picture with what reads its objects; None when the folder has none of the forms."""
    for form in (kitti.samples, crops.samples, coco.samples):
        samples = form(folder)
        if samples is not None:
            return samples
    return None


def _labelled(
    file: LabelledFile,
    annotations: Sequence[Annotation],
    width: int | None,
    height: int | None,
    classes: Sequence[str],
    merge_vans: bool,
) -> LabelledImage:
    picture = read_picture(file.picture)
    if file.size not in (None, picture.size):
        raise DatasetError(
            f"The picture {file.picture} has {_pixels(picture.size)} pixels, turned as its EXIF "
            f"data say, and its labels are for {_pixels(file.size)}; correct width and height, or "
            "the picture."
        )
    fit = Fit.centred(picture.size, width, height)
    boxes, inside = fit.boxes(np.array([a.box for a in annotations]))
    kept: list[tuple[np.ndarray, str, bool, str | None]] = []
    for annotation, box, share in zip(annotations, boxes, inside, strict=True):
        name, ignore = _class_of(annotation, classes, merge_vans)
        if share <= 0 or (name not in classes and not ignore):
            continue
        ignore = ignore or share < LEAST_INSIDE
        truncation = annotation.truncation
        if truncation is not None:
            truncation = 1 - (1 - truncation) * float(share)
        tall = annotation.box[3] - annotation.box[1]
        level = None if ignore else difficulty(tall, annotation.occlusion, truncation)
        kept.append((box, name, ignore, level))
    return LabelledImage(
        image=fit.picture(picture),
        boxes=np.array([k[0] for k in kept], dtype=np.float32).reshape(-1, 4),
        classes=tuple(k[1] for k in kept),
        ignore=np.array([k[2] for k in kept], dtype=bool),
        difficulty=tuple(k[3] for k in kept),
        name=file.picture.name,
    )


def _named(annotations: Sequence[Annotation], names: Mapping[str, str] | None) -> list[Annotation]:
    return [replace(one, class_name=class_of(one.class_name, names)) for one in annotations]


def _class_of(annotation: Annotation, classes: Sequence[str], merge_vans: bool) -> tuple[str, bool]:
    name, ignore = annotation.class_name, annotation.ignore
    if name != "car" and COUNTS_AS.get(name) == "car" and "car" in classes:
        if merge_vans:
            name = "car"
        elif name not in classes:
            ignore = True
    return name, ignore


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def check_cars(
    folder: str | Path, labelled: Sequence[LabelledImage], names: Mapping[str, str] | None = None
) -> None:
    """Refuse labelled pictures by which no detector of cars can be scored.

    Raises:
        DatasetError: naming the classes that the files have.
    """
    if any("car" in one.classes for one in labelled):
        return
    objects = read_all(_samples(Path(folder)) or [], lambda file: file.objects(), [])
    there = sorted({class_of(one.class_name, names) for some in objects for one in some})
    unknown = [name for name in there if name not in COUNTS_AS]
    meant = f"{unknown[-1] if unknown else 'NAME'}=car"
    if unknown and not can_be_named(unknown[-1]):
        remedy = f"name the class of cars otherwise, as {unknown[-1]!r} cannot be given"
    else:
        remedy = (
            f"give it: --set {shlex.quote(f'target.classes={meant}')}, or --classes "
            f"{shlex.quote(meant)} for metasim evaluate"
        )
    classes = ", ".join(there[:MOST_NAMED]) + (", ..." if len(there) > MOST_NAMED else "")
    raise DatasetError(
        f"The labelled folder {folder} has no car to find; its classes are {classes or 'none'}. "
        f"If cars have another name there, {remedy}."
    )
