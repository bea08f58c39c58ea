"""A trained detector as one file: what it is, what it learned, and how far to believe it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.tasks.backbones import NONE_AS_TENSORFLOW
from metasim_backend.tasks.detector import Detector
from metasim_backend.tasks.detector_settings import DetectorError, DetectorSettings

VERSION = 1


@dataclass(frozen=True, eq=False)
class TrainedDetector:
    """A detector with what it was trained on.

    Attributes:
        detector: ready to predict.
        size: width and height of the pictures that it was trained on, pixels.
        least_score: from which it finds as many objects as there are, in streets of the kind that
            it was trained on.
    """

    detector: Detector
    size: tuple[int, int]
    least_score: float


def save_detector(path: Path, trained: TrainedDetector) -> None:
    """Write the file whole or not at all."""
    detector = trained.detector
    state = detector.state_dict()
    # The backbone's weights are in the state, wherever it began with them.
    begins = {
        "weights": NONE_AS_TENSORFLOW if detector.as_tensorflow else "none",
        "norm": detector.settings.used_norm,
    }
    content = {
        "version": VERSION,
        "settings": detector.settings.to_dict() | begins,
        "state": {
            "backbone": state["backbone"],
            "model": state.get("average", state["model"]),
            "steps": state["steps"],
        },
        "began with": detector.weights,
        "size": list(trained.size),
        "least_score": trained.least_score,
    }
    write_tensors(path, content)


def load_detector(path: Path, device: torch.device | str = "cpu") -> TrainedDetector:
    """Read a file of :func:`save_detector`.

    Args:
        device: where it is to detect, whichever it was trained on.

    Raises:
        DetectorError: when it is none.
    """
    if not path.is_file():
        raise DetectorError(f"There is no detector {path}; train one with metasim detector train.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        settings = DetectorSettings.from_dict(content["settings"])
        width, height = content["size"]
        least_score = float(content["least_score"])
        detector = Detector(settings, torch.Generator().manual_seed(0), device)
        detector.load_for_prediction(content["state"])
        size = int(width), int(height)
    except torch.cuda.OutOfMemoryError:  # the device's fault, not the file's
        raise
    except Exception as error:
        raise DetectorError(
            f"{path} is not a detector of metasim detector train ({type(error).__name__}); give "
            "the file that it wrote."
        ) from None
    return TrainedDetector(detector, size, least_score)
