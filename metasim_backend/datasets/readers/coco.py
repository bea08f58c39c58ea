"""Pictures with a COCO annotations file.

``iscrowd`` regions are ignore regions. The fields ``occlusion`` and ``truncation``, which this
project's own COCO files have, give KITTI's difficulties where they are there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from metasim_backend.datasets.annotation import Annotation
from metasim_backend.datasets.json_files import finite_box, read_json
from metasim_backend.datasets.readers.pictures import DatasetError


def _file(folder: Path) -> Path | None:
    file = folder / "annotations.json"
    if not file.is_file():
        files = sorted((folder / "annotations").glob("*.json")) or sorted(folder.glob("*.json"))
        if not files:
            return None
        if len(files) > 1:
            raise DatasetError(
                f"The labelled folder {folder} has {len(files)} annotation files "
                f"({', '.join(f.name for f in files[:4])}); name the right one annotations.json."
            )
        file = files[0]
    return file


def samples(folder: Path) -> list[tuple[Path, Callable[[], list[Annotation]]]] | None:
    """Each picture with its objects, by file name; None without an annotations file.

    Raises:
        DatasetError: when there are several files to choose from; otherwise naming the file, the
            entry and what is wrong with it.
    """
    file = _file(folder)
    if file is None:
        return None
    content = read_json(file)
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list) or not all(
            isinstance(item, dict) for item in content[key]
        ):
            raise DatasetError(
                f"{file}: {key!r} is not a list of objects; give a COCO annotations file."
            )
    names = {}
    for number, item in enumerate(content["categories"]):
        _need(item, ("id", "name"), f"{file}, category number {number}")
        names[item["id"]] = str(item["name"]).lower()
    objects: dict[Any, list[Annotation]] = {}
    for number, item in enumerate(content["images"]):
        _need(item, ("id", "file_name"), f"{file}, image number {number}")
        objects[item["id"]] = []
    for number, item in enumerate(content["annotations"]):
        where = f"{file}, annotation number {number}"
        _need(item, ("image_id", "category_id", "bbox"), where)
        for key, known in (("image_id", objects), ("category_id", names)):
            if item[key] not in known:
                raise DatasetError(f"{where}: {key} {item[key]!r} does not exist; correct it.")
        objects[item["image_id"]].append(_annotation(item, names[item["category_id"]], where))
    images = sorted(content["images"], key=lambda item: str(item["file_name"]))
    return [
        (_picture(file, folder, str(item["file_name"])), partial(list, objects[item["id"]]))
        for item in images
    ]


def _annotation(item: dict[str, Any], class_name: str, where: str) -> Annotation:
    x, y, w, h = finite_box(item["bbox"], where)
    if w < 0 or h < 0:
        raise DatasetError(f"{where}: the box {item['bbox']} has a negative size; correct it.")
    occlusion, truncation = item.get("occlusion"), item.get("truncation")
    return Annotation(
        (x, y, x + w, y + h),
        class_name,
        bool(item.get("iscrowd", 0)),
        occlusion if isinstance(occlusion, int) else None,
        float(truncation) if isinstance(truncation, int | float) else None,
    )


def _picture(file: Path, folder: Path, name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DatasetError(
            f"{file}: the picture {name!r} lies outside the folder; give a name inside it."
        )
    for place in (folder / "images" / name, folder / name):
        if place.is_file():
            return place
    raise DatasetError(f"{file}: the picture {name!r} is not in {folder / 'images'}; put it there.")


def _need(item: dict[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in keys:
        if not isinstance(item.get(key), list if key == "bbox" else int | str):
            raise DatasetError(f"{where}: {key!r} is missing; give a COCO annotations file.")
