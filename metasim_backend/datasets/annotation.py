"""What every form of label file says about one object, and KITTI's three difficulties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Annotation:
    """One object as a file gives it, before any cropping.

    Attributes:
        box: (x0, y0, x1, y1) in the original picture's pixels, x1 and y1 exclusive.
        class_name: in this project's words.
        ignore: whether it is a region that is not judged.
        occlusion: KITTI's 0-3, or None when the file does not say.
        truncation: in [0, 1], or None when the file does not say.
    """

    box: tuple[float, float, float, float]
    class_name: str
    ignore: bool = False
    occlusion: int | None = None
    truncation: float | None = None


@dataclass(frozen=True)
class LabelledFile:
    """A picture's file with what reads its labels.

    Attributes:
        picture: its path.
        objects: reads the labels.
        size: (width, height) that the labels are for, where their file says so.
    """

    picture: Path
    objects: Callable[[], list[Annotation]]
    size: tuple[int, int] | None = None


# KITTI's levels: least height in pixels, greatest occlusion, greatest truncation.
LEVELS = (("easy", 40.0, 0, 0.15), ("moderate", 25.0, 1, 0.3), ("hard", 25.0, 2, 0.5))


def difficulty(height: float, occlusion: int | None, truncation: float | None) -> str | None:
    """KITTI's easiest level that a box belongs to; None for none, or when not all is known.

    Args:
        height: of the box in the original picture, pixels.
    """
    if occlusion is None or truncation is None:
        return None
    for name, least, most_occluded, most_truncated in LEVELS:
        if height >= least and 0 <= occlusion <= most_occluded and truncation <= most_truncated:
            return name
    return None
