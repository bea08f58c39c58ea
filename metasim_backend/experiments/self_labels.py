"""Photographs with what a detector is sure of as their labels: self-training.

Lee, Pseudo-label (2013); with fixed labels and synthetic pictures beside them as in Khodabandeh et
al., A robust learning approach to domain adaptive object detection (ICCV 2019).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from metasim_backend.tasks.average_precision import Prediction
from metasim_backend.tasks.detection_targets import DetectionTarget
from metasim_backend.tasks.detector import Example

SURE, UNSURE = 0.5, 0.2
"""Scores from which a detection is a label, and from which it is perhaps an object."""


def self_labelled(
    images: Tensor, found: Sequence[Prediction], classes: Sequence[str]
) -> list[Example]:
    """Photographs with the detections that are sure.

    What is perhaps an object is painted over with the picture's mean colour, so that it is taught
    neither as an object nor as background. A sure object in front of it is painted back.

    Args:
        images: [N, 3, H, W] uint8.
        found: one prediction a picture.
        classes: of the detector.
    """
    return [_labelled(image, one, classes) for image, one in zip(images, found, strict=True)]


def _labelled(image: Tensor, found: Prediction, classes: Sequence[str]) -> Example:
    sure = found["scores"] >= SURE
    perhaps = (found["scores"] >= UNSURE) & ~sure
    mean = image.float().mean((1, 2)).round().to(torch.uint8)
    painted = image.clone()
    for rows, columns in _windows(found["boxes"][perhaps], image):
        painted[:, rows, columns] = mean[:, None, None]
    for rows, columns in _windows(found["boxes"][sure], image):
        painted[:, rows, columns] = image[:, rows, columns]
    labels = [1 + list(classes).index(found["labels"][row]) for row in np.flatnonzero(sure)]
    target = DetectionTarget(
        torch.from_numpy(found["boxes"][sure]).float().reshape(-1, 4),
        torch.tensor(labels, dtype=torch.int64),
        None,
    )
    return painted, target


def _windows(boxes: np.ndarray, image: Tensor) -> list[tuple[slice, slice]]:
    height, width = image.shape[-2:]
    x0, y0 = (np.floor(boxes[:, i]).clip(0).astype(int) for i in (0, 1))
    x1, y1 = (
        np.ceil(boxes[:, i]).clip(max=most).astype(int) for i, most in ((2, width), (3, height))
    )
    return [
        (slice(top, bottom), slice(left, right))
        for left, top, right, bottom in zip(x0, y0, x1, y1, strict=True)
    ]
