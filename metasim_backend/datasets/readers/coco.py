"""Pictures with a COCO annotations file.

``iscrowd`` regions are ignore regions. The fields ``occlusion`` and ``truncation``, which this
project's own COCO files have, give KITTI's difficulties where they are there. What is wrong with an
entry is told when its picture is read, so that one bad entry costs no other picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from blender_addon.contract.text_files import shown
from metasim_backend.datasets.annotation import Annotation, LabelledFile
from metasim_backend.datasets.json_files import finite_box, is_finite, read_json
from metasim_backend.datasets.readers.pictures import DatasetError

INSTANCES = "instances_"
"""What COCO's own files with boxes begin with."""
FOLDER = "annotations"
"""Where COCO's own layout has its files, beside the folders of pictures."""


@dataclass
class _Picture:
    """An entry of the list of images, with what the annotations say of it."""

    name: str
    size: tuple[int, int] | None
    objects: list[Annotation] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def samples(place: Path) -> list[LabelledFile] | None:
    """Each picture with its objects, by file name; None without an annotations file.

    Args:
        place: the folder, or its annotations file.

    Raises:
        DatasetError: when there are several files to choose from, or the file as a whole cannot be
            used. What is wrong with one entry is raised when that is read.
    """
    file = place if place.is_file() else _file(place)
    if file is None:
        return None
    folder = file.parent.parent if file.parent.name == FOLDER else file.parent
    content = read_json(file)
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list) or not all(
            isinstance(item, dict) for item in content[key]
        ):
            raise DatasetError(
                f"{file}: {key!r} is not a list of objects; give a COCO annotations file."
            )
    names = _categories(content["categories"], file)
    pictures, wrong = _pictures(content["images"], file)
    for number, item in enumerate(content["annotations"]):
        where = f"{file}, annotation number {number}"
        picture = pictures.get(_key(item.get("image_id")))
        if picture is None:
            wrong.append(f"{where}: image_id {shown(item.get('image_id'))} does not exist.")
            continue
        try:
            picture.objects.append(_annotation(item, names, where))
        except DatasetError as error:
            picture.wrong.append(str(error))
    listed = [
        _labelled(file, folder, picture)
        for picture in sorted(pictures.values(), key=lambda one: one.name)
    ]
    return listed + [LabelledFile(file, partial(_refuse, sentence)) for sentence in wrong]


def _file(folder: Path) -> Path | None:
    file = folder / "annotations.json"
    if file.is_file():
        return file
    files = sorted((folder / FOLDER).glob("*.json")) or sorted(folder.glob("*.json"))
    if len(files) > 1:
        # COCO's own layout has captions and key points beside them, and several sets of pictures.
        named = [one for one in files if one.stem.startswith(INSTANCES)]
        files = [one for one in named if _set_folder(one, folder).is_dir()] or named or files
    if len(files) > 1:
        raise DatasetError(
            f"The labelled folder {folder} has {len(files)} annotation files "
            f"({', '.join(f.name for f in files[:4])}); give the right one in place of the folder."
        )
    return files[0] if files else None


def _set_folder(file: Path, folder: Path) -> Path:
    """Where COCO's own layout has the pictures of ``instances_val2017.json``: ``val2017/``."""
    return folder / file.stem.removeprefix(INSTANCES)


def _categories(items: list[dict[str, Any]], file: Path) -> dict[Any, str]:
    """The names of classes by their ids."""
    names: dict[Any, str] = {}
    for number, item in enumerate(items):
        where = f"{file}, category number {number}"
        key = _key(_needed(item, "id", where))
        name = str(_needed(item, "name", where)).lower()
        if names.setdefault(key, name) != name:
            raise DatasetError(
                f"{where}: {name!r} and {names[key]!r} both have the id {shown(key)}; give each "
                "class its own."
            )
    return names


