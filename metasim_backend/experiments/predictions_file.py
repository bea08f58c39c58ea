"""What a detector found, as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.tasks.average_precision import Prediction


def write_predictions(path: Path, found: Sequence[Prediction]) -> None:
    """Write predictions, one a picture, whole or not at all."""
    write_tensors(
        path,
        [
            (torch.from_numpy(one["boxes"]), torch.from_numpy(one["scores"]), list(one["labels"]))
            for one in found
        ],
    )


def read_predictions(path: Path) -> list[Prediction]:
    return [
        {"boxes": boxes.numpy(), "scores": scores.numpy(), "labels": tuple(labels)}
        for boxes, scores, labels in torch.load(path, weights_only=True)
    ]
