"""What streets show beside labelled photographs: an independent look at what was learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from metasim_backend.datasets.readers.labelled import LabelledImage
from metasim_backend.tasks.average_precision import Prediction
from metasim_backend.tasks.detection_targets import LEAST_SIDE, cut
from metasim_backend.tasks.detector import Example


def content(boxes: Sequence[Tensor], width: int) -> dict[str, float]:
    """Cars a picture, how tall they are in pixels, and how far from the middle they stand as a
    share of half the width.

    Args:
        boxes: [n, 4] of each picture, x0, y0, x1, y1 in pixels.
        width: of the pictures.
    """
    together = torch.cat(list(boxes))
    heights = together[:, 3] - together[:, 1]
    middles = (together[:, 0] + together[:, 2]) / width - 1
    low, middle, high = heights.quantile(torch.tensor([0.1, 0.5, 0.9])).tolist()
    return {
        "cars a picture": len(together) / len(boxes),
        "height, lowest tenth, px": low,
        "height, median, px": middle,
        "height, highest tenth, px": high,
        "off the middle, mean": float(middles.abs().mean()),
    }


def counted(
    found: Sequence[Prediction],
    labelled: Sequence[LabelledImage],
    least_score: float,
    least_height: float,
) -> dict[str, float]:
    """Cars a picture that are found, from a score on, and that are labelled; both from a height on,
    in pixels."""

    def number(boxes: np.ndarray) -> int:
        return int((boxes[:, 3] - boxes[:, 1] >= least_height).sum())

    seen = sum(number(one["boxes"][one["scores"] >= least_score]) for one in found)
    there = 0
    for picture in labelled:
        cars = np.array([name == "car" for name in picture.classes], dtype=bool)
        there += number(picture.boxes[cars & ~picture.ignore])
    return {"found": seen / len(found), "labelled": there / len(labelled)}


def middle_boxes(examples: Sequence[Example], side: int) -> list[Tensor]:
    """The boxes in a square in the middle of each picture, as a crop of it shows them."""
    found = []
    for picture, target in examples:
        height, width = picture.shape[-2:]
        x0, y0 = max(width - side, 0) // 2, max(height - side, 0) // 2
        window = (x0, y0, min(x0 + side, width), min(y0 + side, height))
        found.append(cut(picture, target, window)[1].boxes)
    return found


def tall_enough(boxes: Tensor) -> Tensor:
    """Those that a cut would keep."""
    return boxes[((boxes[:, 2:] - boxes[:, :2]) >= LEAST_SIDE).all(1)]