def _pictures(items: list[dict[str, Any]], file: Path) -> tuple[dict[Any, _Picture], list[str]]:
    """Pictures by their ids, and what is wrong with entries that give none."""
    pictures: dict[Any, _Picture] = {}
    taken: set[str] = set()
    wrong = []
    for number, item in enumerate(items):
        where = f"{file}, image number {number}"
        try:
            key = _key(_needed(item, "id", where))
            name = str(_needed(item, "file_name", where))
            if key in pictures or name in taken:
                same = f"id {shown(key)}" if key in pictures else f"file_name {shown(name)}"
                raise DatasetError(f"{where}: another image has the same {same}; remove one.")
            pictures[key] = _Picture(name, None)
            taken.add(name)
        except DatasetError as error:
            wrong.append(str(error))
            continue
        try:
            pictures[key].size = _size(item, where)
        except DatasetError as error:
            pictures[key].wrong.append(str(error))
    return pictures, wrong


def _labelled(file: Path, folder: Path, picture: _Picture) -> LabelledFile:
    name = picture.name
    words = Path(name)
    if words.is_absolute() or ".." in words.parts:
        sentence = f"{file}: the picture {shown(name)} lies outside the folder; give a name inside."
        return LabelledFile(file, partial(_refuse, sentence))
    roots = (folder / "images", folder, _set_folder(file, folder), file.parent)
    # Programs for Windows write its own sign between folders.
    places = [root / one for one in (name, name.replace("\\", "/")) for root in roots]
    found = next((place for place in places if _is_file(place)), None)
    if found is None:
        sentence = f"{file}: the picture {shown(name)} is not in {roots[0]}; put it there."
        return LabelledFile(file, partial(_refuse, sentence))
    if picture.wrong:
        more = len(picture.wrong) - 1
        sentence = picture.wrong[0] + (f" {more} more entries of {name} are wrong." if more else "")
        return LabelledFile(found, partial(_refuse, sentence))
    return LabelledFile(found, partial(list, picture.objects), picture.size)


def _is_file(place: Path) -> bool:
    try:
        return ".." not in place.parts and place.is_file()
    except OSError:  # longer than names can be
        return False


def _refuse(sentence: str) -> NoReturn:
    raise DatasetError(sentence)


def _size(item: dict[str, Any], where: str) -> tuple[int, int] | None:
    """Width and height that the entry's labels are for; None where it does not say."""
    sides = [_key(item.get(side)) for side in ("width", "height")]
    sides = [int(s) if isinstance(s, str) and s.isascii() and s.isdigit() else s for s in sides]
    if any(side in (None, 0) for side in sides):
        return None
    if not all(isinstance(side, int) and 0 < side < 10**9 for side in sides):
        raise DatasetError(
            f"{where}: {shown(item['width'])} x {shown(item['height'])} is no size of a picture; "
            "correct width and height."
        )
    return sides[0], sides[1]


def _key(value: Any) -> Any:
    """What entries are found by: 3 for 3.0, which some exporters write; text for what is no key."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if value is None or isinstance(value, int | float | str) else repr(value)


def _annotation(item: dict[str, Any], names: dict[Any, str], where: str) -> Annotation:
    category = _key(_needed(item, "category_id", where))
    if category not in names:
        raise DatasetError(f"{where}: category_id {shown(category)} does not exist; correct it.")
    x, y, w, h = finite_box(_needed(item, "bbox", where), where)
    if w < 0 or h < 0:
        raise DatasetError(f"{where}: the box {item['bbox']} has a negative size; correct it.")
    crowd = item.get("iscrowd", 0)
    if crowd not in (0, 1, None):
        raise DatasetError(f"{where}: iscrowd is {shown(crowd)}, neither 0 nor 1; correct it.")
    occlusion, truncation = item.get("occlusion"), item.get("truncation")
    return Annotation(
        (x, y, x + w, y + h),
        names[category],
        bool(crowd),
        occlusion if isinstance(occlusion, int) else None,
        float(truncation) if truncation is not None and is_finite(truncation) else None,
    )


def _needed(item: dict[str, Any], key: str, where: str) -> Any:
    if not isinstance(item.get(key), list if key == "bbox" else int | float | str):
        raise DatasetError(f"{where}: {key!r} is missing; give a COCO annotations file.")
    return item[key]
