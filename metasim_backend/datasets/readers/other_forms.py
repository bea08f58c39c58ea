"""What labelled folders look like whose form is not read, so that a message can say what to do."""

from __future__ import annotations

from pathlib import Path

_COCO = ("annotations.json", "_annotations.coco.json")


def remedy(folder: Path) -> str:
    """What to do with a folder that has none of the forms; the end of a sentence."""
    inside = next((sub for sub in _folders(folder) if _is_labelled(sub)), None)
    if inside is not None:
        return f"its sub-folder {inside.name!r} has one of them, so give that"
    if (folder / "Annotations").is_dir() or _has(folder, "*.xml"):
        return "it looks like Pascal VOC's form, which is not read; save it as COCO"
    if (folder / "data.yaml").is_file() or _has(folder, "labels/*.txt", "labels/*/*.txt"):
        return "it looks like YOLO's form, which is not read; save it as COCO"
    return "give a folder in one of these forms"


def _folders(folder: Path) -> list[Path]:
    return sorted(sub for sub in folder.iterdir() if sub.is_dir() and not sub.name.startswith("."))


def _is_labelled(folder: Path) -> bool:
    return (
        any((folder / name).is_file() for name in _COCO)
        or any((folder / "annotations").glob("*.json"))
        or (folder / "image_2").is_dir()
        or (folder / "boxes.json").is_file()
    )


def _has(folder: Path, *patterns: str) -> bool:
    return any(True for pattern in patterns for _ in folder.glob(pattern))
