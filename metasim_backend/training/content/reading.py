"""Boxes read in photographs by a detector that was trained on streets of a generator.

Such a detector is the reader whose mistakes are known: on further streets of the same generator the
score is found from which it finds as many objects as there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from metasim_backend.tasks.average_precision import Prediction
from metasim_backend.tasks.detector import Detector
from metasim_backend.training.content.box_counts import PictureBoxes
from metasim_backend.training.content.content_choice import LEAST_HEIGHT


def calibrated_score(
    found: Sequence[Prediction], shown: Sequence[np.ndarray], height: int
) -> float:
    """The score from which as many objects are found as there are.

    Args:
        found: detections in pictures of streets that the detector was not trained on.
        shown: [n, 4] boxes in each of these pictures.
        height: of the pictures, pixels; objects lower than is counted do not matter.
    """
    least = LEAST_HEIGHT * height
    scores = np.concatenate(
        [one["scores"][one["boxes"][:, 3] - one["boxes"][:, 1] >= least] for one in found]
    )
    number = sum(int((boxes[:, 3] - boxes[:, 1] >= least).sum()) for boxes in shown)
    if not number or not len(scores):
        return 1.0
    return float(np.sort(scores)[::-1][min(number, len(scores)) - 1])


def read_photographs(detector: Detector, images: Tensor, least_score: float) -> list[PictureBoxes]:
    """What a detector sees in photographs [N, 3, H, W] uint8."""
    height, width = images.shape[-2:]
    found = detector.predict([image.permute(1, 2, 0).numpy() for image in images])
    return [
        PictureBoxes(one["boxes"][one["scores"] >= least_score], width, height) for one in found
    ]
