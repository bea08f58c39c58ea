"""Pictures with a COCO annotations file.

``iscrowd`` regions are ignore regions. The fields ``occlusion`` and ``truncation``, which this
project's own COCO files have, give KITTI's difficulties where they are there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metasim_backend.datasets.annotation import Annotation, LabelledFile
from metasim_backend.datasets.json_files import finite_box, is_finite, read_json
from metasim_backend.datasets.readers.pictures import DatasetError

INSTANCES = "instances_"
"""What COCO's own files with boxes begin with."""


def _file(folder: Path) -> Path | None:
    file = folder / "annotations.json"
    if file.is_file():
        return file
    files = sorted((folder / "annotations").glob("*.json")) or sorted(folder.glob("*.json"))
    if len(files) > 1:
        # COCO's own layout has captions and key points beside them, and several sets of pictures.
        named = [one for one in files if one.stem.startswith(INSTANCES)]
        files = [one for one in named if _set_folder(one, folder).is_dir()] or named or files
    if len(files) > 1:
        raise DatasetError(
            f"The labelled folder {folder} has {len(files)} annotation files "
            f"({', '.join(f.name for f in files[:4])}); name the right one annotations.json."
        )
    return files[0] if files else None


def _set_folder(file: Path, folder: Path) -> Path:
    """Where COCO's own layout has the pictures of ``instances_val2017.json``: ``val2017/``."""
    return folder / file.stem.removeprefix(INSTANCES)


def samples(folder: Path) -> list[LabelledFile] | None:
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
        names[_whole(item["id"])] = str(item["name"]).lower()
    objects: dict[Any, list[Annotation]] = {}
    for number, item in enumerate(content["images"]):
        _need(item, ("id", "file_name"), f"{file}, image number {number}")
        objects[_whole(item["id"])] = []
    for number, item in enumerate(content["annotations"]):
        where = f"{file}, annotation number {number}"
        _need(item, ("image_id", "category_id", "bbox"), where)
        for key, there in (("image_id", objects), ("category_id", names)):
            if _whole(item[key]) not in there:
                raise DatasetError(f"{where}: {key} {item[key]!r} does not exist; correct it.")
        name = names[_whole(item["category_id"])]
        objects[_whole(item["image_id"])].append(_annotation(item, name, where))
    images = sorted(content["images"], key=lambda item: str(item["file_name"]))
    return [_labelled(file, folder, item, objects[_whole(item["id"])]) for item in images]


def _labelled(
    file: Path, folder: Path, item: dict[str, Any], objects: list[Annotation]
) -> LabelledFile:
    name = str(item["file_name"])
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DatasetError(
            f"{file}: the picture {name!r} lies outside the folder; give a name inside it."
        )
    places = (folder / "images" / name, folder / name, _set_folder(file, folder) / name)
    picture = next((place for place in places if place.is_file()), None)

    def read() -> list[Annotation]:
        if picture is None:
            raise DatasetError(
                f"{file}: the picture {name!r} is not in {folder / 'images'}; put it there."
            )
        return objects

    return LabelledFile(picture or places[0], read, _size(item))


def _size(item: dict[str, Any]) -> tuple[int, int] | None:
    width, height = _whole(item.get("width")), _whole(item.get("height"))
    whole = isinstance(width, int) and isinstance(height, int)
    return (width, height) if whole and width > 0 and height > 0 else None


def _whole(value: Any) -> Any:
    """3 for 3.0, which some exporters write; everything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
        float(truncation) if truncation is not None and is_finite(truncation) else None,
    )


def _need(item: dict[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in keys:
        if not isinstance(item.get(key), list if key == "bbox" else int | float | str):
            raise DatasetError(f"{where}: {key!r} is missing; give a COCO annotations file.")
